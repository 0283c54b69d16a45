"""What scenarios are made of: a control plane and nodes as components, with everything that outlives them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from boatyard.cluster.storage import VOLUMES_DIRECTORY
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS, LEASES, NODES, PERSISTENT_VOLUMES, PODS
from boatyard.machinery.meta.errors import AlreadyExists, Conflict, NotFound, ServiceUnavailable
from boatyard.machinery.meta.objects import Object, annotations, deleting, name, namespace, uid
from boatyard.machinery.meta.timestamps import rfc3339, rfc3339_micro
from boatyard.machinery.registry.compaction import forget_history
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.connection import Connection
from boatyard.machinery.runtime.controller import Controller, Request
from boatyard.machinery.runtime.durable import DurableStore
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.simulation import SimWorld
from boatyard.machinery.store.memory import MemoryStore

HISTORY_SECONDS = 60.0
"""Less than in the program, so that watches that were away for long are refused now and then."""


class ControlPlane:
    """Store, registry and controllers in one component, ``api`` being its service. The store outlives it."""

    def __init__(
        self, world: SimWorld, controllers: Callable[[Manager], Iterable[Controller]], *, crash_rate: float = 0.0,
        kinds: Iterable[Object] = (), pod_streams: Any = None,
    ) -> None:  # fmt: skip
        self.world, self.controllers, self.kinds, self.pod_streams = world, controllers, tuple(kinds), pod_streams
        self.store = MemoryStore()
        self.component = Component(world, "control", self._main, crash_rate=crash_rate)

    async def _main(self, life: Incarnation) -> None:
        self.store.reopened()
        store = DurableStore(life, self.store)
        registry = Registry(store, self.world)
        await registry.start()
        client = EmbeddedClient(registry, pod_streams=self.pod_streams)
        known = [name(definition) for definition in (await client.list(CUSTOM_RESOURCE_DEFINITIONS)).items]
        for definition in self.kinds:
            if name(definition) not in known:
                await client.apply(CUSTOM_RESOURCE_DEFINITIONS, definition, field_manager="boatyard")
        manager = Manager(client, self.world)
        for controller in self.controllers(manager):
            manager.add(controller)
        manager.add_loop("compaction", lambda: forget_history(store, self.world, HISTORY_SECONDS))
        life.services["api"] = client
        await manager.run()

    def keys(self, prefix: str) -> list[str]:
        """What is stored below a prefix."""
        return [record.key for record in self.store.range(prefix).records]


@dataclass
class Process:
    """A pod's processes: what they will have done when they end."""

    ends_at: float
    exit_code: int = 0
    reason: str = ""
    """``status.reason`` of the pod, when it is not its own fault that it ends."""
    messages: dict[str, str] = field(default_factory=dict)
    """Termination messages by container."""
    program: Component | None = None
    """What runs in the pod, for as long as the pod does."""
    owner: str = ""
    """Whose it is."""
    _listeners: list[asyncio.Future[None]] = field(default_factory=list)

    def begin(self) -> None:
        """The pod starts."""
        if self.program is not None:
            self.program.start()

    def end(self) -> None:
        """The pod is put down, or all of it has ended."""
        if self.program is not None:
            self.program.stop()
        for listener in self._listeners:
            if not listener.done():
                listener.set_result(None)

    async def ended(self, seconds_left: float) -> None:
        """Wait until it ends by itself or is put down."""
        listener: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listeners.append(listener)
        await asyncio.wait((listener,), timeout=seconds_left)


@dataclass
class Machine:
    """What a node's agent leaves running when it dies: processes by the uid of their pod."""

    running: dict[str, Process] = field(default_factory=dict)
    by_name: dict[tuple[str, str], str] = field(default_factory=dict)


class SimNode:
    """A node agent in a page: starts what is bound to it, says how it ends, ends what is deleted.

    ``script(pod)`` says what its processes do: when they end, and how. The machine outlives the agent. Without ``pod_network`` pods
    share the machine's.
    """

    def __init__(
        self, world: SimWorld, node: str, api: Component, script: Callable[[Object], Process], *,
        crash_rate: float = 0.0, pods: int = 110, pod_network: bool = True,
    ) -> None:  # fmt: skip
        self.world, self.node, self.api, self.script, self.capacity = world, node, api, script, pods
        self.pod_network = pod_network
        self.machine = Machine()
        self.component = Component(world, node, self._main, crash_rate=crash_rate)

    async def _main(self, life: Incarnation) -> None:
        client: Any = Connection(life, self.api)
        manager = Manager(client, self.world)
        pods = manager.cache(PODS, field_selector=f"spec.nodeName={self.node}")

        async def reconcile(request: Request) -> float | None:
            pod = pods.get(request.name, request.namespace)
            return await self._converge(client, pod) if pod is not None else self._gone(request)

        agent = Controller(self.node, PODS, reconcile, workers=4)
        pods.on_change(lambda old, new: agent.enqueue(Request(namespace(new or old or {}), name(new or old or {}))))
        manager.add_loop("heartbeat", lambda: self._beat(client))

        async def run() -> None:
            self._forget(pods)  # what was deleted while the agent was down
            await agent.run(self.world)

        volumes = manager.cache(PERSISTENT_VOLUMES)
        remove = lambda request: self._remove_data(client, volumes, request)  # noqa: E731
        manager.add(Controller(f"{self.node}-volumes", PERSISTENT_VOLUMES, remove))
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

    async def _remove_data(self, client: Any, volumes: Any, request: Request) -> None:
        volume = volumes.get(request.name)
        if volume is not None and deleting(volume) and annotations(volume).get("boatyard.dev/node") == self.node:
            await client.patch(PERSISTENT_VOLUMES, request.name, {"metadata": {"finalizers": None}})

    async def _register(self, client: Any) -> None:
        try:
            metadata = {"labels": {"kubernetes.io/hostname": self.node}, "annotations": {VOLUMES_DIRECTORY: "/volumes"}}
            await client.create(NODES, {"metadata": {"name": self.node, **metadata}})
        except AlreadyExists:
            pass
        ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": rfc3339(self.world.now())}
        network = {"type": "PodNetwork", "status": str(self.pod_network)}
        status = {"allocatable": {"cpu": "64", "memory": "256Gi", "pods": str(self.capacity)}, "conditions": [ready, network]}
        await client.patch(NODES, self.node, {"status": status}, subresource="status")
        try:
            await client.create(LEASES, {"metadata": {"name": self.node}, "spec": {"holderIdentity": self.node}}, "kube-node-lease")
        except AlreadyExists:
            pass

    async def _converge(self, client: Any, pod: Object) -> float | None:
        machine, now = self.machine, self.world.now()
        phase = (pod.get("status") or {}).get("phase")
        process = machine.running.get(uid(pod))
        if deleting(pod) or phase in ("Succeeded", "Failed"):
            if process is not None and phase not in ("Succeeded", "Failed"):
                # As an agent does: what ran is put down, and told, before the pod is let go.
                put_down = Process(now, 143)
                process.end()
                await self._tell(client, pod, "Failed", put_down)
            self._end(uid(pod))
            if deleting(pod) and pod["metadata"].get("deletionGracePeriodSeconds") != 0:
                await client.delete(PODS, name(pod), namespace(pod), uid=uid(pod), grace_period_seconds=0)
            return None
        if process is None:
            process = machine.running[uid(pod)] = self.script(pod)
            machine.by_name[namespace(pod), name(pod)] = uid(pod)
            process.begin()
        left = process.ends_at - now
        if left > 0:
            if phase != "Running":
                await self._tell(client, pod, "Running", process)
            return left if left < 1e6 else None
        await self._tell(client, pod, "Failed" if process.exit_code or process.reason else "Succeeded", process)
        return None

    async def _tell(self, client: Any, pod: Object, phase: str, process: Process) -> None:
        running, now = phase == "Running", rfc3339(self.world.now())

        def told(container: Object, ended: bool, exit_code: int) -> Object:
            state: Object = {"running": {"startedAt": now}}
            if ended:
                message = process.messages.get(container["name"], "")
                reason = "Error" if exit_code else "Completed"
                state = {"terminated": {"exitCode": exit_code, "reason": reason, "finishedAt": now, "message": message}}
            known = {"name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0}
            return {**known, "ready": not ended, "state": state}

        status: Object = {"phase": phase, "podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": str(running)}]}
        status["containerStatuses"] = [
            told(container, not running, 0 if number else process.exit_code)
            for number, container in enumerate(pod["spec"]["containers"])
        ]
        if init := pod["spec"].get("initContainers"):
            status["initContainerStatuses"] = [told(container, True, 0) for container in init]
        if running:
            status["startTime"] = now
        elif process.reason:
            status["reason"] = process.reason
        await client.patch(PODS, name(pod), {"status": status}, namespace(pod), subresource="status")

    def _end(self, pod_uid: str) -> None:
        process = self.machine.running.pop(pod_uid, None)
        if process is not None:
            process.end()

    def _gone(self, request: Request) -> None:
        pod_uid = self.machine.by_name.pop(request, None)
        if pod_uid is not None:
            self._end(pod_uid)

    def _forget(self, pods: Any) -> None:
        known = {uid(pod) for pod in pods.list()}  # membership only
        for pod_uid in [pod_uid for pod_uid in self.machine.running if pod_uid not in known]:
            self._end(pod_uid)


class SimStreams:
    """The logs of pods: one line a container, which ends when the container does; out of reach while its node's agent is down."""

    def __init__(self, world: SimWorld) -> None:
        self.world = world
        self.nodes: list[SimNode] = []

    async def logs(self, where: str, pod: str, *, container: str, **options: Any) -> AsyncIterator[bytes]:
        for node in self.nodes:
            pod_uid = node.machine.by_name.get((where, pod))
            if pod_uid is None:
                continue
            if node.component.current is None:
                raise ServiceUnavailable(f"{node.node} is out of reach")
            yield f"{pod} {container}\n".encode()
            process = node.machine.running.get(pod_uid)
            if process is not None:
                await process.ended(max(process.ends_at - self.world.now(), 0))
            return
        raise NotFound(f'pods "{pod}" not found')
