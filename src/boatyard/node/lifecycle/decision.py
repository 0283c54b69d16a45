"""What is to be done next for a pod: a pure function of its declaration, what happened on the machine, and the time.

The order is kubelet's: init containers one after the other; among them sidecars (``restartPolicy: Always``), each of which must
have started before the next goes on; then all main containers at once. When these are over for good, sidecars end in reverse order.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from boatyard.machinery.meta.objects import Object, deleting
from boatyard.node.lifecycle.history import Histories, History
from boatyard.node.lifecycle.verdict import Verdict

Start: TypeAlias = tuple[str, int]
"""A container's name and the number of its start."""


class Stop(NamedTuple):
    """End this start of a container, gently."""

    container: str
    attempt: int
    why: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the agent knows beside the pod's declaration and the machine's state."""

    now: float
    started: AbstractSet[Start] = frozenset()
    """Starts whose startup probe has passed, or that have none; membership only."""
    condemned: Mapping[Start, str] = field(default_factory=dict)
    """Starts that must end, and why: a liveness or startup probe failed, a hook failed."""
    held: Mapping[str, float] = field(default_factory=dict)
    """Containers that could not be started, and when to try again."""
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The next steps. All of them may be taken at once; a decision made again before they had effect is the same one."""

    start: tuple[Start, ...] = ()
    stop: tuple[Stop, ...] = ()
    over: bool = False
    """Nothing of the pod runs and nothing will be started any more."""
    wake_at: float | None = None
    """When to decide again, if nothing happens before (seconds since the epoch)."""


def decide(pod: Object, past: Histories, facts: Facts) -> Decision:
    """The next steps for a pod whose supervisor is alive (or that never had anything to run)."""
    plan = _Plan(pod, past, facts)
    if facts.verdict is not None:
        plan.wind_down(facts.verdict.reason)
    elif deleting(pod):
        plan.wind_down("pod is being deleted")
    elif plan.failed_to_initialize():
        plan.wind_down("an init container failed")
    elif plan.completed():
        plan.wind_down("all containers have ended")
    elif plan.initialize():
        plan.run()
    return Decision(tuple(plan.start), tuple(plan.stop), plan.over, plan.wake_at)


def is_sidecar(container: Object) -> bool:
    """Whether an init container is a native sidecar."""
    return container.get("restartPolicy") == "Always"


def restarts(policy: str, history: History) -> bool:
    """Whether a main container that exited is started again."""
    exited = history.exited
    return exited is not None and (policy == "Always" or (policy == "OnFailure" and exited.exit_code != 0))


class _Plan:
    def __init__(self, pod: Object, past: Histories, facts: Facts) -> None:
        spec = pod["spec"]
        self.policy = spec.get("restartPolicy") or "Always"
        self.inits, self.mains = spec.get("initContainers") or [], spec.get("containers") or []
        self.past, self.facts = past, facts
        self.mains_ran = any(past.of(container["name"]).attempts for container in self.mains)
        self.start: list[Start] = []
        self.stop: list[Stop] = []
        self.over = False
        self.wake_at: float | None = None

    def failed_to_initialize(self) -> bool:
        if self.policy != "Never" or self.mains_ran:
            return False
        exits = [self.past.of(container["name"]).exited for container in self.inits if not is_sidecar(container)]
        return any(exited is not None and exited.exit_code != 0 for exited in exits)

    def completed(self) -> bool:
        pasts = [self.past.of(container["name"]) for container in self.mains]
        return all(past.exited is not None and not restarts(self.policy, past) for past in pasts)

    def wind_down(self, why: str) -> None:
        """End main and plain init containers at once; then sidecars, the last first."""
        plain = [c["name"] for c in [*self.inits, *self.mains] if not is_sidecar(c) and self.past.of(c["name"]).active]
        sidecars = [c["name"] for c in self.inits if is_sidecar(c) and self.past.of(c["name"]).active]
        for name in plain or sidecars[-1:]:
            self._end(name, why)
        self.over = not plain and not sidecars

    def initialize(self) -> bool:
        """Take the next step of initialization; True when main containers may run."""
        for container in self.inits:
            name, history = container["name"], self.past.of(container["name"])
            if is_sidecar(container):
                ready = self._keep_running(name)
            else:
                exited = history.exited
                ready = self.mains_ran or (exited is not None and exited.exit_code == 0)
                if not ready and not history.active:
                    self._begin(name)
            if not ready and not self.mains_ran:
                return False
        return True

    def run(self) -> None:
        for container in self.mains:
            history = self.past.of(container["name"])
            if history.exited is None or restarts(self.policy, history):
                self._keep_running(container["name"])

    def _keep_running(self, name: str) -> bool:
        """Start it if it doesn't run, end it if it is condemned. Whether it runs and has started."""
        last = self.past.of(name).last
        if last is None or last.state == "exited":
            self._begin(name)
            return False
        why = self.facts.condemned.get((name, last.attempt))
        if why is not None:
            self._end(name, why)
        return last.state == "running" and (name, last.attempt) in self.facts.started

    def _begin(self, name: str) -> None:
        history = self.past.of(name)
        earliest = max(history.back_off()[0], self.facts.held.get(name, 0.0))
        if earliest <= self.facts.now:
            self.start.append((name, history.next_attempt))
        else:
            self.wake_at = earliest if self.wake_at is None else min(self.wake_at, earliest)

    def _end(self, name: str, why: str) -> None:
        last = self.past.of(name).last
        if last is not None:
            self.stop.append(Stop(name, last.attempt, why))
