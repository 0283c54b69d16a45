"""Who is asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MASTERS = "system:masters"
"""The group that may do everything, whatever the roles say."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user as Kubernetes knows one: a name, groups, and what its authenticator added."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


SYSTEM = Caller("system:boatyard", (MASTERS,))
"""Boatyard's own controllers."""

ANONYMOUS = Caller("system:anonymous", ("system:unauthenticated",))
