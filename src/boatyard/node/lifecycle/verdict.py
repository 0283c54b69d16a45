"""A pod that ends because the node says so: why, kept on disk so that a restarted agent doesn't change its mind."""

from __future__ import annotations

import msgspec

DEADLINE_EXCEEDED = "DeadlineExceeded"
EVICTED = "Evicted"
INFRASTRUCTURE_LOST = "InfrastructureLost"
REFUSED = "UnsupportedByNode"


class Verdict(msgspec.Struct, frozen=True):
    """Becomes ``status.reason`` and ``status.message`` of a pod in phase Failed."""

    reason: str
    message: str
    decided: float
    """Seconds since the epoch."""
    grace_seconds: float | None = None
    """How long its containers have to end; None: the pod's own grace period."""
