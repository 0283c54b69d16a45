"""The node agent: every pod that is bound to this node, kept as declared on this machine."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.objects import Object, uid
from boatyard.machinery.runtime.cache import Cache
from boatyard.machinery.runtime.events import Recorder
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World
from boatyard.node.announcer import Announcer
from boatyard.node.paths import NodePaths
from boatyard.node.pods.context import NodeContext
from boatyard.node.pods.pod_worker import PodWorker
from boatyard.node.probes.actions import Actions, MachineActions
from boatyard.node.registration.host import Host, LocalHost
from boatyard.node.runtime import NodeRuntime
from boatyard.node.volumes.host_path import HostPathPolicy

log = logging.getLogger(__name__)


class Agent:
    """Runs the pods of one node. Everything it knows is in the API server, the runtime and below ``directory``: it may be killed at
    any moment, and the next one goes on.

    ``services`` are the variables every container gets; ``actions`` and ``host`` are replaced in simulations.
    """

    def __init__(
        self, client: Client, runtime: NodeRuntime, world: World, directory: Path, *, node_name: str, sandbox: str = "bubblewrap",
        host_ip: str = "127.0.0.1", services: Mapping[str, str] | None = None, policy: HostPathPolicy | None = None,
        actions: Actions | None = None, host: Host | None = None,
    ) -> None:  # fmt: skip
        self.runtime, self.world = runtime, world
        self.paths = NodePaths(directory)
        self.host = host or LocalHost(directory)
        self.announcer = Announcer(Recorder(client, world, "boatyard-node"))
        self.pods = Cache(client, PODS, world, field_selector=f"spec.nodeName={node_name}")
        self.context = NodeContext(
            client=client, runtime=runtime, world=world, paths=self.paths, announcer=self.announcer,
            actions=actions or MachineActions(runtime, world), node_name=node_name, host_ip=host_ip, sandbox=sandbox,
            services=services or {}, policy=policy or HostPathPolicy(hidden=(directory.resolve(),)),
        )  # fmt: skip
        self.workers: dict[str, PodWorker] = {}
        self._group: TaskGroup | None = None

    async def run(self) -> None:
        """For ever. Raises only for a fault of ours; an API server that is away is waited for."""
        async with TaskGroup() as group:
            self._group = group
            group.start(self.announcer.run(), "events")
            group.start(self._listen(), "changes of the machine")
            self.pods.on_change(self._changed)
            group.start(self.pods.run(), "pods")

    def worker(self, pod_uid: str) -> PodWorker | None:
        """Who takes care of a pod."""
        return self.workers.get(pod_uid)

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
        worker = self.workers[uid(pod)] = PodWorker(self.context, pod)
        self._group.start(self._work(worker), f"pod {pod['metadata'].get('namespace')}/{pod['metadata']['name']}")

    async def _work(self, worker: PodWorker) -> None:
        await worker.run()
        self.workers.pop(worker.uid, None)

    async def _listen(self) -> None:
        async with aclosing(self.runtime.changes()) as changes:  # type: ignore[type-var]
            async for pod_uid in changes:
                worker = self.workers.get(pod_uid)
                if worker is not None:
                    worker.wake()
