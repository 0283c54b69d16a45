"""CI servers under crashes: from deliveries that an SCM repeats until they are acknowledged, to verdicts that it hears once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boatyard.ci import build_controller, queue_controller
from boatyard.ci.kinds import Build, CiConfig
from boatyard.ci.scm.memory import MemoryGitea
from boatyard.ci.scm.scm import sign_hmac_sha256
from boatyard.ciserver.database import InlineDatabase
from boatyard.ciserver.environment import Environment
from boatyard.ciserver.repository import MemoryRepository
from boatyard.ciserver.server import CiServer
from boatyard.cluster import garbage_controller, node_controller, pod_garbage_controller, scheduler_controller
from boatyard.machinery.meta.core import SECRETS
from boatyard.machinery.meta.errors import AlreadyExists, ApiError
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.connection import Connection
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.simulation import SimWorld, simulate
from boatyard.machinery.schema.crd import crd_of

MODULES = (
    scheduler_controller, garbage_controller, node_controller, pod_garbage_controller, queue_controller, build_controller,
)  # fmt: skip
SECRET = b"hook secret"
GOOD = "spec: {steps: [{name: unit, run: make test}], timeout: 10m}"
KINDS = ("built", "built", "broken", "unwanted")


def kind(delivery: int) -> str:
    return KINDS[delivery % len(KINDS)]


def revision(team: int, delivery: int) -> str:
    return f"{(team + 1) * 1000 + delivery:040x}"


class Team:
    """What outlives a CI server: its claim, its repository, its SCM; and what the SCM still has to deliver."""

    def __init__(self, index: int, deliveries: int) -> None:
        self.index, self.name = index, f"team-{index}"
        self.database, self.scm, self.repository = InlineDatabase(), MemoryGitea(), MemoryRepository()
        self.acknowledged: dict[int, bool] = {}
        self.deliveries = deliveries
        for number in range(deliveries):
            sha = revision(index, number)
            unwanted = "{on: {push: {branches: [other]}}, "
            self.repository.pipelines[sha] = {
                "broken": "spec: {steps: [{name: unit}]}", "unwanted": GOOD.replace("{", unwanted, 1),
            }.get(kind(number), GOOD)  # fmt: skip

    def config(self) -> Any:
        source = {
            "git": {"url": f"https://git.example/{self.name}/x.git"},
            "scm": {"type": "gitea", "webhookSecret": {"secretRef": {"name": "hook"}}},
        }
        return {
            "apiVersion": "ci.boatyard.dev/v1alpha1", "kind": "CiConfig", "metadata": {"name": self.name, "namespace": "default"},
            "spec": {"source": source, "builds": {"concurrency": 3, "retention": {"ttl": "2m"}}},
        }  # fmt: skip

    def delivery(self, number: int) -> tuple[dict[str, str], bytes]:
        body = {"ref": "refs/heads/main", "after": revision(self.index, number), "repository": {"full_name": f"{self.name}/x"}}
        data = json.dumps(body).encode()
        headers = {"x-gitea-event": "push", "x-gitea-delivery": f"d-{number}", "x-gitea-signature": sign_hmac_sha256(SECRET, data)}
        return headers, data

    def told(self) -> list[bool]:
        """For every delivery whether the SCM has heard its last word, or needn't."""
        wanted = [number for number in range(self.deliveries) if kind(number) != "unwanted"]
        return [self.scm.told(revision(self.index, number))[-1:] not in ([], ["pending"]) for number in wanted]


def ciserver(world: SimWorld, control: Component, team: Team, objects: MemoryObjects, crash_rate: float) -> Component:
    async def main(life: Incarnation) -> None:
        environment = Environment(
            team.name, "default", 1, f"/ci/default/{team.name}", f"https://ci/{team.name}", Path("/data"), "memory:", "t0ken"
        )

        async def repository() -> MemoryRepository:
            return team.repository

        server = CiServer(
            environment, Connection(life, control), world,  # type: ignore[arg-type]
            database=life.port(team.database, writes=("run",)), store=objects, http=life.port(team.scm, writes=("request",)),
            objects_prefix=f"builds/default/{team.name}/", repository=lambda _: repository,
        )  # fmt: skip
        life.services["web"] = server
        await server.run()

    return Component(world, f"ci-{team.name}", main, crash_rate=crash_rate)


async def deliver(world: SimWorld, component: Component, team: Team) -> None:
    """An SCM that repeats a delivery until it is acknowledged, and some even after that."""
    for number in range(team.deliveries):
        headers, body = team.delivery(number)
        again = world.random.random() < 0.3
        while not team.acknowledged.get(number) or again:
            await asyncio.sleep(world.random.random() * 3)
            life = component.current
            if life is None or "web" not in life.services:
                continue
            answer = await call(life, life.services["web"].deliveries.handle_delivery("gitea", headers, body))
            if answer is not None and answer.status in (200, 202):
                again = again and not team.acknowledged.get(number)
                team.acknowledged[number] = True


async def call(life: Incarnation, work: Any) -> Any:
    """A request to a life: its answer, or None when it died over it."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def end(result: Any) -> None:
        if not answer.done():
            answer.set_result(result)

    async def serve() -> None:
        end(await work)

    life.start(serve())
    forget = life.at_death(lambda: end(None))
    try:
        return await answer
    finally:
        forget()


def scenario(sim: Any, teams: int, deliveries: int, crash_rate: float) -> Callable[[SimWorld], Any]:
    async def run(world: SimWorld) -> None:
        objects, streams = MemoryObjects(), sim.streams(world)
        settings = Settings(object_store=objects, secrets_key=b"k", version="1")

        def controllers(manager: Manager) -> Any:
            return [module.controller(manager, settings) for module in MODULES]

        control = sim.control_plane(
            world, controllers, crash_rate=crash_rate, kinds=[crd_of(CiConfig), crd_of(Build)], pod_streams=streams
        )
        all_teams = [Team(index, deliveries) for index in range(teams)]

        def process(pod: Any) -> Any:
            number = int(pod["metadata"]["labels"]["boatyard.dev/build"].rpartition("-")[2])
            code = number % 2
            said = f"boatyard/1\n1 {'failed' if code else 'ok'} {code} 1767225600000 900\n"
            return sim.process(world.now() + 1 + number % 5, code, messages={"build": said})

        nodes = [sim.node(world, f"node-{n}", control.component, process, crash_rate=crash_rate, pods=40) for n in range(2)]
        streams.nodes.extend(nodes)
        control.component.start()
        for node in nodes:
            node.component.start()

        async def prepare(life: Incarnation) -> None:
            client: Any = Connection(life, control.component)
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hook", "namespace": "default"},
                      "stringData": {"hook": SECRET.decode()}}  # fmt: skip
            for resource, body in ((SECRETS, secret), *((CiConfig.resource, team.config()) for team in all_teams)):
                while True:
                    try:
                        await client.create(resource, body, "default")
                        break
                    except AlreadyExists:
                        break
                    except (ApiError, OSError):
                        await asyncio.sleep(1)
            await asyncio.get_running_loop().create_future()

        Component(world, "administrator", prepare).start()
        scms = []
        for team in all_teams:
            component = ciserver(world, control.component, team, objects, crash_rate)
            component.start()
            scms.append(asyncio.ensure_future(deliver(world, component, team)))

        def done() -> bool:
            finished = all(scm.done() for scm in scms) and all(all(team.told()) for team in all_teams)
            world.crashing = not finished
            left = [*control.keys("/registry/ci.boatyard.dev/builds/"), *control.keys("/registry/core/pods/")]
            return finished and not left

        await world.until(done, "every delivery has its verdict and nothing is left", within=20_000)
        for team in all_teams:
            check(team, objects)

    return run


def check(team: Team, objects: MemoryObjects) -> None:
    archived: dict[str, Any] = {}
    numbers = []
    for key, value in sorted(objects._objects.items()):  # type: ignore[attr-defined]
        if key.startswith(f"builds/default/{team.name}/") and key.endswith("/build.json"):
            build = json.loads(value if isinstance(value, bytes) else value[0])
            sha = build["spec"]["source"]["revision"]
            assert sha not in archived, f"{team.name}: {sha} was built twice"
            archived[sha] = build
            numbers.append(build["spec"]["number"])
    assert sorted(numbers) == list(range(1, len(numbers) + 1)), "numbers have gaps"
    for number in range(team.deliveries):
        sha = revision(team.index, number)
        words = team.scm.told(sha)
        if kind(number) == "unwanted":
            assert sha not in archived and words == []
            continue
        state = {"Succeeded": "success", "Failed": "failure", "Error": "error"}[archived[sha]["status"]["phase"]]
        assert (state == "error") == (kind(number) == "broken"), archived[sha]["status"]
        # A build that was over before its beginning could be told has only its end told.
        assert words in (["pending", state], [state]), (team.name, number, words)


@pytest.mark.parametrize("seed", [1])
def test_without_crashes(sim, seed):
    simulate(seed, scenario(sim, 2, 8, 0.0))


@pytest.mark.parametrize("seed", range(1, 9))
def test_every_delivery_becomes_one_build_and_its_verdict_is_told_once(sim, seed):
    simulate(seed, scenario(sim, 2, 8, 0.01))


def test_the_same_seed_tells_the_same_story(sim):
    assert simulate(3, scenario(sim, 1, 6, 0.02)) == simulate(3, scenario(sim, 1, 6, 0.02))
