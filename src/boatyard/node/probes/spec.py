"""A declared probe with its defaults."""

from __future__ import annotations

from typing import NamedTuple

from boatyard.machinery.meta.objects import Object


class ProbeSpec(NamedTuple):
    """How often, how long, how many times. All times in seconds."""

    handler: Object
    initial_delay_seconds: float
    period_seconds: float
    timeout_seconds: float
    success_threshold: int
    failure_threshold: int


def probe(container: Object, kind: str) -> ProbeSpec | None:
    """``livenessProbe``, ``readinessProbe`` or ``startupProbe`` of a container, if declared."""
    declared = container.get(kind)
    if not declared:
        return None
    return ProbeSpec(
        handler=declared,
        initial_delay_seconds=declared.get("initialDelaySeconds") or 0,
        period_seconds=declared.get("periodSeconds") or 10,
        timeout_seconds=declared.get("timeoutSeconds") or 1,
        success_threshold=declared.get("successThreshold") or 1,
        failure_threshold=declared.get("failureThreshold") or 3,
    )
