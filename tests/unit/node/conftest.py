"""A whole node over a real registry, in virtual time: ``node_scenario(async function(node))``."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CONFIG_MAPS, PODS, SECRETS
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.simulation import SimWorld, simulate
from boatyard.machinery.store.memory import MemoryStore
from boatyard.node.agent import Agent
from boatyard.node.registration.host import FakeHost
from boatyard.node.simulated import FakeActions, FakeRuntime, Script


class SimulatedNode:
    """What a scenario talks to. ``scripts`` maps a container's name to its script, or to one script per start."""

    def __init__(self, world: SimWorld, directory: Path) -> None:
        self.world, self.directory = world, directory
        self.scripts: dict[str, Script | list[Script]] = {}
        self.commands: Callable[..., tuple[int, bytes, bytes]] = lambda pod, container, argv: (0, b"", b"")
        self.registry = Registry(MemoryStore(), world)
        self.client = EmbeddedClient(self.registry)
        self.runtime = FakeRuntime(world, self._script, commands=lambda *args: self.commands(*args))
        self.host = FakeHost()
        self.agent: Agent | None = None
        self._component = Component(world, "node", self._live)

    async def up(self) -> None:
        await self.registry.start()
        self.start()

    def start(self) -> None:
        self._component.start()

    def crash(self) -> None:
        """Kill the agent; another one starts within ten seconds."""
        self._component.crash()

    def stop(self) -> None:
        self._component.stop()

    async def _live(self, incarnation: Incarnation) -> None:
        runtime = incarnation.port(self.runtime, ("start_pod", "start_container", "signal", "remove_pod"))
        self.agent = Agent(
            incarnation.port(self.client, ("create", "patch", "delete")), runtime, self.world, self.directory,
            node_name="n1", sandbox="process",
            actions=FakeActions(self.runtime, self.world), host=self.host, services={"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
        )  # fmt: skip
        await self.agent.run()

    def _script(self, pod: Any, container: Any) -> Script:
        found = self.scripts.get(container.name, Script(seconds=1))
        return found[min(container.attempt, len(found) - 1)] if isinstance(found, list) else found

    async def create(self, spec: dict[str, Any] | None = None, name: str = "p", **metadata: Any) -> dict[str, Any]:
        spec = {
            "nodeName": "n1", "restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container("main")],
            **(spec or {}),
        }  # fmt: skip
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", **metadata}, "spec": spec}
        return await self.client.create(PODS, body, "default")

    async def config_map(self, name: str, **data: str) -> None:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
        await self.client.create(CONFIG_MAPS, body, "default")

    async def secret(self, name: str, **data: str) -> None:
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
        await self.client.create(SECRETS, body, "default")

    async def pod(self, name: str = "p") -> dict[str, Any]:
        return await self.client.get(PODS, name, "default")

    async def phase(self, name: str = "p") -> str:
        return ((await self.pod(name)).get("status") or {}).get("phase", "")

    async def until_phase(self, phase: str, name: str = "p", within: float = 3600) -> dict[str, Any]:
        async def holds() -> bool:
            return await self.phase(name) == phase

        await self.world.until(holds, f"{name} is {phase}", within=within)
        return await self.pod(name)

    async def until_gone(self, name: str = "p", within: float = 3600) -> None:
        async def holds() -> bool:
            try:
                await self.pod(name)
            except NotFound:
                return True
            return False

        await self.world.until(holds, f"{name} is gone", within=within)

    async def status_of(self, container: str, name: str = "p") -> dict[str, Any]:
        status = (await self.pod(name)).get("status") or {}
        every = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
        return next((one for one in every if one["name"] == container), {})

    async def until_container(self, container: str, holds: Callable[[dict[str, Any]], bool], what: str = "") -> dict[str, Any]:
        async def check() -> bool:
            status = await self.status_of(container)
            return bool(status and holds(status))

        await self.world.until(check, what or f"container {container}")
        return await self.status_of(container)


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "boatyard.dev/host", "command": ["/bin/true"], **more}


@pytest.fixture
def make_container() -> Callable[..., dict[str, Any]]:
    return container


@pytest.fixture
def script() -> type[Script]:
    return Script


@pytest.fixture
def node_scenario(tmp_path: Path) -> Callable[[Callable[[SimulatedNode], Awaitable[None]]], bytes]:
    """Run a scenario against a fresh node, in virtual time."""
    logging.getLogger("boatyard").setLevel(logging.DEBUG)

    def run(scenario: Callable[[SimulatedNode], Awaitable[None]]) -> bytes:
        async def whole(world: SimWorld) -> None:
            node = SimulatedNode(world, tmp_path / "node")
            await node.up()
            await scenario(node)
            node.stop()

        return simulate(1, whole)

    return run
