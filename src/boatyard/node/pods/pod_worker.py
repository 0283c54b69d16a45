"""One pod on this node: brought, again and again, from where it is to where it should be."""

from __future__ import annotations

import logging

import msgspec

from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.errors import ApiError, Conflict, NotFound
from boatyard.machinery.meta.objects import Object, deleting, name, namespace, revision, uid
from boatyard.machinery.meta.timestamps import parse_time
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.node.containers.admission import refusals
from boatyard.node.lifecycle.decision import Decision, Facts, Start, decide
from boatyard.node.lifecycle.history import Histories, histories
from boatyard.node.lifecycle.loss import loss, settled
from boatyard.node.lifecycle.verdict import DEADLINE_EXCEEDED, INFRASTRUCTURE_LOST, REFUSED, Verdict
from boatyard.node.pods.alarm import Alarm
from boatyard.node.pods.context import NodeContext
from boatyard.node.pods.log_tails import LogTails
from boatyard.node.pods.publisher import StatusPublisher
from boatyard.node.pods.starter import Starter
from boatyard.node.pods.stops import Stops
from boatyard.node.pods.troubles import Troubles
from boatyard.node.probes.pod_probes import PodProbes
from boatyard.node.runtime import PodState
from boatyard.node.status.container_status import Observations
from boatyard.node.status.pod_status import is_final, pod_status, refused_status
from boatyard.node.volumes.removal import remove_tree
from boatyard.node.volumes.tokens import PodTokens

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class PodWorker:
    """Level-triggered: every pass reads the declaration and the machine's state, decides, and takes the next steps. Told of news by
    :meth:`observe`, :meth:`wake` and :meth:`vanish`; ends when nothing of the pod is left on this machine."""

    def __init__(self, context: NodeContext, pod: Object) -> None:
        self.context, self.pod, self.uid = context, pod, uid(pod)
        self.gone = False
        """The API server has no such pod any more."""
        self._alarm = Alarm()
        self._paths = context.paths.pod(self.uid)
        self._verdict = self._paths.read_verdict()
        self._probes = PodProbes(context.world, context.actions, context.announcer, self.wake)
        self._stops = Stops(context, self.wake)
        self._starter = Starter(context, PodTokens(context.client, context.world))
        self._troubles = Troubles(context)
        self._tails = LogTails(self._paths)
        self._publisher = StatusPublisher(context, self.observe, self.vanish)
        self._cut_logs: dict[Start, None] = {}
        self._cleaned = self._emptied = False
        self._finished = False

    def observe(self, pod: Object) -> None:
        """The pod as the API server has it now; older news than what is known is ignored."""
        if uid(pod) == self.uid and not _older(pod, self.pod):
            self.pod = pod
            self.wake()

    def wake(self) -> None:
        """Something of the pod may have changed."""
        self._alarm.ring()

    def vanish(self) -> None:
        """The API server no longer has the pod: stop and remove it here too."""
        self.gone = True
        self.wake()

    def evict(self, verdict: Verdict) -> None:
        """End the pod because the node says so. The first verdict stands."""
        if self._verdict is None and not is_final(self.pod):
            self._judge(verdict)
            self.wake()

    async def run(self) -> None:
        """Until nothing of the pod is left here."""
        async with TaskGroup() as group:
            group.start(self._publisher.run(), f"status of {name(self.pod)}")
            while not self._finished:
                again = await self._guarded_pass(group)
                if not self._finished:
                    await self._alarm.wait(None if again is None else again - self.context.world.now())
            group.cancel()

    async def _guarded_pass(self, group: TaskGroup) -> float | None:
        try:
            return await self._pass(group)
        except Exception as error:  # whatever a hostile pod provokes must not take its neighbours down
            if isinstance(error, ApiError | OSError | TimeoutError):
                log.warning("pod %s/%s: %s", namespace(self.pod), name(self.pod), error)
            else:
                log.exception("pod %s/%s", namespace(self.pod), name(self.pod))
            return self.context.world.now() + RETRY_SECONDS

    async def _pass(self, group: TaskGroup) -> float | None:
        """One reconciliation. Returns when to do the next one if nothing happens before."""
        if self.gone:
            await self._clean()
            await remove_tree(self._paths.root, self.context.world)
            self._finished = True
            return None
        pod, runtime = self.pod, self.context.runtime
        if is_final(pod):
            return await self._finish(pod)
        state = await runtime.state(self.uid)
        self._judge_by(pod, state)
        if self._verdict is not None and self._verdict.reason == REFUSED:
            now = self.context.world.now()
            self._publisher.want(pod, refused_status(pod, self._verdict, host_ip=self.context.host_ip, now=now))
            return None
        if state is not None and not state.alive and self._verdict is None and loss(pod, state, self.context.world.now()):
            await runtime.remove_pod(self.uid)  # its policy lets it start anew
            state, self._starter.mountable = None, None
        state, past = self._read(pod, state)
        decision = self._decide(pod, past)
        again = [decision.wake_at, self._deadline(pod)]
        if decision.start:
            state = await self._start(pod, state, decision)
        if decision.stop and state is not None:
            again.append(await self._stops.advance(
                group, pod, past, state.ip, decision.stop, self._verdict, self._probes.grace_seconds
            ))  # fmt: skip
        state, past = self._read(pod, state)
        if state is not None and state.alive and not decision.over:
            self._probes.keep(group, pod, past, state.ip)
            again.append(await self._refresh(pod, state))
        self._tell_of_cut_logs(pod, state)
        decision = self._decide(pod, past)
        again.append(decision.wake_at)
        self._publish(pod, state, past, decision)
        if decision.over and not self._emptied:
            # Nobody needs its volumes any more, but on a full disk the news of its end may need their room.
            await self.context.volumes().remove(self.uid)
            self._emptied = True
        if decision.start:
            self.wake()  # what was started just now may let the next one begin
        return min((moment for moment in again if moment is not None), default=None)

    def _read(self, pod: Object, state: PodState | None) -> tuple[PodState | None, Histories]:
        if state is not None:
            state = settled(state, self._verdict.decided if self._verdict is not None else self.context.world.now())
            if not state.ip and state.host_network:
                state = msgspec.structs.replace(state, ip=self.context.host_ip)
        return state, histories(pod, state)

    def _decide(self, pod: Object, past: Histories) -> Decision:
        facts = Facts(self.context.world.now(), self._probes.started, self._probes.condemned, self._troubles.held, self._verdict)
        return decide(pod, past, facts)

    async def _start(self, pod: Object, state: PodState | None, decision: Decision) -> PodState | None:
        runtime, names = self.context.runtime, [start[0] for start in decision.start]
        if state is None or not state.alive or self._starter.mountable is None:
            if not await self._troubles.attempt(pod, names, lambda: self._starter.start_pod(pod)):
                return await runtime.state(self.uid)
            state = await runtime.state(self.uid)
        if state is None:
            return None
        ready = state
        containers = {c["name"]: c for c in (*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"])}
        started: list[str] = []
        for container, attempt in decision.start:
            declared = containers[container]

            def begin(declared: Object = declared, attempt: int = attempt):
                return self._starter.start_container(pod, ready, declared, attempt)

            if await self._troubles.attempt(pod, [container], begin):
                self._probes.began((container, attempt))
                started.append(container)
        if started:  # one event for all of them: each is a write, and a pod may have many
            self.context.announcer.tell(pod, "Started", f"Started container{'s'[: len(started) > 1]} {', '.join(started)}")
        return await runtime.state(self.uid)

    async def _refresh(self, pod: Object, state: PodState) -> float | None:
        """Keep what volumes show fresh; an adopted pod's volumes were filled by the agent before."""
        now = self.context.world.now()
        if self._starter.mountable is None and any(c.state != "exited" for c in state.containers):
            await self._troubles.attempt(pod, [], lambda: self._starter.start_pod(pod))
        due = self._starter.refresh_at
        if due is not None and due <= now and not await self._troubles.attempt(pod, [], lambda: self._starter.refresh(pod, state)):
            self._starter.refresh_at = now + RETRY_SECONDS * 10
        return self._starter.refresh_at

    def _tell_of_cut_logs(self, pod: Object, state: PodState | None) -> None:
        for container in state.containers if state is not None else ():
            start = (container.name, container.attempt)
            if container.log_lost_bytes and container.state == "exited" and start not in self._cut_logs:
                self._cut_logs[start] = None
                told = f"{container.log_lost_bytes} bytes of output of container {container.name} were dropped: "
                told += "its log reached the limit of this node, or the disk is full"
                self.context.announcer.warn(pod, "LogTruncated", told)

    def _publish(self, pod: Object, state: PodState | None, past: Histories, decision: Decision) -> None:
        seen = Observations(
            now=self.context.world.now(), started=self._probes.started, ready=self._probes.ready, waiting=self._troubles.waiting,
            messages=self._tails.messages(pod, past), over=decision.over,
        )  # fmt: skip
        self._publisher.want(pod, pod_status(pod, state, past, seen, self._verdict, host_ip=self.context.host_ip))

    def _judge_by(self, pod: Object, state: PodState | None) -> None:
        """Find out whether the pod has to end: refused, lost, or over its deadline."""
        if self._verdict is not None:
            return
        now = self.context.world.now()
        if state is None and (why := refusals(pod)):
            self._judge(Verdict(REFUSED, "; ".join(why), now))
        elif (pod["spec"].get("restartPolicy") or "Always") == "Never" and (why := loss(pod, state, now)):
            self._judge(Verdict(INFRASTRUCTURE_LOST, why, now))
        elif (deadline := self._deadline(pod)) is not None and deadline <= now:
            self._judge(Verdict(DEADLINE_EXCEEDED, "Pod was active on the node longer than the specified deadline", now))

    def _judge(self, verdict: Verdict) -> None:
        try:
            self._paths.write_verdict(verdict)
        except OSError as error:
            # A full disk may be the very reason for it. An agent that starts anew will find out for itself.
            log.warning("pod %s/%s: its verdict can't be kept: %s", namespace(self.pod), name(self.pod), error)
        self._verdict = verdict
        self.context.announcer.warn(self.pod, verdict.reason, verdict.message)

    def _deadline(self, pod: Object) -> float | None:
        seconds, began = pod["spec"].get("activeDeadlineSeconds"), (pod.get("status") or {}).get("startTime")
        return parse_time(began) + seconds if seconds is not None and began and self._verdict is None else None

    async def _finish(self, pod: Object) -> float | None:
        """The API server knows how the pod ended: give back everything but its logs, and let a deleted pod go."""
        await self._clean()
        if deleting(pod) and pod["metadata"].get("deletionGracePeriodSeconds") != 0:
            try:
                left = await self.context.client.delete(PODS, name(pod), namespace(pod), uid=self.uid, grace_period_seconds=0)
            except (NotFound, Conflict):
                self.vanish()
                return None
            if left.get("kind") == "Pod" and left["metadata"].get("finalizers"):
                self.observe(left)
            else:
                self.vanish()
        return None

    async def _clean(self) -> None:
        if not self._cleaned:
            await self.context.runtime.remove_pod(self.uid)
            await self.context.volumes().remove(self.uid)
            self._cleaned = True


def _older(pod: Object, than: Object) -> bool:
    """Whether both revisions are numbers and the first is the smaller. (Elsewhere they are opaque; then news is news.)"""
    first, second = revision(pod), revision(than)
    return first.isdigit() and second.isdigit() and int(first) < int(second)
