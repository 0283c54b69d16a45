"""The node agent: every pod that is bound to this node, kept as declared on this machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from pathlib import Path

import boatyard
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.objects import Object, uid
from boatyard.machinery.runtime.cache import Cache
from boatyard.machinery.runtime.events import Recorder
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World
from boatyard.node.announcer import Announcer
from boatyard.node.housekeeping import Housekeeping
from boatyard.node.kubelet.serving import Serving
from boatyard.node.paths import NodePaths
from boatyard.node.pods.context import NodeContext
from boatyard.node.pods.pod_worker import PodWorker
from boatyard.node.probes.actions import Actions, MachineActions
from boatyard.node.registration.heartbeat import Heartbeat
from boatyard.node.registration.host import Host, LocalHost
from boatyard.node.registration.node_object import NodeIdentity, allocatable
from boatyard.node.runtime import Capabilities, NodeRuntime
from boatyard.node.services import ServiceTable
from boatyard.node.volumes.host_path import HostPathPolicy
from boatyard.node.volumes.released import ReleasedVolumes


class Agent:
    """Runs the pods of one node. Everything it knows is in the API server, the runtime and below ``directory``: it may be killed at
    any moment, and the next one goes on.

    ``sandbox``: for all pods; empty leaves it to the runtime. ``services``: variables every container gets
    (KUBERNETES_SERVICE_HOST, …). ``policy``: what hostPath volumes may show; by default nothing of ``directory``. ``serving``: the
    kubelet-shaped API; None serves none. ``capabilities``: what the runtime found the machine able to do, for the Node's labels and
    conditions. ``actions`` and ``host`` are replaced in simulations.
    """

    def __init__(
        self, client: Client, runtime: NodeRuntime, world: World, directory: Path, *, node_name: str, sandbox: str = "",
        host_ip: str = "127.0.0.1", services: Mapping[str, str] | None = None, policy: HostPathPolicy | None = None,
        serving: Serving | None = None, capabilities: Capabilities | None = None, labels: Mapping[str, str] | None = None,
        actions: Actions | None = None, host: Host | None = None,
    ) -> None:  # fmt: skip
        directory = directory.resolve()
        self.client, self.runtime, self.world = client, runtime, world
        self.paths = NodePaths(directory)
        self.serving = serving
        self._host = host or LocalHost(directory)
        self._announcer = Announcer(Recorder(client, world, "boatyard-node"))
        self.pods = Cache(client, PODS, world, field_selector=f"spec.nodeName={node_name}")
        self._identity = _identity(self.paths, node_name, host_ip, sandbox, capabilities, labels or {})
        self._actions = actions or MachineActions(runtime, world)
        self._context = NodeContext(
            client=client, runtime=runtime, world=world, paths=self.paths, announcer=self._announcer, actions=self._actions,
            node_name=node_name, host_ip=host_ip, sandbox=sandbox, services=services or {},
            policy=policy or HostPathPolicy(hidden=(directory,)), allocatable=allocatable(self._host.facts()),
        )  # fmt: skip
        self.workers: dict[str, PodWorker] = {}
        """Who takes care of each pod, by uid."""
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._group: TaskGroup | None = None

    async def run(self) -> None:
        """For ever. Raises only for a fault of ours, and OSError when the node's API can't listen; an API server that is away is
        waited for."""
        api = None
        if self.serving is not None:
            from boatyard.node.kubelet.api import KubeletApi

            api = KubeletApi(self, self.serving)
            self._identity = dataclasses.replace(self._identity, kubelet_port=await api.start())
        try:
            await self._run()
        finally:
            if api is not None:
                await api.stop()
            if isinstance(self._actions, MachineActions):
                await self._actions.close()

    async def _run(self) -> None:
        housekeeping = Housekeeping(self._context, self.pods, self.workers)
        heartbeat = Heartbeat(self.client, self.world, self._host, self._identity, housekeeping.pressed)
        async with TaskGroup() as group:
            self._group = group
            group.start(self._announcer.run(), "events")
            group.start(self._listen(), "changes of the machine")
            self.pods.on_change(self._changed)
            group.start(self.pods.run(), "pods")
            group.start(heartbeat.run(), "heartbeat")
            group.start(housekeeping.run(), "housekeeping")
            group.start(ReleasedVolumes(self.client, self.world, self.paths, self._identity.name).run(), "released volumes")
            group.start(ServiceTable(self.client, self.world, self.runtime).run(), "services")

    @contextmanager
    def listening(self, pod_uid: str, tell: Callable[[], None]) -> Iterator[None]:
        """Call ``tell()`` whenever something of the pod changed on the machine, while the context is open."""
        listeners = self._listeners.setdefault(pod_uid, [])
        listeners.append(tell)
        try:
            yield
        finally:
            listeners.remove(tell)
            if not listeners:
                self._listeners.pop(pod_uid, None)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or uid(new) != uid(old)):
            worker = self.workers.get(uid(old))
            if worker is not None:
                worker.vanish()
        if new is not None:
            worker = self.workers.get(uid(new))
            if worker is None:
                self._take_up(new)
            else:
                worker.observe(new)

    def _take_up(self, pod: Object) -> None:
        if self._group is None:
            return
        worker = self.workers[uid(pod)] = PodWorker(self._context, pod)
        self._group.start(self._work(worker), f"pod {pod['metadata'].get('namespace')}/{pod['metadata']['name']}")

    async def _work(self, worker: PodWorker) -> None:
        await worker.run()
        self.workers.pop(worker.uid, None)

    async def _listen(self) -> None:
        async with aclosing(self.runtime.changes()) as changes:
            async for pod_uid in changes:
                worker = self.workers.get(pod_uid)
                if worker is not None:
                    worker.wake()
                for tell in list(self._listeners.get(pod_uid, ())):
                    tell()


def _identity(
    paths: NodePaths, node_name: str, host_ip: str, sandbox: str, capabilities: Capabilities | None, labels: Mapping[str, str]
) -> NodeIdentity:
    if not sandbox and capabilities is not None and capabilities.sandboxes:
        sandbox = capabilities.sandboxes[0]
    network = None
    if capabilities is not None:
        if sandbox == "process":
            network = (False, "pods use the addresses and ports of this machine: the process sandbox gives them no network")
        else:
            network = (capabilities.network, "" if capabilities.network else "; ".join(capabilities.advice))
    return NodeIdentity(
        name=node_name, address=host_ip, version=boatyard.__version__, sandbox=sandbox, labels=labels,
        volumes_directory=str(paths.claims), network=network,
    )  # fmt: skip
