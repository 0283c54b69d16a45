"""The probes of one pod: a task per probed container, whose findings decide and status read."""

from __future__ import annotations

from collections.abc import Callable

from boatyard.machinery.meta.objects import Object, uid
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World
from boatyard.node.announcer import Announcer
from boatyard.node.lifecycle.decision import Start
from boatyard.node.lifecycle.history import Histories
from boatyard.node.probes.actions import Actions, Outcome, Target
from boatyard.node.probes.spec import ProbeSpec, probe
from boatyard.node.runtime import ContainerState

QUICKEST_SECONDS = 0.05
"""The first pause between tries of a probe that has never succeeded."""
POST_START_SECONDS = 300.0
"""How long a postStart hook may take before the container is given up."""


class PodProbes:
    """Findings: ``started`` and ``ready`` starts, ``condemned`` ones with the reason. Cleared as containers end."""

    def __init__(self, world: World, actions: Actions, announcer: Announcer, wake: Callable[[], None]) -> None:
        self._world, self._actions, self._announcer, self._wake = world, actions, announcer, wake
        self.started: set[Start] = set()
        self.ready: set[Start] = set()
        self.condemned: dict[Start, str] = {}
        self.grace_seconds: dict[Start, float] = {}
        """Of condemned starts whose probe has a grace period of its own."""
        self._fresh: set[Start] = set()
        self._watched: dict[Start, TaskGroupMember] = {}

    def began(self, start: Start) -> None:
        """This agent has started the container itself: its postStart hook is due."""
        self._fresh.add(start)

    def keep(self, group: TaskGroup, pod: Object, past: Histories, pod_ip: str) -> None:
        """Watch what runs, forget what has ended."""
        running: dict[Start, tuple[Object, ContainerState]] = {}
        for container in (*(pod["spec"].get("initContainers") or ()), *(pod["spec"].get("containers") or ())):
            last = past.of(container["name"]).last
            if last is not None and last.state == "running":
                running[(container["name"], last.attempt)] = (container, last)
        for start in [start for start in self._watched if start not in running]:
            self._forget(start)
        for start, (container, state) in running.items():
            if start not in self._watched:
                self._watch(group, pod, start, Target(uid(pod), pod_ip, container, state))

    def _watch(self, group: TaskGroup, pod: Object, start: Start, target: Target) -> None:
        container = target.container
        member = self._watched[start] = TaskGroupMember(group)
        fresh = start in self._fresh
        self._fresh.discard(start)
        hook = (container.get("lifecycle") or {}).get("postStart") if fresh else None
        known_started, known_ready = (False, False) if fresh else _known(pod, start)
        startup = None if known_started else probe(container, "startupProbe")
        if hook or startup:
            member.start(self._begin(member, pod, start, target, hook, startup, known_ready), f"start-up of {start[0]}")
        else:
            self._begun(member, pod, start, target, known_ready)

    async def _begin(
        self, member: TaskGroupMember, pod: Object, start: Start, target: Target, hook: Object | None, startup: ProbeSpec | None,
        known_ready: bool,
    ) -> None:  # fmt: skip
        if hook:
            outcome = await self._actions.act(target, hook, POST_START_SECONDS)
            if not outcome.ok:
                self._announcer.warn(pod, "FailedPostStartHook", f"container {start[0]}: {outcome.message}")
                self._condemn(start, target, "FailedPostStartHook", None)
                return
        if startup and not await self._until(pod, start, target, startup, "Startup", startup.failure_threshold):
            self._condemn(start, target, f"Container {start[0]} failed startup probe, will be restarted", "startupProbe")
            return
        self._begun(member, pod, start, target, known_ready)
        self._wake()

    def _begun(self, member: TaskGroupMember, pod: Object, start: Start, target: Target, known_ready: bool) -> None:
        self.started.add(start)
        readiness, liveness = probe(target.container, "readinessProbe"), probe(target.container, "livenessProbe")
        if readiness is None or known_ready:
            self.ready.add(start)
        if readiness is not None:
            member.start(self._readiness(pod, start, target, readiness), f"readiness of {start[0]}")
        if liveness is not None:
            member.start(self._liveness(pod, start, target, liveness), f"liveness of {start[0]}")

    async def _liveness(self, pod: Object, start: Start, target: Target, spec: ProbeSpec) -> None:
        await self._first(target, spec)
        failures = 0
        while failures < spec.failure_threshold:
            failures = 0 if await self._once(pod, start, target, spec, "Liveness") else failures + 1
            if failures < spec.failure_threshold:
                await self._world.sleep(spec.period_seconds)
        self._condemn(start, target, f"Container {start[0]} failed liveness probe, will be restarted", "livenessProbe")

    async def _readiness(self, pod: Object, start: Start, target: Target, spec: ProbeSpec) -> None:
        while True:
            if start not in self.ready:
                await self._until(pod, start, target, spec, "Readiness", None)
                self.ready.add(start)
                self._wake()
            failures = 0
            while failures < spec.failure_threshold:
                await self._world.sleep(spec.period_seconds)
                failures = 0 if await self._once(pod, start, target, spec, "Readiness") else failures + 1
            self.ready.discard(start)
            self._wake()

    async def _until(
        self, pod: Object, start: Start, target: Target, spec: ProbeSpec, kind: str, most_failures: int | None
    ) -> bool:
        """Wait for success; False when it failed for as many periods as allowed. Within a period it is tried more often, so that
        what is up soon is used soon; only one failure a period counts and is told."""
        await self._first(target, spec)
        began, failures, successes, pause = self._world.monotonic(), 0, 0, QUICKEST_SECONDS
        while True:
            outcome = await self._actions.act(target, spec.handler, spec.timeout_seconds)
            if outcome.ok:
                successes += 1
                if successes >= spec.success_threshold:
                    return True
                await self._world.sleep(spec.period_seconds)
                continue
            successes = 0
            due = began + failures * spec.period_seconds
            if self._world.monotonic() >= due:
                failures, due = failures + 1, due + spec.period_seconds
                self._tell(pod, start, kind, outcome)
                if most_failures is not None and failures >= most_failures:
                    return False
            await self._world.sleep(max(min(pause, due - self._world.monotonic()), 0.01))
            pause = min(pause * 1.5, spec.period_seconds)

    async def _first(self, target: Target, spec: ProbeSpec) -> None:
        due = target.state.started + spec.initial_delay_seconds - self._world.now()
        if due > 0:
            await self._world.sleep(due)

    async def _once(self, pod: Object, start: Start, target: Target, spec: ProbeSpec, kind: str) -> bool:
        outcome = await self._actions.act(target, spec.handler, spec.timeout_seconds)
        if not outcome.ok:
            self._tell(pod, start, kind, outcome)
        return outcome.ok

    def _tell(self, pod: Object, start: Start, kind: str, outcome: Outcome) -> None:
        self._announcer.warn(pod, "Unhealthy", f"{kind} probe of container {start[0]} failed: {outcome.message}")

    def _condemn(self, start: Start, target: Target, why: str, kind: str | None) -> None:
        self.condemned[start] = why
        own = (target.container.get(kind) or {}).get("terminationGracePeriodSeconds") if kind else None
        if own is not None:
            self.grace_seconds[start] = own
        self._wake()

    def _forget(self, start: Start) -> None:
        self._watched.pop(start).cancel()
        self.started.discard(start)
        self.ready.discard(start)
        self.condemned.pop(start, None)
        self.grace_seconds.pop(start, None)


class TaskGroupMember:
    """Tasks of a group that end together."""

    def __init__(self, group: TaskGroup) -> None:
        self._group = group
        self._tasks: list = []

    def start(self, coroutine, name: str) -> None:
        self._tasks.append(self._group.start(coroutine, name))

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


def _known(pod: Object, start: Start) -> tuple[bool, bool]:
    """(started, ready) as the API server was told before this agent began: an adopted container goes on as it was."""
    status = pod.get("status") or {}
    for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        if one["name"] == start[0] and one.get("restartCount") == start[1] and one.get("state", {}).get("running"):
            return bool(one.get("started")), bool(one.get("ready"))
    return False, False
