"""What repositories and builds do to those who must read them: the build ends, says why, and nobody's memory grows with it."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from boatyard.app.follow import phase
from boatyard.ci.kinds import Build, CiConfig
from boatyard.gateway.sessions import COOKIE, Sessions
from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.objects import Object, uid
from boatyard.machinery.runtime.world import RealWorld
from e2e.generic_team import NAME, NAMESPACE, Team, generic_team
from e2e.installation import installation
from e2e.victims import ciserver, supervisor
from parts import program, root

pytestmark = [pytest.mark.real, pytest.mark.root]

MIB = 1024 * 1024
LARGE, GB = 200 * MIB, 10**9
MOST_MIB = {"control": 180, "node": 110, "ciserver": 110, "supervisor": 40}
"""Peak memory, whatever builds write."""


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    root()
    program("bwrap", "bubblewrap")
    place = tmp_path / "boatyard"
    place.mkdir()
    async with installation(place) as running, generic_team(running, tmp_path, concurrency=4) as team:
        yield team


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 150 MiB for all that an installation keeps."""
    root()
    place = tmp_path / "boatyard"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150m,mode=711", "tmpfs", place], check=True)
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", place], check=True)


async def begin(team: Team, script: str, more: str = "") -> int:
    """A push whose build runs ``script``; its number."""
    pipeline = f"spec:\n  steps:\n  - {{name: step, run: sh step.sh}}\n{more}"
    sha = team.clone.commit({"boatyard.yaml": pipeline, "step.sh": script}, "Change")
    team.clone.push()
    return await team.push(sha)


def peak_mib(pid: int) -> int:
    """The most memory that a process ever had (proc(5), VmHWM)."""
    line = next(one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


async def kept_bytes(team: Team, build: Object) -> int:
    """What the object store has of the step's log."""
    prefix = build["status"]["attempts"][-1]["logs"] + "build/"
    return sum([info.size_bytes async for info in team.objects.list(prefix)])


async def peaks(team: Team, number: int) -> dict[str, int]:
    """Peak memory of everybody who had to do with a running build."""
    pod = await team.installation.client.get(PODS, f"{NAME}-{number}", NAMESPACE)
    found = {name: peak_mib(team.installation.process(name).pid) for name in ("control", "node")}
    found["ciserver"] = peak_mib(await ciserver(team.installation))
    found["supervisor"] = peak_mib(supervisor(team.installation, uid(pod)))
    return found


async def peaks_until_the_end(team: Team, number: int) -> dict[str, int]:
    """The same, as last seen while the build ran."""
    most: dict[str, int] = {}
    while phase(await team.installation.client.get(Build.resource, f"{NAME}-{number}", NAMESPACE)) == "Running":
        try:
            most = await peaks(team, number)
        except (OSError, LookupError):
            break
        await asyncio.sleep(0.3)
    return most


async def watch_in_a_browser(team: Team, number: int) -> int:
    """Follow the log as a page does; how many bytes of events came."""
    data = team.installation.data
    cookie = Sessions((data.pki / "sessions.secret").read_bytes(), data.keys / "used-links", RealWorld()).session()
    trust = ssl.create_default_context(cafile=str(data.pki / "ca.crt"))
    headers = {"Cookie": f"{COOKIE}={cookie}", "Accept": "text/event-stream"}
    came = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust), headers=headers) as session:
        async with session.get(f"{team.url}/builds/{number}/log/build?follow=1") as answer:
            assert answer.status == 200
            async for piece in answer.content.iter_any():
                came += len(piece)
    return came


async def read_nothing(client: HttpClient, number: int) -> None:
    """Somebody who follows the log and went to lunch."""
    logs = client.logs(NAMESPACE, f"{NAME}-{number}", container="build", follow=True)
    async for _ in logs:
        await asyncio.sleep(3600)


@pytest.mark.parametrize(
    ("script", "size"),
    [
        pytest.param(f"yes 'a line of a log that does not end' | head -c {LARGE}", LARGE, id="200-mib", marks=pytest.mark.long),
        pytest.param("head -c 100000000 /dev/zero | tr '\\0' x; echo", 100_000_001, id="one-line-of-100-mb"),
        pytest.param("head -c 30000000 /dev/urandom; echo", 30_000_001, id="binary"),
    ],
)
async def test_whatever_a_build_writes_memory_stays_bounded(team: Team, script: str, size: int):
    number = await begin(team, f"{script}\necho the end\nsleep 4\n")
    await team.running(number)
    lunch = asyncio.ensure_future(read_nothing(team.installation.client, number))
    browser = asyncio.ensure_future(watch_in_a_browser(team, number))
    most = await peaks_until_the_end(team, number)
    build = await team.end(number)
    came = await browser
    lunch.cancel()
    assert phase(build) == "Succeeded", build["status"]
    assert not build["status"].get("problems"), build["status"]
    kept = await kept_bytes(team, build)
    assert size + len("the end\n") <= kept <= size + 2000
    print(f"peak MiB: {most}; {kept} bytes kept, {came} bytes of events")
    assert came >= size * 0.9
    assert {name: mib for name, mib in most.items() if mib > MOST_MIB[name]} == {}


@pytest.mark.long
async def test_of_a_log_of_1_gb_the_beginning_is_kept_and_the_build_says_so(team: Team):
    number = await begin(team, f"yes 'a line of a log that does not end' | head -c {GB}\necho the end\nsleep 4\n")
    await team.running(number)
    most = await peaks_until_the_end(team, number)
    build = await team.end(number, seconds=200)
    assert phase(build) == "Succeeded", build["status"]
    assert "only the first 256 MiB" in str(build["status"].get("problems"))
    print(f"peak MiB: {most}; {build['status']['problems']}")
    assert 255 * MIB <= await kept_bytes(team, build) <= 257 * MIB
    assert {name: mib for name, mib in most.items() if mib > MOST_MIB[name]} == {}


async def test_hostile_test_reports_are_explained(team: Team):
    entities = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>'
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite><testcase name="x">&a;</testcase></testsuite>'
    script = f"""
    echo '{entities}' > entities.xml
    echo '{outside}' > outside.xml
    echo '<testsuite><testcase name="a"/><testcase' > broken.xml
    (for i in $(seq 100); do printf '<a>'; done) > deep.xml
    (echo '<testsuite>'; yes '<testcase name="many"><system-out>a lot</system-out></testcase>' | head -c 40000000) > huge.xml
    ln -s /etc/passwd link.xml
    head -c 100000 /dev/urandom > binary.xml
    echo '<testsuite><testcase name="good"/></testsuite>' > good.xml
    """
    number = await begin(team, script, "  tests:\n  - junit: '*.xml'\n")
    build = await team.end(number)
    status = build["status"]
    assert phase(build) == "Succeeded", status
    problems = "\n".join(status["problems"])
    refused = ["entities.xml: refused", "outside.xml: refused"]
    for name in [*refused, "broken.xml: not well-formed", "deep.xml", "huge.xml: cut off"]:
        assert name in problems, problems
    assert "link.xml" not in problems, "links are never followed, and no reports"
    assert status["tests"]["counts"]["total"] > 1000


async def test_a_repository_that_is_gone_ends_its_builds_and_one_that_comes_back_goes_on(team: Team):
    config = {"spec": {"builds": {"concurrency": 1}}}
    await team.installation.client.patch(CiConfig.resource, NAME, config, NAMESPACE)
    first = await begin(team, "touch begun; until [ -e go ]; do sleep 0.1; done")
    await team.running(first)
    second = await begin(team, "true")
    await team.running(second, "Queued")
    served = team.served
    served.rename(served.with_name("away"))
    async with asyncio.timeout(60):
        while not (begun := list(team.installation.data.node.glob("pods/*/volumes/workspace/**/begun"))):
            await asyncio.sleep(0.1)
    begun[0].with_name("go").touch()
    assert phase(await team.end(first)) == "Succeeded"
    build = await team.end(second)
    assert (phase(build), build["status"]["reason"]) == ("Error", "SourceUnavailable"), build["status"]
    assert "not found" in build["status"]["message"]
    third = await team.push("1" * 40)
    await asyncio.sleep(3)
    served.with_name("away").rename(served)
    build = await team.end(third)
    assert (phase(build), build["status"]["reason"]) == ("Error", "CommitMissing"), build["status"]
    assert phase(await team.end(await begin(team, "echo again"))) == "Succeeded"


@pytest.mark.long
async def test_builds_that_fill_the_disk_end_and_others_go_on(small_disk: Path):
    """Neither a workspace nor a log keeps verdicts from being written, or anything from running."""
    async with installation(small_disk / "boatyard") as running, generic_team(running, small_disk, concurrency=4) as team:
        before = [running.process(name) for name in ("up", "control", "node")]
        full = await begin(team, "cat /dev/zero > big; sleep 2; exit 4")
        meanwhile = await begin(team, "for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 1; done")
        build = await team.end(full)
        # It may have been evicted in time, and then have done it again.
        assert phase(build) in ("Failed", "Error") and build["status"]["message"], build["status"]
        assert phase(await team.end(meanwhile)) == "Succeeded"
        loud = await begin(team, "yes 'fill the disk' | head -c 400000000; echo out")
        build = await team.end(loud, seconds=180)
        assert phase(build) == "Succeeded" and "Logs are incomplete" in str(build["status"]["problems"]), build["status"]
        assert phase(await team.end(await begin(team, "echo still here"))) == "Succeeded"
        assert [running.process(name) for name in ("up", "control", "node")] == before, "somebody died of it"
