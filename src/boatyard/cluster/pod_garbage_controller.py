"""Pods that nobody looks after any more: of nodes that are gone, deleted before they had a node, and long finished ones."""

from __future__ import annotations

from collections.abc import Iterable

from boatyard.cluster.pod_index import BY_NODE, node_of_pod
from boatyard.machinery.meta.conditions import set_condition
from boatyard.machinery.meta.core import NODES, PODS
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.objects import Object, controller_of, deleting, name, namespace, uid
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

QUARANTINE_SECONDS = 40.0
"""A node may be known to pods before it is known here."""
FINISHED_KEPT = 1000
"""Finished pods without an owner that are kept for people to look at; of more, the oldest go."""
FINISHED = "finished"
OVERFLOW = Request("", "finished")


def controller(manager: Manager, settings: Settings) -> Controller:
    collector = Collector(manager)
    return Controller(
        "pod-garbage", PODS, collector.reconcile, requests=collector.requests, watches=[Watch(NODES, collector.on_node)]
    )


def finished(pod: Object) -> Iterable[str]:
    """Under one key all finished pods that nobody owns."""
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed") and controller_of(pod) is None:
        yield "all"


class Collector:
    """One pod at a time, or the overflow of finished ones."""

    def __init__(self, manager: Manager) -> None:
        self.client, self.world = manager.client, manager.world
        self.nodes = manager.cache(NODES)
        self.pods = manager.cache(PODS, indexes={BY_NODE: node_of_pod, FINISHED: finished})
        self._missing_since: dict[Request, float] = {}

    def requests(self, pod: Object) -> Iterable[Request]:
        """Only for the pods that may concern us: most don't."""
        node = pod["spec"].get("nodeName")
        if (node and self.nodes.get(node) is None) or (not node and deleting(pod)):
            yield Request(namespace(pod), name(pod))
        if any(finished(pod)):
            yield OVERFLOW

    def on_node(self, node: Object) -> Iterable[Request]:
        """A node that went leaves its pods to us."""
        if self.nodes.get(name(node)) is None:
            for pod in self.pods.by_index(BY_NODE, name(node)):
                yield Request(namespace(pod), name(pod))

    async def reconcile(self, request: Request) -> float | None:
        if request == OVERFLOW:
            await self._trim()
            return None
        pod = self.pods.get(request.name, request.namespace)
        node = pod["spec"].get("nodeName") if pod is not None else None
        if pod is None or (node and self.nodes.get(node) is not None):
            self._missing_since.pop(request, None)
            return None
        if not node:
            if deleting(pod) and pod["metadata"].get("deletionGracePeriodSeconds"):
                await self._delete(pod)
            return None
        since = self._missing_since.setdefault(request, self.world.monotonic())
        left = since + QUARANTINE_SECONDS - self.world.monotonic()
        if left > 0:
            return left
        try:
            await self.client.get(NODES, node)
        except NotFound:
            await self._end(pod, node)
            self._missing_since.pop(request, None)
            return None
        return QUARANTINE_SECONDS

    async def _end(self, pod: Object, node: str) -> None:
        status = pod.get("status") or {}
        if status.get("phase") not in ("Succeeded", "Failed"):
            told = f"node {node} no longer exists"
            conditions = set_condition(
                status.get("conditions"), "DisruptionTarget", True, "DeletionByPodGC", told, self.world.now()
            )
            fields = {"phase": "Failed", "reason": "NodeLost", "message": told, "conditions": conditions}
            change = {"metadata": {"resourceVersion": pod["metadata"]["resourceVersion"]}, "status": fields}
            await self.client.patch(PODS, name(pod), change, namespace(pod), subresource="status")
        await self._delete(pod)

    async def _trim(self) -> None:
        pods = self.pods.by_index(FINISHED, "all")
        if len(pods) > FINISHED_KEPT:
            pods.sort(key=lambda pod: (pod["metadata"].get("creationTimestamp", ""), namespace(pod), name(pod)))
            for pod in pods[: len(pods) - FINISHED_KEPT]:
                if not deleting(pod):
                    await self._delete(pod)

    async def _delete(self, pod: Object) -> None:
        try:
            await self.client.delete(PODS, name(pod), namespace(pod), uid=uid(pod), grace_period_seconds=0)
        except NotFound:
            pass
