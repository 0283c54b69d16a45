"""Pods under crashes: created, bound, run, seen and deleted, whatever of control plane, node agent and user dies when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from boatyard.cluster import garbage_controller, node_controller, pod_garbage_controller, scheduler_controller
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, NotFound
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.connection import Connection
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.simulation import SimWorld, simulate

MODULES = (scheduler_controller, garbage_controller, node_controller, pod_garbage_controller)
TOLERATIONS = [{"key": "node.kubernetes.io/unreachable", "operator": "Exists"}]


def controllers(manager: Manager) -> Any:
    return [module.controller(manager, Settings(object_store=None)) for module in MODULES]  # type: ignore[arg-type]


def outcome(number: int) -> str:
    return "Failed" if number % 3 == 0 else "Succeeded"


def scenario(sim: Any, pods: int, crash_rate: float) -> Callable[[SimWorld], Any]:
    async def run(world: SimWorld) -> None:
        control = sim.control_plane(world, controllers, crash_rate=crash_rate)

        def script(pod: Any) -> Any:
            number = int(pod["metadata"]["name"].rpartition("-")[2])
            return sim.process(world.now() + 1 + number % 7, 1 if outcome(number) == "Failed" else 0)

        nodes = [sim.node(world, f"node-{n}", control.component, script, crash_rate=crash_rate) for n in range(2)]
        seen: dict[int, str] = {}  # what the user has written down, durably

        async def user(life: Incarnation) -> None:
            client: Any = Connection(life, control.component)
            waiting = list(range(pods))
            while waiting:
                number = waiting.pop(0)
                try:
                    await judge(client, number, waiting)
                except (ApiError, OSError):
                    waiting.append(number)
                    await asyncio.sleep(0.2)
            await asyncio.get_running_loop().create_future()

        async def judge(client: Any, number: int, waiting: list[int]) -> None:
            container = {"name": "main", "image": "x", "resources": {"requests": {"cpu": "1", "memory": "64Mi"}}}
            body = {"metadata": {"name": f"p-{number}"}, "spec": {"containers": [container], "tolerations": TOLERATIONS}}
            try:
                pod = await client.get(PODS, f"p-{number}", "default")
            except NotFound:
                if number in seen:
                    return
                try:
                    pod = await client.create(PODS, body, "default")
                except AlreadyExists:
                    pod = await client.get(PODS, f"p-{number}", "default")
            phase = pod["status"]["phase"]
            if phase not in ("Succeeded", "Failed"):
                waiting.append(number)
                await asyncio.sleep(0.1)
                return
            assert seen.setdefault(number, phase) == phase
            await client.delete(PODS, f"p-{number}", "default")
            waiting.append(number)  # until it is gone

        control.component.start()
        for node in nodes:
            node.component.start()
        Component(world, "user", user, crash_rate=crash_rate).start()

        def done() -> bool:
            world.crashing = len(seen) < pods
            left = control.keys("/registry/core/pods/") or any(node.machine.running for node in nodes)
            return len(seen) == pods and not left

        await world.until(done, "every pod has its verdict and nothing is left", within=20_000)
        assert seen == {number: outcome(number) for number in range(pods)}

    return run


def crowded(sim: Any, pods: int, crash_rate: float) -> Callable[[SimWorld], Any]:
    """Pods that listen on one of three ports, and machines that have no network for them but their own."""

    async def run(world: SimWorld) -> None:
        control = sim.control_plane(world, controllers, crash_rate=crash_rate)
        nodes: list[Any] = []

        def port(pod: Any) -> int:
            return pod["spec"]["containers"][0]["ports"][0]["containerPort"]

        def script(pod: Any) -> Any:
            machine = next(node for node in nodes if node.node == pod["spec"]["nodeName"]).machine
            process = sim.process(world.now() + 3)
            process.owner = str(port(pod))
            others = [other.owner for other in machine.running.values() if other.ends_at > world.now()]
            assert process.owner not in others, f"two listen on {process.owner} of {pod['spec']['nodeName']}"
            return process

        settings = {"crash_rate": crash_rate, "pod_network": False}
        nodes += [sim.node(world, f"node-{n}", control.component, script, **settings) for n in range(2)]

        async def user(life: Incarnation) -> None:
            client: Any = Connection(life, control.component)
            for number in range(pods):
                container = {"name": "main", "image": "x", "ports": [{"containerPort": 5432 + number % 3}]}
                spec = {"containers": [container], "tolerations": TOLERATIONS}
                while True:
                    try:
                        await client.create(PODS, {"metadata": {"name": f"p-{number}"}, "spec": spec}, "default")
                    except AlreadyExists:
                        break
                    except (ApiError, OSError):
                        await asyncio.sleep(0.2)
            await asyncio.get_running_loop().create_future()

        for component in (control.component, *(node.component for node in nodes), Component(world, "user", user)):
            component.start()

        def done() -> bool:
            records = control.store.range("/registry/core/pods/").records
            return len(records) == pods and all(b'"phase":"Succeeded"' in record.value for record in records)

        await world.until(done, "every pod had its turn", within=5_000)

    return run


@pytest.mark.parametrize("seed", range(4))
def test_no_two_pods_listen_on_one_port_of_a_machine(sim: Any, seed: int) -> None:
    simulate(seed, crowded(sim, pods=24, crash_rate=0.01))


@pytest.mark.parametrize("seed", range(8))
def test_every_pod_has_its_verdict(sim: Any, seed: int) -> None:
    history = simulate(seed, scenario(sim, pods=40, crash_rate=0.01))
    assert b"crashes" in history


def test_the_same_seed_gives_the_same_history_byte_for_byte(sim: Any) -> None:
    run = scenario(sim, pods=20, crash_rate=0.02)
    assert simulate(5, run) == simulate(5, run)
