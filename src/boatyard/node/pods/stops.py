"""Ending containers gently: the preStop hook, SIGTERM, and SIGKILL when the time is up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from boatyard.machinery.meta.objects import Object, deleting, uid
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.node.lifecycle.decision import Start, Stop
from boatyard.node.lifecycle.history import Histories
from boatyard.node.lifecycle.verdict import Verdict
from boatyard.node.pods.context import NodeContext
from boatyard.node.probes.actions import Target

DEFAULT_GRACE_SECONDS = 30.0
SHORTEST_AFTER_HOOK_SECONDS = 2.0
"""What a container gets after its hook used the whole grace period up; kubelet's figure."""
KILL_AGAIN_SECONDS = 5.0


@dataclass(slots=True)
class _Progress:
    began: float
    hook_done: bool
    terminated_at: float | None = None


class Stops:
    """How far the ending of each container of a pod has come. A restarted agent begins anew: hooks run at least once."""

    def __init__(self, context: NodeContext, wake: Callable[[], None]) -> None:
        self._context, self._wake = context, wake
        self._progress: dict[Start, _Progress] = {}
        self._deleting_since: float | None = None

    async def advance(
        self, group: TaskGroup, pod: Object, past: Histories, pod_ip: str, stops: Sequence[Stop], verdict: Verdict | None,
        grace_seconds: dict[Start, float],
    ) -> float | None:  # fmt: skip
        """Take the next step of every stop. Returns when to come back (seconds since the epoch). Raises MachineError."""
        now, again = self._context.world.now(), None
        for stop in stops:
            start = (stop.container, stop.attempt)
            progress = self._progress.get(start)
            if progress is None:
                progress = self._begin(group, pod, past, pod_ip, stop, now)
            deadline = self._deadline(pod, progress, verdict, grace_seconds.get(start))
            if progress.hook_done and progress.terminated_at is None and now < deadline:
                progress.terminated_at = now
                await self._context.runtime.signal(uid(pod), stop.container, signal.SIGTERM)
            if now >= deadline:
                progress.terminated_at = progress.terminated_at or now
                await self._context.runtime.signal(uid(pod), stop.container, signal.SIGKILL)
                deadline = now + KILL_AGAIN_SECONDS
            again = deadline if again is None else min(again, deadline)
        return again

    def _begin(self, group: TaskGroup, pod: Object, past: Histories, pod_ip: str, stop: Stop, now: float) -> _Progress:
        container = next(
            c for c in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())) if c["name"] == stop.container
        )
        hook = (container.get("lifecycle") or {}).get("preStop")
        last = past.of(stop.container).last
        progress = self._progress[(stop.container, stop.attempt)] = _Progress(now, hook is None)
        self._context.announcer.tell(pod, "Killing", f"Stopping container {stop.container}: {stop.why}")
        if hook is not None and last is not None:
            target = Target(uid(pod), pod_ip, container, last)
            group.start(self._hook(pod, progress, target, hook), f"preStop of {stop.container}")
        return progress

    async def _hook(self, pod: Object, progress: _Progress, target: Target, hook: Object) -> None:
        limit = float(pod["spec"].get("terminationGracePeriodSeconds") or DEFAULT_GRACE_SECONDS)
        outcome = await self._context.actions.act(target, hook, limit)
        if not outcome.ok:
            self._context.announcer.warn(pod, "FailedPreStopHook", f"container {target.container['name']}: {outcome.message}")
        progress.hook_done = True
        self._wake()

    def _deadline(self, pod: Object, progress: _Progress, verdict: Verdict | None, own: float | None) -> float:
        """When SIGKILL is due: by the pod's deletion, the node's verdict or the container's own grace period, the earliest."""
        grace = pod["spec"].get("terminationGracePeriodSeconds")
        usual = DEFAULT_GRACE_SECONDS if grace is None else float(grace)
        bounds = [progress.began + (usual if own is None else own)]
        if verdict is not None:
            bounds.append(verdict.decided + (usual if verdict.grace_seconds is None else verdict.grace_seconds))
        if deleting(pod):
            # As kubelet has it, the time counts from when the node acts: a node that was away doesn't kill at once when it is back.
            self._deleting_since = self._deleting_since or self._context.world.now()
            bounds.append(self._deleting_since + float(pod["metadata"].get("deletionGracePeriodSeconds", usual)))
        deadline = min(bounds)
        if progress.hook_done and progress.terminated_at is not None and deadline > progress.began:
            return max(deadline, progress.terminated_at + (SHORTEST_AFTER_HOOK_SECONDS if usual else 0.0))
        return deadline
