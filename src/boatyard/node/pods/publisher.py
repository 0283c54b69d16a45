"""Telling the API server a pod's status: only what changed, the newest only, again and again until it is accepted."""

from __future__ import annotations

from collections.abc import Callable

from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.errors import ApiError, Conflict, Invalid, NotFound
from boatyard.machinery.meta.objects import Object, name, namespace, uid
from boatyard.node.pods.alarm import Alarm
from boatyard.node.pods.context import NodeContext

COALESCE_SECONDS = 0.01
"""A pod that starts changes several times within milliseconds: one write tells it all."""
SHORTEST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.2, 10.0
OWNED = (
    "phase", "reason", "message", "conditions", "hostIP", "hostIPs", "podIP", "podIPs", "startTime", "qosClass",
    "containerStatuses", "initContainerStatuses",
)  # fmt: skip


class StatusPublisher:
    """One pod's. ``accepted(pod)`` is called with the object the server answers, ``gone()`` when there is no such pod any more."""

    def __init__(self, context: NodeContext, accepted: Callable[[Object], None], gone: Callable[[], None]) -> None:
        self._context, self._accepted, self._gone = context, accepted, gone
        self._alarm = Alarm()
        self._pod: Object | None = None
        self._wanted: Object | None = None
        self._settled: tuple[Object, Object] | None = None
        """The last status that was accepted, and what the server made of it: it may drop or default something."""

    def want(self, pod: Object, status: Object) -> bool:
        """Make the API server say ``status`` of ``pod``, as it is known now. Whether it says so already."""
        self._pod, self._wanted = pod, status
        if not self._change(pod, status):
            return True
        self._alarm.ring()
        return False

    async def run(self) -> None:
        """Write for ever; returns when the pod is gone."""
        failures = 0
        while True:
            await self._alarm.wait(None)
            await self._context.world.sleep(COALESCE_SECONDS)
            pod, wanted = self._pod, self._wanted
            if pod is None or wanted is None:
                continue
            change = self._change(pod, wanted)
            if not change:
                continue
            try:
                answer = await self._write(pod, change)
                failures, self._settled = 0, (wanted, owned(answer.get("status") or {}))
                self._accepted(answer)
            except (NotFound, Conflict, Invalid) as error:
                if isinstance(error, Invalid):
                    self._context.announcer.warn(pod, "StatusRefused", f"the API server refuses the pod's status: {error}")
                    await self._context.world.sleep(LONGEST_RETRY_SECONDS)
                elif await self._is_gone(pod):
                    self._gone()
                    return
                self._alarm.ring()
            except (ApiError, OSError, TimeoutError):
                failures += 1
                await self._context.world.sleep(min(SHORTEST_RETRY_SECONDS * 2 ** min(failures, 10), LONGEST_RETRY_SECONDS))
                self._alarm.ring()

    def _change(self, pod: Object, wanted: Object) -> Object:
        current = pod.get("status") or {}
        if self._settled is not None and self._settled == (wanted, owned(current)):
            return {}
        return difference(current, wanted)

    async def _write(self, pod: Object, change: Object) -> Object:
        # The uid makes the write conditional: a pod of the same name made later is somebody else's.
        patch = {"metadata": {"uid": uid(pod)}, "status": change}
        return await self._context.client.patch(PODS, name(pod), patch, namespace(pod), subresource="status")

    async def _is_gone(self, pod: Object) -> bool:
        try:
            current = await self._context.client.get(PODS, name(pod), namespace(pod))
        except NotFound:
            return True
        except (ApiError, OSError, TimeoutError):
            await self._context.world.sleep(SHORTEST_RETRY_SECONDS)
            return False
        return uid(current) != uid(pod)


def owned(status: Object) -> Object:
    """The part of a status that the node writes."""
    return {key: status[key] for key in OWNED if key in status}


def difference(old: Object, new: Object) -> Object:
    """The merge patch that turns what this node owns of ``old`` into ``new``; empty when nothing changed."""
    return {key: new.get(key) for key in OWNED if old.get(key) != new.get(key)}
