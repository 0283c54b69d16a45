"""``kill -9`` of every part while twenty builds run: every verdict right and told once, every log whole, nothing left over."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from boatyard.app.follow import phase
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.objects import Object, uid
from e2e.generic_team import NAME, NAMESPACE, Team, generic_team
from e2e.installation import boatyard, installation
from e2e.traces import traces
from e2e.victims import kill, supervisor
from parts import program, root

BUILDS = 20
PIPELINE = """
spec:
  steps:
  - {name: test, run: sh test.sh}
  tests:
  - junit: report.xml
  artifacts:
  - path: out/*.txt
"""
SCRIPT = """
i=0
while [ $i -lt LINES ]; do
  for j in 1 2 3 4 5; do echo "line $i of KEY"; i=$((i + 1)); done
  sleep 0.25
done
mkdir -p out
echo KEY > out/result.txt
echo '<testsuite><testcase name="right"/><testcase name="KEY">OUTCOME</testcase></testsuite>' > report.xml
exit CODE
"""

pytestmark = [pytest.mark.real, pytest.mark.root]


class Push(NamedTuple):
    """A commit whose build is known before."""

    sha: str
    key: str
    lines: int
    passes: bool

    @property
    def verdict(self) -> str:
        return "Succeeded" if self.passes else "Failed"


def commits(team: Team, rng: random.Random, count: int, *, quarters: tuple[int, int] = (16, 40)) -> list[Push]:
    """Commits on main: their builds take so many quarters of a second, and pass or fail."""
    made: list[Push] = []
    for index in range(count):
        key, lines, passes = f"k{rng.randrange(10**9)}-{index}", 5 * rng.randint(*quarters), rng.random() < 0.6
        outcome = "" if passes else "<failure/>"
        script = SCRIPT.replace("LINES", str(lines)).replace("KEY", key).replace("OUTCOME", outcome)
        files = {"boatyard.yaml": PIPELINE, "test.sh": script.replace("CODE", "0" if passes else "3")}
        made.append(Push(team.clone.commit(files, f"Change {key}"), key, lines, passes))
    team.clone.push()
    return made


async def check(team: Team, push: Push, number: int, *, seconds: float = 120) -> Object:
    """The build's verdict, log, tests, artifact and reports are those that its commit asks for."""
    build = await team.end(number, seconds=seconds)
    status = build["status"]
    told = f"{build['metadata']['name']}: {status}"
    assert build["spec"]["source"]["revision"] == push.sha
    assert phase(build) == push.verdict, told
    wanted = [f"line {at} of {push.key}" for at in range(push.lines)]
    assert [line for line in await team.lines(build) if line.startswith("line ")] == wanted, told
    counts = status["tests"]["counts"]
    assert (counts["total"], counts["failed"]) == (2, 0 if push.passes else 1), told
    assert [artifact["path"] for artifact in status["artifacts"]] == ["out/result.txt"], told
    assert not status.get("problems"), told
    prefix = f"builds/{NAMESPACE}/{NAME}/{number}"
    kept = f"{prefix}/artifacts/{len(status['attempts'])}/out/result.txt"
    assert (await team.objects.get(kept)).decode().strip() == push.key
    assert push.sha.encode() in await team.objects.get(f"{prefix}/build.json")
    return build


async def reported(team: Team, numbers: dict[int, Push]) -> None:
    """The callback heard of each build twice, at its beginning and at its end: two keys; more only as repetitions."""
    async with asyncio.timeout(60):
        while any(len(team.callback.of(number)) < 2 for number in numbers):
            await asyncio.sleep(0.2)
    await asyncio.sleep(2)
    for number, push in numbers.items():
        told = team.callback.of(number)
        assert [state for _, state in told] == ["pending", "success" if push.passes else "failure"], told
        assert len({key for key, _ in told}) == 2, told


async def clean(team: Team) -> None:
    """Of the builds nothing is left on the machine; nor of the CI server, once its CiConfig is deleted."""
    await team.remove()
    data = team.installation.data
    async with asyncio.timeout(120):
        while (await team.installation.client.list(PODS)).items:
            await asyncio.sleep(0.2)
    for _ in range(300):
        if not traces(data):
            break
        await asyncio.sleep(0.2)
    assert traces(data) == []
    assert list((data.node / "volumes").iterdir()) == []


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    root()
    program("bwrap", "bubblewrap")
    place = tmp_path / "boatyard"
    place.mkdir()
    async with installation(place) as running, generic_team(running, tmp_path, concurrency=BUILDS) as team:
        yield team
    assert traces(running.data, pods=False) == []


async def one_round(team: Team, seed: int) -> None:
    """Twenty pushes, three kills: while the builds run, or already while they are told of (even seeds)."""
    rng = random.Random(seed)
    pushes = commits(team, rng, BUILDS)
    telling = asyncio.gather(*(team.push(push.sha) for push in pushes))
    if seed % 2:
        await team.running(min(await telling))
    victims = ["control", "node", "ciserver"]
    rng.shuffle(victims)
    for victim in victims:
        await asyncio.sleep(rng.uniform(0.2, 2.5))
        await kill(team.installation, victim)
    numbers = dict(zip(await telling, pushes, strict=True))
    builds = [await check(team, push, number) for number, push in numbers.items()]
    await reported(team, numbers)
    attempts = sum(len(build["status"]["attempts"]) for build in builds)
    print(f"seed {seed}: {' '.join(victims)}; {BUILDS} builds, {attempts} attempts, {team.callback.repeated} reports repeated")


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 6))])
async def test_twenty_builds_survive_the_end_of_every_part(team: Team, seed: int):
    """An installation of its own for each round: a CI server that dies again and again starts later each time, as it should."""
    await one_round(team, seed)
    await clean(team)


async def test_a_build_whose_supervisor_dies_is_built_again(team: Team):
    """The infrastructure's fault is never the commit's: another attempt follows, and its verdict counts."""
    rng = random.Random(7)
    pushes = commits(team, rng, 6, quarters=(12, 20))
    numbers = dict(zip(await asyncio.gather(*(team.push(push.sha) for push in pushes)), pushes, strict=True))
    unlucky = sorted(numbers)[::2]
    for number in unlucky:
        await team.running(number)
        pod = await team.installation.client.get(PODS, f"{NAME}-{number}", NAMESPACE)
        os.kill(supervisor(team.installation, uid(pod)), signal.SIGKILL)
    for number, push in numbers.items():
        build = await check(team, push, number)
        outcomes = [attempt["outcome"] for attempt in build["status"]["attempts"]]
        assert outcomes == (["Lost", push.verdict] if number in unlucky else [push.verdict])
    await reported(team, numbers)
    await clean(team)


async def test_builds_go_on_without_the_parent_and_the_next_one_takes_over(team: Team):
    rng = random.Random(8)
    pushes = commits(team, rng, 4, quarters=(24, 32))
    numbers = dict(zip(await asyncio.gather(*(team.push(push.sha) for push in pushes)), pushes, strict=True))
    for number in numbers:
        await team.running(number)
    children = [team.installation.process(name) for name in ("control", "node")]
    await kill(team.installation, "up")
    async with asyncio.timeout(30):
        while any(Path(f"/proc/{child.pid}").exists() for child in children):
            await asyncio.sleep(0.1)
    again = boatyard(team.installation.data.root, "up", "--detach")
    assert again.returncode == 0, again.stderr
    for number, push in numbers.items():
        build = await check(team, push, number)
        assert len(build["status"]["attempts"]) == 1
    await reported(team, numbers)
    await clean(team)
