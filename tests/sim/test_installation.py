"""Builds under crashes, with the real controllers: every build reaches its right verdict, is reported once, and nothing is left.

Each team has a CiConfig, whose instance runs as a pod, and a program beside it that does what its CI server does: makes the Builds
and reports their ends to the SCM, from a durable record. Builds pass, fail, and lose their pods.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from boatyard.app import discovery
from boatyard.ci.kinds import BUILD_LABEL, FINAL_PHASES, Build, CiConfig
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, NotFound
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.connection import Connection
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.simulation import SimWorld, simulate
from boatyard.machinery.schema.crd import crd_of, discover

FOREVER = 1e12
REVISION = "a" * 40


def outcome(number: int) -> str:
    return "Failed" if number % 5 == 0 else "Succeeded"


def is_lost(pod: str) -> bool:
    """Whether the machine fails this attempt."""
    last = pod.rpartition("-")[2]
    return not last.startswith("r") and int(last) % 7 == 3


class Scm:
    """An SCM: remembers each status that was posted."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, str]] = []

    async def post(self, build: str, state: str) -> None:
        await asyncio.sleep(0.05)
        self.posted.append((build, state))

    async def states(self, build: str) -> list[str]:
        await asyncio.sleep(0.05)
        return [state for name, state in self.posted if name == build]


class Team:
    """A CI server in a page."""

    def __init__(self, world: SimWorld, name: str, builds: int, control: Component, scm: Scm, crash_rate: float) -> None:
        self.name, self.builds, self.control, self.scm = name, builds, control, scm
        self.reported: dict[int, str] = {}  # durable
        self.intents: dict[int, str] = {}  # durable
        self.component = Component(world, name, self._main, crash_rate=crash_rate)

    async def _main(self, life: Incarnation) -> None:
        client: Any = Connection(life, self.control)
        scm = life.port(self.scm, ["post"])
        manager = Manager(client, life.world, namespace="default")
        own = manager.cache(Build.resource, label_selector=f"team={self.name}")
        ended: dict[int, str] = {}

        def changed(old: Any, new: Any) -> None:
            if new is not None and (new.get("status") or {}).get("phase") in FINAL_PHASES:
                ended[new["spec"]["number"]] = new["status"]["phase"]

        own.on_change(changed)
        manager.add_loop("make", lambda: self._make(client))
        manager.add_loop("report", lambda: self._report(ended, scm))
        await manager.run()

    async def _make(self, client: Any) -> None:
        await self._create(client, CiConfig.resource, config(self.name))
        for number in range(1, self.builds + 1):
            if number not in self.reported:
                await self._create(client, Build.resource, build(self.name, number))
        await asyncio.get_running_loop().create_future()

    async def _create(self, client: Any, resource: Any, body: Any) -> None:
        while True:
            try:
                await client.create(resource, body, "default")
                return
            except AlreadyExists:
                return
            except (ApiError, OSError):
                await asyncio.sleep(1)

    async def _report(self, ended: dict[int, str], scm: Any) -> None:
        """The intent is written first, then posted; an open intent of an earlier life is looked up before it is posted again."""
        open_intents = list(self.intents)
        while True:
            for number in sorted(ended):
                if number in self.reported:
                    continue
                name, state = f"{self.name}-{number}", ended[number]
                assert self.intents.setdefault(number, state) == state
                if number not in open_intents or not await scm.states(name):
                    await scm.post(name, state)
                self.reported[number] = state
            await asyncio.sleep(1)


def config(name: str) -> Any:
    spec = {"source": {"git": {"url": "https://example.org/x.git"}, "scm": {"type": "generic"}}, "builds": {"concurrency": 8}}
    return {"apiVersion": "ci.boatyard.dev/v1alpha1", "kind": "CiConfig", "metadata": {"name": name}, "spec": spec}


def build(team: str, number: int) -> Any:
    container = {"name": "main", "image": "boatyard.dev/host", "resources": {"requests": {"cpu": "1", "memory": "256Mi"}}}
    spec = {
        "ciConfig": team, "number": number, "source": {"revision": REVISION, "url": "https://example.org/x.git"}, "ttl": "5m",
        "podTemplate": {"spec": {"containers": [container]}}, "steps": [{"name": "test", "container": "main", "run": "make test"}],
    }  # fmt: skip
    metadata = {"name": f"{team}-{number}", "labels": {"team": team}}
    return {"apiVersion": "ci.boatyard.dev/v1alpha1", "kind": "Build", "metadata": metadata, "spec": spec}


def scenario(sim: Any, teams: int, builds: int, crash_rate: float) -> Callable[[SimWorld], Any]:
    async def run(world: SimWorld) -> None:
        objects, streams, scm = MemoryObjects(world.now), sim.streams(world), Scm()
        settings = Settings(object_store=objects, api_ca_pem="PEM", secrets_key=b"k", gateway_url="https://gateway")

        def script(pod: Any) -> Any:
            labels, name = pod["metadata"]["labels"], pod["metadata"]["name"]
            if BUILD_LABEL not in labels:
                return sim.process(FOREVER)
            number, now = int(labels[BUILD_LABEL].rpartition("-")[2]), world.now()
            if is_lost(name):
                return sim.process(now + 5, 137, "NodeShutdown")
            failed = outcome(number) == "Failed"
            seconds = 3 + number % 11
            line = f"1 {'failed' if failed else 'ok'} {int(failed)} {int(now * 1000)} {seconds * 1000}"
            return sim.process(now + seconds, int(failed), messages={"main": f"boatyard/1\n{line}\n"})

        kinds = [crd_of(model) for model in discover() if model.info.stored]

        def controllers(manager: Manager) -> Any:
            return discovery.controllers(manager, settings)

        control = sim.control_plane(world, controllers, crash_rate=crash_rate, kinds=kinds, pod_streams=streams)
        nodes = [sim.node(world, f"node-{n}", control.component, script, crash_rate=crash_rate) for n in range(2)]
        streams.nodes += nodes
        everyone = [Team(world, f"team{n}", builds, control.component, scm, crash_rate) for n in range(teams)]
        control.component.start()
        for component in (*nodes, *everyone):
            component.component.start()

        def all_reported() -> bool:
            return all(len(team.reported) == builds for team in everyone)

        await world.until(all_reported, "every build is reported", within=50_000)
        world.crashing = False
        expected = sorted((f"{team.name}-{n}", outcome(n)) for team in everyone for n in range(1, builds + 1))
        assert sorted(scm.posted) == expected
        await world.until(lambda: control.component.current is not None, "the control plane is up")
        await world.sleep(700)  # builds leave the API
        assert control.keys("/registry/ci.boatyard.dev/builds/") == []
        assert [key for key in control.keys("/registry/core/pods/") if "/ci-" not in key] == []
        client = control.component.current.services["api"]
        for team in everyone:
            team.component.stop()
            try:
                await client.delete(CiConfig.resource, team.name, "default")
            except NotFound:
                continue
        await world.sleep(300)
        own = ("persistentvolumes", "persistentvolumeclaims", "pods", "services", "secrets", "serviceaccounts")
        stored = [key for kind in own for key in control.keys(f"/registry/core/{kind}/")]
        left = [key for key in stored if any(part in key for part in ("/team", "/ci-", "/pvc-"))]
        assert control.keys("/registry/ci.boatyard.dev/ciconfigs/") == []
        assert left == []
        assert not any(node.machine.running for node in nodes)

    return run


@pytest.mark.parametrize("seed", range(4))
def test_every_build_has_its_verdict(sim: Any, seed: int) -> None:
    history = simulate(seed, scenario(sim, teams=3, builds=10, crash_rate=0.003))
    assert b"crashes" in history


def test_the_same_seed_gives_the_same_history_byte_for_byte(sim: Any) -> None:
    run = scenario(sim, teams=2, builds=5, crash_rate=0.005)
    assert simulate(5, run) == simulate(5, run)
