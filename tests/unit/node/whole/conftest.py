"""The agent over this machine and a real registry: real processes, real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from boatyard.machinery.client.credentials import Credentials
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.client.transport import Transport
from boatyard.machinery.meta.core import NODES, PODS
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from boatyard.node.agent import Agent
from boatyard.node.kubelet.serving import Serving
from boatyard.node.machine import MachineRuntime
from boatyard.server.auth.pki import Pki

WAIT_SECONDS = 60.0


class WholeNode:
    """One node of this machine."""

    def __init__(self, directory: Path, sandbox: str) -> None:
        self.directory, self.sandbox, self.world = directory, sandbox, RealWorld()
        self.registry = Registry(MemoryStore(), self.world)
        self.client = EmbeddedClient(self.registry)
        self.pki = Pki(directory / "pki", self.world)
        self.agent: Agent | None = None
        self._task: asyncio.Task[None] | None = None
        self._runtime: MachineRuntime | None = None

    async def start(self) -> None:
        self._runtime = await MachineRuntime(self.directory / "node", self.world, default_sandbox=self.sandbox).__aenter__()
        pair = self.pki.node("n1", ("127.0.0.1",))
        self.agent = Agent(
            self.client, self._runtime, self.world, self.directory / "node", node_name="n1", sandbox=self.sandbox,
            serving=Serving(str(pair.cert), str(pair.key), str(self.pki.ca)), capabilities=self._runtime.capabilities,
            services={"KUBERNETES_SERVICE_HOST": "127.0.0.1"},
        )  # fmt: skip
        self._task = asyncio.create_task(self.agent.run())
        await self.agent.pods.synced()

    async def stop(self) -> None:
        """The agent ends; pods live on."""
        assert self._task is not None and self._runtime is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._runtime.__aexit__(None, None, None)

    async def clear(self) -> None:
        assert self._runtime is not None
        for state in await self._runtime.pods():
            await self._runtime.remove_pod(state.config.uid)

    async def create(self, spec: dict[str, Any], name: str = "p", **metadata: Any) -> dict[str, Any]:
        whole = {"nodeName": "n1", "restartPolicy": "Never", "automountServiceAccountToken": False, **spec}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", **metadata}, "spec": whole}
        return await self.client.create(PODS, body, "default")

    async def run(self, script: str, **spec: Any) -> dict[str, Any]:
        """A pod of one container that runs ``script``, to its end."""
        await self.create({"containers": [shell("main", script)], **spec})
        return await self.until(lambda pod: pod["status"].get("phase") in ("Succeeded", "Failed"))

    async def until(self, holds: Callable[[dict[str, Any]], bool], name: str = "p") -> dict[str, Any]:
        pod: dict[str, Any] = {}
        for _ in range(int(WAIT_SECONDS / 0.01)):
            pod = await self.client.get(PODS, name, "default")
            if holds(pod):
                return pod
            await asyncio.sleep(0.01)
        raise TimeoutError(f"never: {pod.get('status')}")

    async def until_gone(self, name: str = "p") -> None:
        for _ in range(int(WAIT_SECONDS / 0.01)):
            try:
                await self.client.get(PODS, name, "default")
            except NotFound:
                return
            await asyncio.sleep(0.01)
        raise TimeoutError(f"{name} is still there")

    async def api(self) -> Transport:
        """The way the API server takes to the node."""
        for _ in range(int(WAIT_SECONDS / 0.01)):
            try:
                node = await self.client.get(NODES, "n1")
                port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
                break
            except (NotFound, KeyError):
                await asyncio.sleep(0.01)
        else:
            raise TimeoutError("the node never registered")
        cert, key = self.pki.kubelet_client()
        return Transport(
            f"https://127.0.0.1:{port}",
            Credentials(ca_file=str(self.pki.ca), cert_file=str(cert), key_file=str(key), server_name="n1"),
        )

    async def log(self, pod: dict[str, Any], container: str = "main", **query: str) -> str:
        transport = await self.api()
        try:
            path = f"/containerLogs/default/{pod['metadata']['name']}/{container}"
            async with transport.open("GET", path, query, accept="*/*") as answer:
                return (await answer.content.read()).decode()
        finally:
            await transport.close()


def shell(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "boatyard.dev/host", "command": ["/bin/sh", "-c", script], **more}


@pytest.fixture
def in_shell() -> Callable[..., dict[str, Any]]:
    return shell


@pytest.fixture(params=["bubblewrap", "process"])
async def whole_node(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WholeNode]:
    """A node with each sandbox that works here."""
    probe = MachineRuntime(tmp_path / "probe", RealWorld())
    if request.param not in probe.capabilities.sandboxes:
        pytest.skip(f"sandbox {request.param} doesn't work on this machine: {'; '.join(probe.capabilities.advice)}")
    node = WholeNode(tmp_path, request.param)
    await node.registry.start()
    await node.start()
    yield node
    await node.clear()
    await node.stop()


