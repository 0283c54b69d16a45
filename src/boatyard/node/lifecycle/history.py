"""What happened to the containers of a pod so far, read from what the machine knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from boatyard.machinery.meta.objects import Object
from boatyard.node.runtime import ContainerState, PodState

FIRST_BACK_OFF_SECONDS, LONGEST_BACK_OFF_SECONDS, CALM_SECONDS = 10.0, 300.0, 600.0


@dataclass(frozen=True, slots=True)
class History:
    """The starts of one container that are known, oldest first, and how many came before them."""

    attempts: tuple[ContainerState, ...] = ()
    earlier: int = 0
    """Starts that the machine no longer knows of (it was restarted); they count as restarts."""

    @property
    def last(self) -> ContainerState | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def exited(self) -> ContainerState | None:
        """The last start, if it is over."""
        return self.last if self.last is not None and self.last.state == "exited" else None

    @property
    def active(self) -> bool:
        """Whether a process of it runs, or is about to."""
        return self.last is not None and self.last.state != "exited"

    @property
    def next_attempt(self) -> int:
        return self.last.attempt + 1 if self.last is not None else self.earlier

    def back_off(self) -> tuple[float, float]:
        """(seconds since the epoch before which it is not started again, the wait in seconds).

        Kubelet's rule: the first restart is immediate, then 10 s doubling up to 5 min; 10 minutes of running start it anew.
        """
        wait, following = 0.0, FIRST_BACK_OFF_SECONDS
        for index, attempt in enumerate(a for a in self.attempts if a.state == "exited"):
            if (index == 0 and not self.earlier) or attempt.finished - attempt.started > CALM_SECONDS:
                wait, following = 0.0, FIRST_BACK_OFF_SECONDS
            else:
                wait, following = following, min(following * 2, LONGEST_BACK_OFF_SECONDS)
        return (self.last.finished + wait if self.last is not None else 0.0), wait


@dataclass(frozen=True, slots=True)
class Histories:
    """Those of all containers of a pod."""

    by_name: Mapping[str, History] = field(default_factory=dict)

    def of(self, name: str) -> History:
        return self.by_name.get(name, _NOTHING)


_NOTHING = History()


def histories(pod: Object, state: PodState | None) -> Histories:
    """Group what the machine knows by container. A status that counts more starts than the machine knows is believed."""
    found: dict[str, list[ContainerState]] = {}
    for container in state.containers if state is not None else ():
        found.setdefault(container.name, []).append(container)
    told = _restarts(pod)
    names = dict.fromkeys([*told, *found])
    return Histories({name: _history(found.get(name, []), told.get(name, 0)) for name in names})


def _history(attempts: Iterable[ContainerState], earlier: int) -> History:
    ordered = tuple(sorted(attempts, key=lambda attempt: attempt.attempt))
    return History(ordered, 0 if ordered and ordered[0].attempt == 0 else earlier)


def _restarts(pod: Object) -> dict[str, int]:
    status = pod.get("status") or {}
    told: dict[str, int] = {}
    for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        ran = one.get("state", {}).keys() & {"running", "terminated"} or one.get("lastState")
        if ran:
            told[one["name"]] = int(one.get("restartCount", 0)) + 1
    return told
