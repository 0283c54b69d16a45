"""Builds under crashes: of teams, queued, run in pods, lost to the infrastructure, judged, archived, taken away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from boatyard.ci import build_controller, queue_controller
from boatyard.ci.compose import Trigger, compose_build
from boatyard.ci.kinds import FINAL_PHASES, Build, CiConfig
from boatyard.ci.pipeline import read_pipeline
from boatyard.cluster import garbage_controller, node_controller, pod_garbage_controller, scheduler_controller
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, NotFound
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.connection import Connection
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.simloop import OWNER
from boatyard.machinery.runtime.simulation import SimWorld, simulate
from boatyard.machinery.schema.crd import crd_of

MODULES = (
    scheduler_controller, garbage_controller, node_controller, pod_garbage_controller, queue_controller, build_controller,
)  # fmt: skip
PIPELINE = read_pipeline(
    "spec: {podTemplate: {spec: {containers: [{name: build, image: boatyard.dev/host}, {name: db, image: boatyard.dev/host}]}},"
    " steps: [{name: unit, run: make test}, {name: pack, run: make, container: build}], timeout: 10m}"
)
KINDS = ("Succeeded", "Failed", "Lost once", "Timeout", "Lost always", "Cancelled", "Refused")


class CrashingObjects(MemoryObjects):
    """An object store before and after whose every write its user may die."""

    async def put(self, key: str, value: bytes) -> None:
        life: Any = OWNER.get()
        await life.crash_point("before put")
        await super().put(key, value)
        await life.crash_point("after put")


def fate(number: int) -> str:
    return KINDS[number % len(KINDS)]


def expected(number: int) -> tuple[str, str]:
    return {
        "Succeeded": ("Succeeded", "Succeeded"), "Failed": ("Failed", "StepFailed"), "Lost once": ("Succeeded", "Succeeded"),
        "Timeout": ("Failed", "Timeout"), "Lost always": ("Error", "Evicted"), "Cancelled": ("Cancelled", "Cancelled"),
        "Refused": ("Error", "InvalidPipeline"),
    }[fate(number)]  # fmt: skip


def process(sim: Any, world: SimWorld, pod: Any) -> Any:
    """What a pod's containers will have done."""
    labels = pod["metadata"]["labels"]
    number, attempt = int(labels["boatyard.dev/build"].rpartition("-")[2]), int(labels["boatyard.dev/attempt"])
    ends = world.now() + 1 + number % 5
    said = "boatyard/1\n1 ok 0 1767225600000 900\n2 ok 0 1767225601000 100\n"
    match fate(number):
        case "Failed":
            said = "boatyard/1\n1 failed 2 1767225600000 900\n2 skipped 0 1767225601000 0\n"
            return sim.process(ends, 2, messages={"build": said})
        case "Timeout":
            said = "boatyard/1\n1 timeout 143 1767225600000 600000\n2 skipped 0 1767225601000 0\n"
            return sim.process(ends, 143, messages={"build": said})
        case "Cancelled":
            return sim.process(world.now() + 1e5, 143)
        case "Lost once" if attempt == 1:
            return sim.process(ends, 137, reason="Evicted")
        case "Lost always":
            return sim.process(ends, 137, reason="Evicted")
    return sim.process(ends, messages={"build": said})


def document(team: Any, number: int) -> Any:
    trigger = Trigger(type="push", revision=f"{number:040x}", ref="refs/heads/main")
    if fate(number) == "Refused":
        from boatyard.ci.compose import refused_build

        return refused_build(team, trigger, number, "InvalidPipeline", "line 1: what is this?")
    return compose_build(team, PIPELINE, trigger, number)


def scenario(sim: Any, teams: int, builds: int, crash_rate: float) -> Callable[[SimWorld], Any]:
    async def run(world: SimWorld) -> None:
        objects = CrashingObjects()
        streams = sim.streams(world)
        settings = Settings(object_store=objects, secrets_key=b"k", version="1")

        def controllers(manager: Manager) -> Any:
            return [module.controller(manager, settings) for module in MODULES]

        control = sim.control_plane(
            world, controllers, crash_rate=crash_rate, kinds=[crd_of(CiConfig), crd_of(Build)], pod_streams=streams
        )
        nodes = [
            sim.node(world, f"node-{n}", control.component, lambda pod: process(sim, world, pod), crash_rate=crash_rate, pods=40)
            for n in range(3)
        ]
        streams.nodes.extend(nodes)
        seen: dict[tuple[str, int], tuple[str, str]] = {}  # what the user has written down, durably
        most = {"running": 0}

        async def user(life: Incarnation) -> None:
            client: Any = Connection(life, control.component)
            while len(seen) < teams * builds:
                try:
                    for team in range(teams):
                        await look_after(client, f"team-{team}")
                except (ApiError, OSError):
                    pass
                await asyncio.sleep(0.5)
            await asyncio.get_running_loop().create_future()

        async def look_after(client: Any, name: str) -> None:
            body = {
                "apiVersion": "ci.boatyard.dev/v1alpha1", "kind": "CiConfig", "metadata": {"name": name, "namespace": "default"},
                "spec": {
                    "source": {"git": {"url": "https://example.org/x.git"}},
                    "builds": {"concurrency": 3, "infrastructureRetries": 2, "retention": {"ttl": "2m"}},
                },
            }  # fmt: skip
            try:
                team = await client.get(CiConfig.resource, name, "default")
            except NotFound:
                team = await client.create(CiConfig.resource, body, "default")
            listed = await client.list(Build.resource, "default", label_selector=f"boatyard.dev/ciconfig={name}")
            living = {one["spec"]["number"]: one for one in listed.items}
            places = [one for one in living.values() if (one.get("status") or {}).get("phase") in ("Starting", "Running")]
            most["running"] = max(most["running"], len(places))
            for number in range(1, builds + 1):
                if (name, number) in seen:
                    continue
                build = living.get(number)
                if build is None:
                    archived = objects_of(objects, f"builds/default/{name}/{number}/build.json")
                    if archived is not None:  # it was gone before we had seen its end
                        seen[name, number] = (archived["status"]["phase"], archived["status"]["reason"])
                        continue
                    try:
                        await client.create(Build.resource, document(team, number), "default")
                    except AlreadyExists:
                        pass
                elif (status := build.get("status") or {}).get("phase") in FINAL_PHASES:
                    seen[name, number] = (status["phase"], status["reason"])
                elif fate(number) == "Cancelled" and status.get("phase") == "Running":
                    patch = {"metadata": {"annotations": {"boatyard.dev/cancel": "user"}}}
                    await client.patch(Build.resource, build["metadata"]["name"], patch, "default")

        control.component.start()
        for node in nodes:
            node.component.start()
        Component(world, "user", user, crash_rate=crash_rate).start()

        def done() -> bool:
            world.crashing = len(seen) < teams * builds
            left = [
                *control.keys("/registry/ci.boatyard.dev/builds/"), *control.keys("/registry/core/pods/"),
                *control.keys("/registry/core/persistentvolumeclaims/"),
            ]  # fmt: skip
            return len(seen) == teams * builds and not left and not any(node.machine.running for node in nodes)

        await world.until(done, "every build has its verdict and nothing is left", within=20_000)
        wrong = {key: verdict for key, verdict in seen.items() if verdict != expected(key[1])}
        assert wrong == {}
        assert most["running"] <= 3
        for team in range(teams):
            for number in range(1, builds + 1):
                check_archive(objects, f"team-{team}", number)
        world.note(f"{len(seen)} builds")

    return run


def objects_of(objects: MemoryObjects, key: str) -> Any:
    found = objects._objects.get(key)  # type: ignore[attr-defined]
    return json.loads(found if isinstance(found, bytes) else found[0]) if found is not None else None


def check_archive(objects: MemoryObjects, team: str, number: int) -> None:
    archived = objects_of(objects, f"builds/default/{team}/{number}/build.json")
    assert (archived["status"]["phase"], archived["status"]["reason"]) == expected(number)
    attempts = archived["status"].get("attempts", [])
    wanted = {"Lost once": 2, "Lost always": 3, "Refused": 0}.get(fate(number), 1)
    assert len(attempts) == wanted, (number, attempts)
    assert [one["number"] for one in attempts] == list(range(1, wanted + 1))


@pytest.mark.parametrize("seed", [1])
def test_without_crashes(sim, seed):
    simulate(seed, scenario(sim, 2, 7, 0.0))


def test_the_same_seed_gives_the_same_history(sim):
    first, again = (simulate(3, scenario(sim, 2, 7, 0.02)) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("seed", range(1, 7))
def test_every_build_gets_its_verdict_whatever_crashes(sim, seed):
    simulate(seed, scenario(sim, 2, 14, 0.01))
