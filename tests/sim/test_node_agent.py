"""The real node agent, killed again and again together with the control plane: every pod ends as it should, and nothing is left."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boatyard.cluster import garbage_controller, pod_garbage_controller, scheduler_controller
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, NotFound
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.connection import Connection
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.simulation import SimWorld, simulate
from boatyard.node.agent import Agent
from boatyard.node.registration.host import FakeHost
from boatyard.node.runtime import ContainerConfig, PodConfig
from boatyard.node.simulated import FakeActions, FakeRuntime, Script

MODULES = (scheduler_controller, garbage_controller, pod_garbage_controller)
FATES = ("succeeds", "fails", "flaky", "deleted", "lost", "refused", "sidecar")
WRITES = ("start_pod", "start_container", "signal", "remove_pod")


class AgentNode:
    """An agent over a machine that outlives it."""

    def __init__(self, world: SimWorld, api: Component, directory: Path, crash_rate: float) -> None:
        self.world, self.api, self.directory = world, api, directory
        self.runtime = FakeRuntime(world, script, write_logs=False)
        self.component = Component(world, "node", self._main, crash_rate=crash_rate)

    async def _main(self, life: Incarnation) -> None:
        client: Any = Connection(life, self.api)
        agent = Agent(
            client, life.port(self.runtime, WRITES), self.world, self.directory, node_name="n1",
            actions=FakeActions(self.runtime, self.world), host=FakeHost(cpus=64, memory_bytes=256 << 30),
        )  # fmt: skip
        await agent.run()

    def left(self) -> list[str]:
        """What is still on the machine."""
        pods = self.directory / "pods"
        return [*self.runtime._pods, *([path.name for path in pods.iterdir()] if pods.exists() else [])]


def script(pod: PodConfig, container: ContainerConfig) -> Script:
    fate = pod.name.partition("-")[0]
    if container.name == "side":
        return Script(seconds=None, ready_after=2)
    if container.name == "setup":
        return Script(seconds=1)
    match fate:
        case "fails":
            return Script(seconds=2, exit_code=3, message="no")
        case "flaky":
            return Script(seconds=2, exit_code=1 if container.attempt < 2 else 0)
        case "deleted":
            return Script(seconds=None, term_seconds=4)
        case "lost":
            return Script(seconds=None)
    return Script(seconds=3, message="yes")


def declared(name: str) -> dict[str, Any]:
    fate = name.partition("-")[0]
    main = {"name": "main", "image": "boatyard.dev/host" if fate != "refused" else "x", "command": ["x"]}
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False, "restartPolicy": "OnFailure" if fate == "flaky" else "Never",
        "containers": [main], "volumes": [{"name": "w", "emptyDir": {}}],
        "initContainers": [{"name": "setup", "image": "boatyard.dev/host", "command": ["x"]}],
    }  # fmt: skip
    if fate == "refused":
        spec["hostPID"] = True
    if fate == "sidecar":
        probe = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 60}
        side = {"name": "side", "image": "boatyard.dev/host", "command": ["x"], "restartPolicy": "Always", "startupProbe": probe}
        spec["initContainers"].insert(0, side)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "finalizers": ["example.com/seen"]}, "spec": spec}


def outcome(pod: dict[str, Any]) -> tuple[str, str, int, int]:
    """(phase, reason, exit code, restarts) as a user sees them."""
    status = pod["status"]
    main = next((one for one in status.get("containerStatuses") or () if one["name"] == "main"), {})
    exit_code = main.get("state", {}).get("terminated", {}).get("exitCode", -1)
    return status["phase"], status.get("reason", ""), exit_code, main.get("restartCount", 0)


EXPECTED = {
    "succeeds": ("Succeeded", "", 0, 0), "fails": ("Failed", "", 3, 0), "flaky": ("Succeeded", "", 0, 2),
    "deleted": ("Failed", "", 143, 0), "lost": ("Failed", "InfrastructureLost", 137, 0),
    "refused": ("Failed", "UnsupportedByNode", -1, 0), "sidecar": ("Succeeded", "", 0, 0),
}  # fmt: skip


def scenario(sim: Any, directory: Path, pods: int, crash_rate: float) -> Callable[[SimWorld], Any]:
    async def run(world: SimWorld) -> None:
        settings = Settings(object_store=MemoryObjects())

        def controllers(manager: Manager) -> Any:
            return [module.controller(manager, settings) for module in MODULES]

        control = sim.control_plane(world, controllers, crash_rate=crash_rate)
        node = AgentNode(world, control.component, directory, crash_rate)
        names = [f"{FATES[number % len(FATES)]}-{number}" for number in range(pods)]
        seen: dict[str, tuple[str, str, int, int]] = {}
        lost: dict[str, None] = {}

        async def user(life: Incarnation) -> None:
            client: Any = Connection(life, control.component)
            while True:
                for name in names:
                    try:
                        await look_after(client, name)
                    except (ApiError, OSError):
                        pass
                await asyncio.sleep(0.5)

        async def look_after(client: Any, name: str) -> None:
            fate = name.partition("-")[0]
            try:
                pod = await client.get(PODS, name, "default")
            except NotFound:
                if name not in seen:
                    try:
                        await client.create(PODS, declared(name), "default")
                    except AlreadyExists:
                        pass
                return
            status, pod_uid = pod.get("status") or {}, pod["metadata"]["uid"]
            running = any(one["name"] == "main" and "running" in one["state"] for one in status.get("containerStatuses") or ())
            if status.get("phase") in ("Succeeded", "Failed"):
                seen[name] = outcome(pod)
                await client.delete(PODS, name, "default")
                await client.patch(PODS, name, {"metadata": {"finalizers": None}}, "default")
            elif fate == "deleted" and running and not pod["metadata"].get("deletionTimestamp"):
                await client.delete(PODS, name, "default")
            elif fate == "lost" and running and name not in lost:
                lost[name] = None
                node.runtime.lose(pod_uid)

        control.component.start()
        node.component.start()
        Component(world, "user", user).start()

        def done() -> bool:
            world.crashing = len(seen) < len(names)
            return len(seen) == len(names) and not control.keys("/registry/core/pods/") and not node.left()

        await world.until(done, "every pod was seen to its end and nothing is left", within=5_000)
        wrong = {name: got for name, got in seen.items() if got != EXPECTED[name.partition("-")[0]]}
        assert not wrong
        world.note(f"{control.component.crashes} and {node.component.crashes} crashes")

    return run


def test_without_crashes(sim, tmp_path):
    simulate(1, scenario(sim, tmp_path, 14, 0.0))


@pytest.mark.parametrize("seed", range(1, 9))
def test_every_pod_ends_as_it_should_whatever_crashes(sim, tmp_path, seed):
    simulate(seed, scenario(sim, tmp_path, 21, 0.01))


def test_the_same_seed_gives_the_same_history(sim, tmp_path):
    histories = []
    for _ in range(2):
        histories.append(simulate(5, scenario(sim, tmp_path / "node", 14, 0.02)))
        shutil.rmtree(tmp_path / "node")
    assert histories[0] == histories[1]
