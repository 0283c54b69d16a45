"""The whole house under crashes: teams declare instances and push, builds run, verdicts are told, everything is taken away again.

Control plane (all controllers), node agents and CI servers are killed between any two of their writes, also into the object store,
their databases and the SCM.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from boatyard.app import discovery
from boatyard.ci.kinds import BUILD_LABEL, CICONFIG_LABEL, CiConfig
from boatyard.machinery.meta.core import SECRETS
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, NotFound
from boatyard.machinery.meta.objects import labels, name
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.connection import Connection
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.simloop import OWNER
from boatyard.machinery.runtime.simulation import SimWorld
from boatyard.machinery.schema.crd import crd_of, discover
from sim.plant import ControlPlane, Process, SimNode, SimStreams
from sim.team import CANCELLED, FOREVER, IGNORED, LOST, LOST_ONCE, REFUSED, SECRET, Team

KINDS = [crd_of(model) for model in discover() if model.info.stored]
DOCUMENT = "/build.json"
OWN = ("team-", "/pvc-")
"""What the keys of a team's things have in them."""


class Objects(MemoryObjects):
    """An object store before and after whose every write its user may die; every write is history. It keeps documents small."""

    def __init__(self, world: SimWorld) -> None:
        super().__init__(world.now)
        self.world = world

    async def put(self, key: str, value: bytes) -> None:
        life: Any = OWNER.get()
        await life.crash_point("before put")
        await super().put(key, zlib.compress(value, 1) if key.endswith(DOCUMENT) else value)
        self.world.note(f"{life.component.name} puts {zlib.crc32(value):08x} {key}")
        await life.crash_point("after put")

    async def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        value = await super().get(key)
        return (zlib.decompress(value) if key.endswith(DOCUMENT) else value)[start:end]

    def read(self, key: str) -> bytes:
        """What lies under a key; empty when nothing does."""
        value = self._objects[key][0] if key in self._objects else b""
        return zlib.decompress(value) if value and key.endswith(DOCUMENT) else value


class Whole:
    """One installation. ``builds`` in all; the rates are probabilities of a crash before and after each write."""

    def __init__(
        self, world: SimWorld, *, instances: int, builds: int, control_rate: float, node_rate: float, ciserver_rate: float
    ) -> None:
        self.world, self.objects, self.streams = world, Objects(world), SimStreams(world)
        settings = Settings(
            object_store=self.objects, objects_url="memory:", api_ca_pem="PEM", secrets_key=b"k", gateway_url="https://gateway",
            version="1",
        )  # fmt: skip

        def controllers(manager: Manager) -> Any:
            return discovery.controllers(manager, settings)

        self.control = ControlPlane(world, controllers, crash_rate=control_rate, kinds=KINDS, pod_streams=self.streams)
        api = self.control.component
        shares = [builds // instances + (index < builds % instances) for index in range(instances)]
        self.teams = {team.name: team for team in (Team(world, index, share) for index, share in enumerate(shares))}
        self.ciservers = {team.name: team.ciserver(api, self.objects, ciserver_rate) for team in self.teams.values()}
        self.nodes = [SimNode(world, f"node-{n}", api, self._process, crash_rate=node_rate, pods=110) for n in range(2)]
        self.streams.nodes += self.nodes
        self.attempts: Counter[tuple[str, str]] = Counter()
        """How often each pod was started, by (build, pod)."""

    @property
    def components(self) -> list[Component]:
        """Everything that dies."""
        return [self.control.component, *(node.component for node in self.nodes), *self.ciservers.values()]

    def _process(self, pod: Any) -> Process:
        team = self.teams[labels(pod)[CICONFIG_LABEL]]
        if BUILD_LABEL not in labels(pod):
            return Process(FOREVER, program=self.ciservers[team.name])
        self.attempts[labels(pod)[BUILD_LABEL], name(pod)] += 1
        begun = [process for node in self.nodes for process in node.machine.running.values() if process.owner == team.name]
        running = 1 + sum(process.ends_at > self.world.now() for process in begun)
        assert running <= team.concurrency, f"{running} builds of {team.name} run"
        process = team.process(pod)
        process.owner = team.name
        return process

    def start(self) -> None:
        """Control plane, nodes, and the administrator who declares the teams."""
        self.control.component.start()
        for node in self.nodes:
            node.component.start()
        Component(self.world, "administrator", self._declare).start()

    async def _declare(self, life: Incarnation) -> None:
        client: Any = Connection(life, self.control.component)
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hook"}, "stringData": {"hook": SECRET.decode()}}
        for resource, body in ((SECRETS, secret), *((CiConfig.resource, team.config()) for team in self.teams.values())):
            await insist(lambda: client.create(resource, body, "default"), AlreadyExists)  # noqa: B023
        await asyncio.get_running_loop().create_future()

    async def remove(self) -> None:
        """Delete every CiConfig."""
        client: Any = Connection(Component(self.world, "remover", _nothing).start(), self.control.component)
        for team in self.teams.values():
            await insist(lambda: client.delete(CiConfig.resource, team.name, "default"), NotFound)  # noqa: B023

    def left(self) -> list[str]:
        """What is still stored of builds and their pods."""
        pods = [key for key in self.control.keys("/registry/core/pods/") if "/ci-" not in key]
        return [*self.control.keys("/registry/ci.boatyard.dev/builds/"), *pods]

    def left_of_teams(self) -> list[str]:
        """What is still stored, kept or running of the teams; events are told for an hour."""
        stored = [key for key in self.control.keys("/registry/") if any(own in key for own in OWN) and "/events/" not in key]
        running = [f"{node.node} {pod}" for node in self.nodes for pod in node.machine.running]
        return [*stored, *self.objects._keys, *running, *(c.name for c in self.ciservers.values() if c.current is not None)]

    def check(self) -> None:
        """Every commit became one build with its verdict, told once; numbers have neither gaps nor doubles; the record is whole."""
        for team in self.teams.values():
            found = self._archived(team)
            assert sorted(one["spec"]["number"] for one in found.values()) == list(range(1, len(found) + 1))
            indexed = sorted(row[0] for row in team.database.run_now(lambda db: db.execute("SELECT number FROM builds").fetchall()))
            assert indexed == list(range(1, len(found) + 1)), (team.name, indexed)
            for sha, fate in team.fates.items():
                told = team.scm.told(sha)
                if fate is IGNORED:
                    assert sha not in found and told == []
                    continue
                build, status = found[sha], found[sha]["status"]
                assert (status["phase"], status["reason"]) == (fate.phase, fate.reason), (name(build), fate, status)
                # A build that was over before its beginning could be told has only its end told.
                assert told in (["pending", fate.state], [fate.state]), (name(build), told)
                attempts = status.get("attempts", [])
                assert [one["number"] for one in attempts] == list(range(1, fate.attempts + 1)), (name(build), attempts)
                for attempt in attempts:
                    assert self.attempts[name(build), attempt["pod"]] == 1, (attempt, self.attempts)
                    if fate not in (LOST, LOST_ONCE, REFUSED, CANCELLED) and not status.get("problems"):
                        log = self.objects.read(f"builds/default/{team.name}/{build['spec']['number']}/logs/1/build/{0:012d}")
                        assert log == f"{attempt['pod']} build\n".encode(), (name(build), log)

    def _archived(self, team: Team) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in self.objects._keys:
            if key.startswith(f"builds/default/{team.name}/") and key.endswith("/build.json"):
                build = json.loads(self.objects.read(key))
                sha = build["spec"]["source"]["revision"]
                assert sha not in found, f"{sha} of {team.name} was built twice"
                found[sha] = build
        return found


def whole(instances: int, builds: int, *, control_rate: float, node_rate: float, ciserver_rate: float) -> Callable[[SimWorld], Any]:
    """The scenario, see :class:`Whole`."""

    async def run(world: SimWorld) -> None:
        house = Whole(
            world, instances=instances, builds=builds, control_rate=control_rate, node_rate=node_rate, ciserver_rate=ciserver_rate
        )
        house.start()
        days = [asyncio.ensure_future(team.push(house.ciservers[team.name])) for team in house.teams.values()]
        await world.until(lambda: all(day.done() for day in days), "every push is acknowledged", within=50_000)
        await world.until(lambda: all(team.is_done() for team in house.teams.values()), "every verdict is told", within=5_000)
        world.crashing = False
        await world.until(lambda: not house.left(), "every build has left", within=5_000)
        house.check()
        world.crashing = True
        await house.remove()
        await world.until(lambda: not house.left_of_teams(), "nothing is left of the teams", within=5_000)
        world.note(", ".join(f"{component.name} crashed {component.crashes} times" for component in house.components))

    return run


async def insist(ask: Callable[[], Any], done: type[ApiError]) -> None:
    """Ask until it is done, or ``done`` says that it was."""
    while True:
        try:
            await ask()
            return
        except done:
            return
        except (ApiError, OSError):
            await asyncio.sleep(1)


async def _nothing(life: Incarnation) -> None:
    await asyncio.get_running_loop().create_future()
