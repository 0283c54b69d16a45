"""Which build starts next. Pure: who waits, who runs and what is allowed go in, a plan comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Team: TypeAlias = tuple[str, str]
"""(namespace, name) of a CiConfig."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A build that may start."""

    namespace: str
    ciconfig: str
    name: str
    number: int
    created: str
    """RFC 3339: of two builds alike the older one starts first."""
    priority: int = 0

    @property
    def team(self) -> Team:
        return self.namespace, self.ciconfig


@dataclass(frozen=True, slots=True)
class Quota:
    """What one CiConfig may have."""

    running: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What all may have together; None means no limit."""

    total: int | None = None
    per_namespace: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in order."""

    admit: tuple[Waiting, ...]
    refuse: tuple[Waiting, ...]
    """Beyond the queue's limit of their CiConfig: the youngest."""


@dataclass(slots=True)
class _Share:
    """One namespace or team while the plan is made."""

    running: int
    waiting: list[Waiting] = field(default_factory=list)
    """Next one last."""


def plan(waiting: Iterable[Waiting], running: Mapping[Team, int], quotas: Mapping[Team, Quota], limits: Limits = Limits()) -> Plan:
    """Admit as many as fit. ``running`` says how many of each CiConfig hold a place; every team that waits has a quota.

    Namespaces get equal shares: the next build is one of the namespace with the fewest running. Within it the highest priority
    starts first, then the team with the fewest running, then the oldest.
    """
    teams: dict[Team, _Share] = {team: _Share(count) for team, count in sorted(running.items())}
    for one in sorted(waiting, key=lambda one: (-one.priority, one.created, one.number, one.name), reverse=True):
        teams.setdefault(one.team, _Share(0)).waiting.append(one)
    used: dict[str, int] = {}
    for (namespace, _), share in teams.items():
        used[namespace] = used.get(namespace, 0) + share.running
    left = None if limits.total is None else limits.total - sum(used.values())
    admitted: list[Waiting] = []
    while left is None or left > 0:
        best: tuple[tuple[int, int, int, str, int, str], Team] | None = None
        for team, share in teams.items():
            if not share.waiting or share.running >= quotas[team].running:
                continue
            if limits.per_namespace is not None and used[team[0]] >= limits.per_namespace:
                continue
            first = share.waiting[-1]
            rank = (used[team[0]], -first.priority, share.running, first.created, first.number, first.name)
            if best is None or rank < best[0]:
                best = rank, team
        if best is None:
            break
        share = teams[best[1]]
        admitted.append(share.waiting.pop())
        share.running += 1
        used[best[1][0]] += 1
        left = None if left is None else left - 1
    refused: list[Waiting] = []
    for team, share in teams.items():
        surplus = len(share.waiting) - (quotas[team].waiting if share.waiting else 0)
        if surplus > 0:
            youngest = sorted(share.waiting, key=lambda one: (one.created, one.number), reverse=True)
            refused += youngest[:surplus]
    return Plan(tuple(admitted), tuple(refused))
