"""Binds pods to nodes: all that wait in one plan, by priority and age, as soon as something that concerns them changes."""

from __future__ import annotations

import asyncio

from boatyard.cluster.storage import SELECTED_NODE, is_provisioned
from boatyard.machinery.meta.conditions import condition, set_condition
from boatyard.machinery.meta.core import NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from boatyard.machinery.meta.errors import ApiError, Forbidden, NotFound
from boatyard.machinery.meta.objects import Object, deleting, name, namespace, uid
from boatyard.machinery.placement.demand import Demand, demand_of
from boatyard.machinery.placement.place import Placed, place
from boatyard.machinery.placement.snapshot import Snapshot
from boatyard.machinery.runtime.cache import Cache
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.tasks import TaskGroup

NAME = "boatyard-scheduler"
ACCEPTED = ("", "default-scheduler", NAME)
"""``spec.schedulerName`` of the pods that are ours."""
WRITES_AT_ONCE = 32
EVERYTHING = Request("", "pods")


def controller(manager: Manager, settings: Settings) -> Controller:
    """One request for all pods: what fits depends on the others."""
    scheduler = Scheduler(manager)
    watches = [Watch(resource, everything, scheduler.is_news) for resource in (NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES)]
    made = Controller("scheduler", PODS, scheduler.reconcile, requests=lambda pod: (), watches=watches)
    scheduler.follow(made)
    return made


def everything(obj: Object) -> tuple[Request]:
    return (EVERYTHING,)


class Scheduler:
    """Keeps a snapshot true as pods and nodes change; a pass plans over it and writes the plan."""

    def __init__(self, manager: Manager) -> None:
        self.client, self.world, self.recorder = manager.client, manager.world, manager.recorder(NAME)
        self.claims: Cache = manager.cache(PERSISTENT_VOLUME_CLAIMS)
        self.volumes: Cache = manager.cache(PERSISTENT_VOLUMES)
        self.pods: Cache = manager.cache(PODS)
        self.nodes: Cache = manager.cache(NODES)
        self.snapshot = Snapshot()
        self.waiting: dict[str, Object] = {}

    def follow(self, controller: Controller) -> None:
        """Hear of every change."""

        def pod_changed(old: Object | None, new: Object | None) -> None:
            if self.take_in(old, new):
                controller.enqueue(EVERYTHING)

        self.pods.on_change(pod_changed)
        self.nodes.on_change(self._node_changed)

    def is_news(self, old: Object | None, new: Object | None) -> bool:
        """Whether somebody waits for whatever changed."""
        return bool(self.waiting)

    def take_in(self, old: Object | None, new: Object | None) -> bool:
        """Whether the change of a pod is a reason to plan anew: one begins to wait, or one has given back what others wait for."""
        if new is None:
            assert old is not None
            self.waiting.pop(uid(old), None)
            self.snapshot.remove_pod(uid(old))
            return bool(self.waiting) and not _finished(old)
        node = new["spec"].get("nodeName")
        if _finished(new):
            self.waiting.pop(uid(new), None)
            self.snapshot.remove_pod(uid(new))
            return bool(self.waiting) and (old is None or not _finished(old))
        if node:
            self.waiting.pop(uid(new), None)
            if old is None or old["spec"].get("nodeName") != node:
                self.snapshot.set_pod(demand_of(new), node)
            return False
        if deleting(new) or new["spec"].get("schedulingGates") or (new["spec"].get("schedulerName") or "") not in ACCEPTED:
            self.waiting.pop(uid(new), None)
            return False
        known = self.waiting.get(uid(new))
        self.waiting[uid(new)] = new
        # Our own word about it is no reason to look again.
        return known is None or known["spec"] != new["spec"] or known["metadata"].get("labels") != new["metadata"].get("labels")

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self.snapshot.set_node(new)
        elif old is not None:
            self.snapshot.remove_node(name(old))

    async def reconcile(self, request: Request) -> float | None:
        """Plan for all that wait, and write the plan."""
        pods = sorted(self.waiting.values(), key=lambda pod: (-(pod["spec"].get("priority") or 0), _age(pod)))
        ready: list[Demand] = []
        refused: list[tuple[Object, str]] = []
        for pod in pods:
            volumes, why_not = self._volumes(pod)
            if why_not:
                refused.append((pod, why_not))
            else:
                ready.append(demand_of(pod, volumes))
        plan = place(self.snapshot, ready)
        by_uid = {uid(pod): pod for pod in pods}
        refused += [(by_uid[r.pod.uid], r.message) for r in plan.refused]
        await self._carry_out(plan.placed, by_uid, refused)
        return None

    def _volumes(self, pod: Object) -> tuple[tuple[Object, ...], str]:
        """The node affinities of the pod's volumes, or why it must wait for them."""
        affinities: list[Object] = []
        for volume in pod["spec"].get("volumes") or ():
            source = volume.get("persistentVolumeClaim")
            if source is None:
                continue
            claim = self.claims.get(source["claimName"], namespace(pod))
            if claim is None:
                return (), f'persistentvolumeclaim "{source["claimName"]}" not found'
            if deleting(claim):
                return (), f'persistentvolumeclaim "{source["claimName"]}" is being deleted'
            bound = self.volumes.get(claim["spec"].get("volumeName") or "")
            if bound is not None:
                required = (bound["spec"].get("nodeAffinity") or {}).get("required")
                if required:
                    affinities.append(required)
            elif claim["spec"].get("volumeName"):
                return (), f'persistentvolume "{claim["spec"]["volumeName"]}" not found'
            elif not is_provisioned(claim):
                return (), "pod has unbound immediate PersistentVolumeClaims"
            elif selected := (claim["metadata"].get("annotations") or {}).get(SELECTED_NODE):
                affinities.append(_only(selected))
        return tuple(affinities), ""

    async def _carry_out(self, placed: list[Placed], pods: dict[str, Object], refused: list[tuple[Object, str]]) -> None:
        limit = asyncio.Semaphore(WRITES_AT_ONCE)
        failures: list[Exception] = []

        async def attempt(decision: Placed | tuple[Object, str]) -> None:
            async with limit:
                try:
                    if isinstance(decision, Placed):
                        await self._bind(decision, pods[decision.pod.uid])
                    else:
                        await self._refuse(*decision)
                except NotFound:
                    pass  # it is gone: the cache will tell
                except Forbidden as error:
                    if not any(cause.get("reason") == "NamespaceTerminating" for cause in error.details.get("causes") or ()):
                        failures.append(error)  # else it goes with its namespace
                except (ApiError, OSError, TimeoutError) as error:
                    failures.append(error)

        if len(placed) + len(refused) == 1:
            await attempt(placed[0] if placed else refused[0])
        elif placed or refused:
            async with TaskGroup() as group:
                for decision in (*placed, *refused):
                    group.start(attempt(decision), "scheduler-write")
        if failures:
            raise failures[0]  # planned again with back-off; the rest was written

    async def _bind(self, placed: Placed, pod: Object) -> None:
        """Bind, unless a claim has to get its volume on that node first; its binding asks for the next pass."""
        unbound = [claim for claim in self._claims(pod) if not claim["spec"].get("volumeName")]
        for claim in unbound:
            if (claim["metadata"].get("annotations") or {}).get(SELECTED_NODE) != placed.node:
                wish = {"annotations": {SELECTED_NODE: placed.node}, "resourceVersion": claim["metadata"]["resourceVersion"]}
                await self.client.patch(PERSISTENT_VOLUME_CLAIMS, name(claim), {"metadata": wish}, namespace(claim))
        if unbound:
            return
        metadata = {"name": placed.pod.name, "namespace": placed.pod.namespace, "uid": placed.pod.uid}
        target = {"apiVersion": "v1", "kind": "Node", "name": placed.node}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
        self.snapshot.set_pod(placed.pod, placed.node)  # at once: the next plan may come before the cache knows
        self.waiting.pop(placed.pod.uid, None)
        try:
            await self.client.create(PODS, body, placed.pod.namespace, name=placed.pod.name, subresource="binding")
        except BaseException:
            self._put_back(pod)
            raise
        message = f"Successfully assigned {placed.pod.namespace}/{placed.pod.name} to {placed.node}"
        await self.recorder.event(pod, "Normal", "Scheduled", message)

    def _put_back(self, pod: Object) -> None:
        live = self.pods.get(name(pod), namespace(pod))
        self.snapshot.remove_pod(uid(pod))
        if live is not None and uid(live) == uid(pod):
            self.take_in(None, live)

    def _claims(self, pod: Object) -> list[Object]:
        sources = [volume.get("persistentVolumeClaim") for volume in pod["spec"].get("volumes") or ()]
        found = [self.claims.get(source["claimName"], namespace(pod)) for source in sources if source]
        return [claim for claim in found if claim is not None]

    async def _refuse(self, pod: Object, message: str) -> None:
        """Say why it waits: in its condition, and once in an event."""
        before = condition(pod, "PodScheduled")
        if before and before.get("reason") == "Unschedulable" and before.get("message") == message:
            return
        conditions = set_condition(
            (pod.get("status") or {}).get("conditions"), "PodScheduled", False, "Unschedulable", message, self.world.now()
        )
        change = {"metadata": {"resourceVersion": pod["metadata"]["resourceVersion"]}, "status": {"conditions": conditions}}
        await self.client.patch(PODS, name(pod), change, namespace(pod), subresource="status")
        await self.recorder.event(pod, "Warning", "FailedScheduling", message)


def _finished(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _age(pod: Object) -> tuple[str, int]:
    revision = pod["metadata"].get("resourceVersion", "")
    return pod["metadata"].get("creationTimestamp", ""), int(revision) if revision.isdigit() else 0


def _only(node: str) -> Object:
    return {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]}
