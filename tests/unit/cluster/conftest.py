"""A control plane of chosen controllers over a memory store, in virtual time, that can be killed and starts again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import NODES
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.durable import DurableStore
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.simulation import SimWorld, simulate
from boatyard.machinery.store.memory import MemoryStore


class Cluster:
    """What the body of a test works with."""

    def __init__(self, world: SimWorld, modules: tuple[ModuleType, ...], crash_rate: float) -> None:
        self.world, self.modules = world, modules
        self.store = MemoryStore()
        self.control = Component(world, "control", self._main, crash_rate=crash_rate, downtime_seconds=5)
        self.commits_at = 0
        self._user = Registry(self.store, world)

    async def _main(self, life: Incarnation) -> None:
        registry = Registry(DurableStore(life, self.store), self.world)
        await registry.start()
        client = EmbeddedClient(registry)
        manager = Manager(client, self.world)
        settings = Settings(object_store=None, api_ca_pem="PEM")  # type: ignore[arg-type]
        for module in self.modules:
            manager.add(module.controller(manager, settings))
        life.services["api"] = client
        await manager.run()

    async def start(self) -> None:
        self.control.start()
        await self.world.sleep(1)

    @property
    def client(self) -> Any:
        """The API, while the control plane is up."""
        assert self.control.current is not None
        return self.control.current.services["api"]

    async def restart(self) -> None:
        """Kill the control plane and have it up again."""
        self.control.crash()
        await self.until(lambda: self.control.current is not None and "api" in self.control.current.services)
        await self.world.sleep(1)

    async def settle(self, seconds: float = 2.0) -> None:
        await self.world.sleep(seconds)

    async def until(self, holds: Callable[[], bool | Awaitable[bool]], within: float = 600) -> None:
        await self.world.until(holds, "what the test waits for", within=within)

    async def find(self, resource: Any, name: str, namespace: str | None = None) -> Any:
        try:
            return await self.client.get(resource, name, namespace)
        except NotFound:
            return None

    async def names(self, resource: Any, namespace: str | None = None) -> list[str]:
        return [obj["metadata"]["name"] for obj in (await self.client.list(resource, namespace)).items]

    async def node(self, name: str = "node-1", **metadata: Any) -> Any:
        """A node that is ready, with four cores."""
        labels = {"kubernetes.io/hostname": name}
        await self.client.create(NODES, {"metadata": {"name": name, "labels": labels, **metadata}})
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": "2026-01-01T00:00:00Z"}
        status = {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}, "conditions": [ready]}
        return await self.client.patch(NODES, name, {"status": status}, subresource="status")

    def quiet(self) -> bool:
        """Whether nothing was written since this was last asked."""
        before, self.commits_at = self.commits_at, self.store.revision
        return before == self.store.revision


@pytest.fixture
def in_cluster() -> Callable[..., None]:
    """``in_cluster(body, *controller modules, seed=…, crash_rate=…)`` runs ``await body(cluster)``.

    Crashes begin when the body sets ``cluster.world.crashing``."""

    def run(body: Callable[[Cluster], Awaitable[None]], *modules: ModuleType, seed: int = 1, crash_rate: float = 0.0) -> None:
        async def scenario(world: SimWorld) -> None:
            world.crashing = False
            cluster = Cluster(world, modules, crash_rate)
            await cluster.start()
            await body(cluster)

        simulate(seed, scenario)

    return run


@pytest.fixture
def pod() -> Callable[..., Any]:
    """A small pod; fields beside its container may be given."""

    def make(
        name: str, *, cpu: str = "1", labels: dict[str, str] | None = None, owners: list[Any] | None = None, **spec: Any
    ) -> Any:
        metadata = {"name": name, "labels": labels or {}, **({"ownerReferences": owners} if owners else {})}
        container = {"name": "main", "image": "boatyard.dev/host", "resources": {"requests": {"cpu": cpu, "memory": "64Mi"}}}
        return {"metadata": metadata, "spec": {"containers": [container], **spec}}

    return make
