"""Node lifecycle: a node that no longer reports is said to be lost, keeps new pods away, and after a grace its pods have failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from boatyard.cluster.pod_index import BY_NODE, node_of_pod
from boatyard.machinery.meta.conditions import condition, is_true, set_condition
from boatyard.machinery.meta.core import LEASES, NODES, PODS
from boatyard.machinery.meta.errors import Conflict, NotFound
from boatyard.machinery.meta.objects import Object, deleting, name, namespace, uid
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.machinery.placement.nodeselector import tolerates
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

LEASE_NAMESPACE = "kube-node-lease"
SILENCE_SECONDS = 40.0
"""After this long without a sign of life a node is Unknown."""
UNREACHABLE, NOT_READY = "node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"
TAINTS = {NOT_READY: ("NoSchedule",), UNREACHABLE: ("NoSchedule", "NoExecute")}


def controller(manager: Manager, settings: Settings) -> Controller:
    lifecycle = Lifecycle(manager)
    return Controller("node", NODES, lifecycle.reconcile, watches=[Watch(LEASES, _its_node)])


def _its_node(lease: Object) -> Iterable[Request]:
    if namespace(lease) == LEASE_NAMESPACE:
        yield Request("", name(lease))


@dataclass(slots=True)
class _Sign:
    """The last sign of life, and when it was seen here: nobody's clock is trusted but our own."""

    told: tuple[str, str]
    seen_at: float


class Lifecycle:
    """One node at a time. After a restart every node has its whole time again."""

    def __init__(self, manager: Manager) -> None:
        self.client, self.world, self.recorder = manager.client, manager.world, manager.recorder("node-controller")
        self.nodes, self.leases = manager.cache(NODES), manager.cache(LEASES)
        self.pods = manager.cache(PODS, indexes={BY_NODE: node_of_pod})
        self._signs: dict[str, _Sign] = {}
        self._lost_since: dict[str, float] = {}

    async def reconcile(self, request: Request) -> float | None:
        node = self.nodes.get(request.name)
        if node is None:
            self._signs.pop(request.name, None)
            self._lost_since.pop(request.name, None)
            return None
        silence = self._silence(node)
        if silence < SILENCE_SECONDS:
            self._lost_since.pop(request.name, None)
            await self._taint(node, () if is_true(node, "Ready") else (NOT_READY,))
            return SILENCE_SECONDS - silence
        if (condition(node, "Ready") or {}).get("status") != "Unknown":
            await self._say_unknown(node)
            return 0.01  # taints belong to the spec: with what comes back
        await self._taint(node, (UNREACHABLE,))
        lost_since = self._lost_since.setdefault(request.name, self.world.monotonic())
        return await self._fail_pods(node, self.world.monotonic() - lost_since)

    def _silence(self, node: Object) -> float:
        lease = self.leases.get(name(node), LEASE_NAMESPACE) or {}
        ready = condition(node, "Ready") or {}
        beat = ready.get("lastHeartbeatTime", "") if ready.get("status") != "Unknown" else ""
        known = self._signs.get(name(node))
        told = ((lease.get("spec") or {}).get("renewTime", ""), beat or (known.told[1] if known else ""))
        if known is None or known.told != told:
            self._signs[name(node)] = known = _Sign(told, self.world.monotonic())
        return self.world.monotonic() - known.seen_at

    async def _say_unknown(self, node: Object) -> None:
        conditions = (node.get("status") or {}).get("conditions") or []
        told = "Kubelet stopped posting node status."
        types = [found["type"] for found in conditions] if is_known(node) else ["Ready"]
        for kind in types:
            reason = "NodeStatusUnknown" if is_known(node) else "NodeStatusNeverUpdated"
            conditions = set_condition(conditions, kind, None, reason, told, self.world.now())
        change = {"metadata": {"resourceVersion": node["metadata"]["resourceVersion"]}, "status": {"conditions": conditions}}
        await self.client.patch(NODES, name(node), change, subresource="status")
        await self.recorder.event(node, "Normal", "NodeNotReady", f"Node {name(node)} status is now: NodeNotReady")

    async def _taint(self, node: Object, keys: tuple[str, ...]) -> None:
        """Have of our taints exactly these; others stay."""
        before = (node.get("spec") or {}).get("taints") or []
        kept = [taint for taint in before if taint.get("key") not in TAINTS or taint["key"] in keys]
        there = [(taint.get("key"), taint.get("effect")) for taint in kept]
        for key in keys:
            for effect in TAINTS[key]:
                if (key, effect) not in there:
                    kept.append({"key": key, "effect": effect, "timeAdded": rfc3339(self.world.now())})
        if kept != before:
            change = {"metadata": {"resourceVersion": node["metadata"]["resourceVersion"]}, "spec": {"taints": kept or None}}
            await self.client.patch(NODES, name(node), change)

    async def _fail_pods(self, node: Object, lost_seconds: float) -> float | None:
        """Pods whose patience is over have failed; the rest are asked about again when the next one's is."""
        next_seconds: list[float] = []
        for pod in sorted(self.pods.by_index(BY_NODE, name(node)), key=lambda pod: (namespace(pod), name(pod))):
            patience = patience_seconds(pod)
            if patience is None:
                continue
            if lost_seconds < patience:
                next_seconds.append(patience - lost_seconds)
                continue
            try:
                if await self._fail(pod, node):
                    next_seconds.append(1.0)
            except (NotFound, Conflict):
                next_seconds.append(1.0)
        return min(next_seconds, default=None)

    async def _fail(self, pod: Object, node: Object) -> bool:
        """Whether there is more to do for it."""
        status = pod.get("status") or {}
        if status.get("phase") not in ("Succeeded", "Failed"):
            told = f"Node {name(node)} which was running pod {name(pod)} is unresponsive"
            now = self.world.now()
            conditions = set_condition(status.get("conditions"), "DisruptionTarget", True, "NodeLost", told, now)
            conditions = set_condition(conditions, "Ready", False, "NodeLost", told, now)
            fields = {"phase": "Failed", "reason": "NodeLost", "message": told, "conditions": conditions}
            change = {"metadata": {"resourceVersion": pod["metadata"]["resourceVersion"]}, "status": fields}
            await self.client.patch(PODS, name(pod), change, namespace(pod), subresource="status")
            await self.recorder.event(pod, "Warning", "NodeLost", told)
            return deleting(pod)
        if deleting(pod):
            # Nobody is there to end it with grace. Should the node come back, its agent ends what the API no longer knows.
            await self.client.delete(PODS, name(pod), namespace(pod), uid=uid(pod), grace_period_seconds=0)
        return False


def is_known(node: Object) -> bool:
    """Whether the node has ever told of itself."""
    return condition(node, "Ready") is not None


def patience_seconds(pod: Object) -> float | None:
    """How long the pod stays on a lost node; None for ever. Its tolerations say; the API gives every pod one for five minutes."""
    taint = {"key": UNREACHABLE, "effect": "NoExecute"}
    tolerated = [toleration for toleration in pod["spec"].get("tolerations") or () if tolerates(toleration, taint)]
    if not tolerated:
        return 0.0
    limits = [toleration["tolerationSeconds"] for toleration in tolerated if toleration.get("tolerationSeconds") is not None]
    return float(max(min(limits), 0)) if limits else None
