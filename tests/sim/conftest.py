"""What scenarios are made of: a control plane and nodes as components, with everything that outlives them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import LEASES, NODES, PODS
from boatyard.machinery.meta.errors import AlreadyExists, Conflict, NotFound
from boatyard.machinery.meta.objects import Object, deleting, name, namespace, uid
from boatyard.machinery.meta.timestamps import rfc3339, rfc3339_micro
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.connection import Connection
from boatyard.machinery.runtime.controller import Controller, Request
from boatyard.machinery.runtime.durable import DurableStore
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.simulation import SimWorld
from boatyard.machinery.store.memory import MemoryStore


class ControlPlane:
    """Store, registry and controllers in one component, ``api`` being its service. The store outlives it."""

    def __init__(
        self, world: SimWorld, controllers: Callable[[Manager], Iterable[Controller]], *, crash_rate: float = 0.0
    ) -> None:
        self.world, self.controllers = world, controllers
        self.store = MemoryStore()
        self.component = Component(world, "control", self._main, crash_rate=crash_rate)

    async def _main(self, life: Incarnation) -> None:
        registry = Registry(DurableStore(life, self.store), self.world)
        await registry.start()
        client = EmbeddedClient(registry)
        manager = Manager(client, self.world)
        for controller in self.controllers(manager):
            manager.add(controller)
        life.services["api"] = client
        await manager.run()

    def keys(self, prefix: str) -> list[str]:
        """What is stored below a prefix."""
        return [record.key for record in self.store.range(prefix).records]


@dataclass
class Machine:
    """What a node's agent leaves running when it dies: processes by the uid of their pod."""

    ends_at: dict[str, float] = field(default_factory=dict)
    exit_codes: dict[str, int] = field(default_factory=dict)


class SimNode:
    """A node agent in a page: starts what is bound to it, says how it ends, ends what is deleted.

    ``script(pod)`` says how many seconds a pod runs and its exit code. The machine outlives the agent.
    """

    def __init__(
        self, world: SimWorld, node: str, api: Component, script: Callable[[Object], tuple[float, int]], *,
        crash_rate: float = 0.0, pods: int = 110,
    ) -> None:  # fmt: skip
        self.world, self.node, self.api, self.script, self.capacity = world, node, api, script, pods
        self.machine = Machine()
        self.component = Component(world, node, self._main, crash_rate=crash_rate)

    async def _main(self, life: Incarnation) -> None:
        client: Any = Connection(life, self.api)
        manager = Manager(client, self.world)
        pods = manager.cache(PODS, field_selector=f"spec.nodeName={self.node}")

        async def reconcile(request: Request) -> float | None:
            pod = pods.get(request.name, request.namespace)
            return await self._converge(client, pod) if pod is not None else self._forget(pods)

        agent = Controller(self.node, PODS, reconcile, workers=4)
        pods.on_change(lambda old, new: agent.enqueue(Request(namespace(new or old or {}), name(new or old or {}))))
        manager.add_loop("heartbeat", lambda: self._beat(client))

        async def run() -> None:
            self._forget(pods)  # what was deleted while the agent was down
            await agent.run(self.world)

        manager.add_loop("agent", run)
        await manager.run()

    async def _beat(self, client: Any) -> None:
        while True:
            try:
                await self._register(client)
                while True:
                    spec = {"holderIdentity": self.node, "renewTime": rfc3339_micro(self.world.now())}
                    await client.patch(LEASES, self.node, {"spec": spec}, "kube-node-lease")
                    await asyncio.sleep(10)
            except (Conflict, NotFound, OSError):
                await asyncio.sleep(1)

    async def _register(self, client: Any) -> None:
        try:
            labels = {"kubernetes.io/hostname": self.node}
            await client.create(NODES, {"metadata": {"name": self.node, "labels": labels}})
        except AlreadyExists:
            pass
        ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": rfc3339(self.world.now())}
        status = {"allocatable": {"cpu": "64", "memory": "256Gi", "pods": str(self.capacity)}, "conditions": [ready]}
        await client.patch(NODES, self.node, {"status": status}, subresource="status")
        try:
            await client.create(LEASES, {"metadata": {"name": self.node}, "spec": {"holderIdentity": self.node}}, "kube-node-lease")
        except AlreadyExists:
            pass

    async def _converge(self, client: Any, pod: Object) -> float | None:
        machine, now = self.machine, self.world.now()
        phase = (pod.get("status") or {}).get("phase")
        if deleting(pod) or phase in ("Succeeded", "Failed"):
            self._end(uid(pod))
            if deleting(pod):
                await client.delete(PODS, name(pod), namespace(pod), uid=uid(pod), grace_period_seconds=0)
            return None
        if uid(pod) not in machine.ends_at:
            seconds, machine.exit_codes[uid(pod)] = self.script(pod)
            machine.ends_at[uid(pod)] = now + seconds
        left = machine.ends_at[uid(pod)] - now
        if left > 0:
            if phase != "Running":
                await self._tell(client, pod, "Running", {"running": {"startedAt": rfc3339(now)}})
            return left
        code = machine.exit_codes[uid(pod)]
        state = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed", "finishedAt": rfc3339(now)}}
        await self._tell(client, pod, "Failed" if code else "Succeeded", state)
        return None

    async def _tell(self, client: Any, pod: Object, phase: str, state: Object) -> None:
        container = {
            "name": "main", "image": "x", "imageID": "", "ready": phase == "Running", "restartCount": 0, "state": state,
        }  # fmt: skip
        ready = {"type": "Ready", "status": str(phase == "Running")}
        status = {"phase": phase, "podIP": "10.0.0.1", "containerStatuses": [container], "conditions": [ready]}
        await client.patch(PODS, name(pod), {"status": status}, namespace(pod), subresource="status")

    def _end(self, pod_uid: str) -> None:
        self.machine.ends_at.pop(pod_uid, None)
        self.machine.exit_codes.pop(pod_uid, None)

    def _forget(self, pods: Any) -> None:
        known = {uid(pod) for pod in pods.list()}  # membership only
        for pod_uid in [pod_uid for pod_uid in self.machine.ends_at if pod_uid not in known]:
            self._end(pod_uid)


@pytest.fixture
def control_plane() -> type[ControlPlane]:
    return ControlPlane


@pytest.fixture
def sim_node() -> type[SimNode]:
    return SimNode
