"""A team as scenarios know it: its repository, its SCM, its claim, what becomes of its commits, and its CI server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from boatyard.ci.kinds import CANCEL_ANNOTATION
from boatyard.ci.scm.http import Answer
from boatyard.ci.scm.memory import MemoryGitea
from boatyard.ci.scm.scm import sign_hmac_sha256
from boatyard.ciserver.database import InlineDatabase
from boatyard.ciserver.environment import Environment
from boatyard.ciserver.repository import MemoryRepository
from boatyard.ciserver.server import CiServer
from boatyard.machinery.meta.objects import Object, annotations
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.connection import Connection
from boatyard.machinery.runtime.simulation import SimWorld
from sim.plant import Process

SECRET = b"hook secret"
RETRIES = 2
GOOD = "spec: {steps: [{name: unit, run: make test}, {name: pack, run: make}], timeout: 10m}"
BROKEN = "spec: {steps: [{name: unit}]}"
UNWANTED = GOOD.replace("{", "{on: {push: {branches: [other]}}, ", 1)
FOREVER = 1e12
KEPT = ("context", "state", "status", "target_url")
"""What an SCM of tens of thousands of builds keeps of a status: what a reporter looks for."""


class Fate(NamedTuple):
    """What becomes of a commit."""

    name: str
    phase: str = "Succeeded"
    reason: str = "Succeeded"
    state: str = "success"
    """What the SCM hears last."""
    attempts: int = 1


PASSES = Fate("passes")
FAILS = Fate("fails", "Failed", "StepFailed", "failure")
LOST_ONCE = Fate("is lost once", attempts=2)
LOST = Fate("is lost always", "Error", "Evicted", "error", RETRIES + 1)
TIMEOUT = Fate("times out", "Failed", "Timeout", "failure")
CANCELLED = Fate("is cancelled", "Cancelled", "Cancelled", "error")
REFUSED = Fate("is broken", "Error", "InvalidPipeline", "error", 0)
IGNORED = Fate("is unwanted", "", "", "", 0)
FATES = (PASSES, FAILS, LOST_ONCE, REFUSED, PASSES, CANCELLED, IGNORED, FAILS, TIMEOUT, PASSES, LOST)


class Scm(MemoryGitea):
    """A Gitea whose every new status is history."""

    def __init__(self, world: SimWorld) -> None:
        super().__init__()
        self.world = world

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        answer = await super().request(method, url, headers=headers, body=body)
        if method != "GET":
            self.world.note(f"scm {answer.status} {url.rpartition('/')[2]} {body.decode()}")
            told = self.statuses[url.rpartition("/")[2]]
            told[-1] = {key: told[-1][key] for key in KEPT}
        self.calls.clear()  # nobody asks for them
        return answer


class Team:
    """What outlives a CI server: its claim, its repository, its SCM; and what the SCM still has to deliver."""

    def __init__(self, world: SimWorld, index: int, builds: int, concurrency: int = 3) -> None:
        self.world, self.index, self.name, self.concurrency = world, index, f"team-{index}", concurrency
        self.database, self.scm, self.repository = InlineDatabase(), Scm(world), MemoryRepository()
        self.fates: dict[str, Fate] = {}
        """By commit, in the order of their deliveries."""
        self.acknowledged: dict[str, int] = {}
        """The number that each delivery was answered first."""
        wanted = 0
        while wanted < builds:
            fate = FATES[(index * 4 + len(self.fates)) % len(FATES)]
            sha = f"{(index + 1) * 100_000 + len(self.fates):040x}"
            self.fates[sha] = fate
            self.repository.pipelines[sha] = {REFUSED.name: BROKEN, IGNORED.name: UNWANTED}.get(fate.name, GOOD)
            wanted += fate is not IGNORED
        self._untold = [sha for sha, fate in reversed(self.fates.items()) if fate is not IGNORED]
        """The earliest last."""

    def config(self) -> Object:
        """Its CiConfig."""
        source = {
            "git": {"url": f"https://git.example/{self.name}/x.git"},
            "scm": {"type": "gitea", "webhookSecret": {"secretRef": {"name": "hook"}}},
        }
        builds = {"concurrency": self.concurrency, "infrastructureRetries": RETRIES, "retention": {"ttl": "1m"}}
        return {
            "apiVersion": "ci.boatyard.dev/v1alpha1", "kind": "CiConfig", "metadata": {"name": self.name, "namespace": "default"},
            "spec": {"source": source, "builds": builds},
        }  # fmt: skip

    def delivery(self, sha: str) -> tuple[dict[str, str], bytes]:
        """The webhook of a push, signed."""
        body = {"ref": "refs/heads/main", "after": sha, "repository": {"full_name": f"{self.name}/x"}}
        data = json.dumps(body).encode()
        signature = sign_hmac_sha256(SECRET, data)
        return {"x-gitea-event": "push", "x-gitea-delivery": f"d-{sha}", "x-gitea-signature": signature}, data

    def is_done(self) -> bool:
        """Whether the SCM has heard the last word on every commit."""
        while self._untold and self.scm.told(self._untold[-1])[-1:] not in ([], ["pending"]):
            self._untold.pop()
        return not self._untold

    def process(self, pod: Object) -> Process:
        """What the pod of one of its builds will do."""
        env = {one["name"]: one.get("value", "") for one in pod["spec"]["containers"][0]["env"]}
        fate = self.fates[env["BOATYARD_REVISION"]]
        number, attempt = int(env["BOATYARD_BUILD_NUMBER"]), int(env["BOATYARD_ATTEMPT"])
        now = self.world.now()
        ends, begun = now + 1 + number % 5, int(now * 1000)
        good = f"boatyard/1\n1 ok 0 {begun} 900\n2 ok 0 {begun + 900} 100\n"
        bad = f"boatyard/1\n1 %s {begun} 900\n2 skipped 0 {begun + 900} 0\n"
        if fate is FAILS:
            return Process(ends, 2, messages={"build": bad % "failed 2"})
        if fate is TIMEOUT:
            return Process(ends, 143, messages={"build": bad % "timeout 143"})
        if fate is CANCELLED:
            return Process(FOREVER, 143)
        if fate is LOST or (fate is LOST_ONCE and attempt == 1):
            return Process(ends, 137, reason="Evicted")
        return Process(ends, messages={"build": good})

    def ciserver(self, control: Component, objects: MemoryObjects, crash_rate: float) -> Component:
        """Its CI server: the real one, over its claim. Not started."""

        async def main(life: Incarnation) -> None:
            url = f"https://ci/{self.name}"
            environment = Environment(self.name, "default", 1, f"/ci/default/{self.name}", url, Path("/data"), "memory:", "t0ken")

            async def repository() -> MemoryRepository:
                return self.repository

            server = CiServer(
                environment, Connection(life, control), self.world,  # type: ignore[arg-type]
                database=life.port(self.database, writes=("run",)), store=objects,
                http=life.port(self.scm, writes=("request",)), objects_prefix=f"builds/default/{self.name}/",
                repository=lambda _: repository,
            )  # fmt: skip
            life.services["web"] = server
            await server.run()

        return Component(self.world, f"ci-{self.name}", main, crash_rate=crash_rate)

    async def push(self, ciserver: Component) -> None:
        """Its people's day: every commit is delivered until that is acknowledged, and some once more; some builds are cancelled."""
        random = self.world.random
        for sha, fate in self.fates.items():
            again = random.random() < 0.2
            while sha not in self.acknowledged or again:
                await asyncio.sleep(random.random() * 3)
                answer = await call(ciserver, lambda server: server.deliveries.handle_delivery("gitea", *self.delivery(sha)))  # noqa: B023
                if answer is not None and answer.status in (200, 202):
                    again = again and sha not in self.acknowledged
                    self.acknowledged.setdefault(sha, json.loads(answer.body)["number"])
            while fate is CANCELLED and self.scm.told(sha)[-1:] in ([], ["pending"]):
                await asyncio.sleep(2)
                await call(ciserver, lambda server: _cancel(server, self.acknowledged[sha]))  # noqa: B023


async def _cancel(server: CiServer, number: int) -> None:
    build = server.living(number)
    if build is not None and (build.get("status") or {}).get("phase") == "Running" and CANCEL_ANNOTATION not in annotations(build):
        await server.cancel(number, "ann")


async def call(component: Component, request: Any) -> Any:
    """What a CI server answers; None when it is down, doesn't answer, or died over it."""
    life = component.current
    if life is None or "web" not in life.services:
        return None
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def end(result: Any) -> None:
        if not answer.done():
            answer.set_result(result)

    async def serve() -> None:
        try:
            end(await request(life.services["web"]))
        except Exception:
            end(None)

    life.start(serve())
    forget = life.at_death(lambda: end(None))
    try:
        return await answer
    finally:
        forget()
