"""What a boatyard.yaml can ask for, on a real node: containers that take turns, side services, limits, cancelling, artifacts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from boatyard.ci.kinds import BUILD_LABEL, CANCEL_ANNOTATION, Build
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.meta.objects import Object
from e2e.generic_team import NAME, NAMESPACE, Team, generic_team
from e2e.installation import installation
from parts import program, root

pytestmark = [pytest.mark.real, pytest.mark.root]

TURNS = """
spec:
  podTemplate:
    spec:
      containers:
      - {name: build, image: boatyard.dev/host}
      - {name: check, image: boatyard.dev/host}
      - name: web
        image: boatyard.dev/host
        command: [python3, -m, http.server, "8123"]
        startupProbe: {tcpSocket: {port: 8123}, periodSeconds: 1, failureThreshold: 30}
      volumes: [{name: cache, emptyDir: {}}]
  env: [{name: WHO, value: "it's $HOME"}]
  steps:
  - {name: one, container: build, run: 'echo one > order; echo "$WHO $BOATYARD_BUILD"'}
  - {name: two, container: check, run: 'cat order; echo two >> order'}
  - {name: three, container: build, run: 'cat order; git log --oneline | head -1'}
  - {name: service, container: check, run: 'python3 fetch.py'}
  artifacts: [{path: order, name: the order}]
"""
FETCH = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8123/').status)"


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    root()
    program("bwrap", "bubblewrap")
    place = tmp_path / "boatyard"
    place.mkdir()
    async with installation(place) as running, generic_team(running, tmp_path, concurrency=8) as team:
        yield team


async def begin(team: Team, pipeline: str, **files: str) -> int:
    sha = team.clone.commit({"boatyard.yaml": pipeline, **files}, "Change")
    team.clone.push()
    return await team.push(sha)


def verdict(build: Object) -> tuple[str, str]:
    return build["status"]["phase"], build["status"].get("reason", "")


def steps(build: Object) -> list[tuple[str, str]]:
    return [(step["name"], step["outcome"]) for step in build["status"]["steps"]]


async def said(team: Team, number: int, word: bytes) -> None:
    """Returns when a running build's log has it."""
    async with asyncio.timeout(60):
        while True:
            with suppress(ApiError):
                logs = team.installation.client.logs(NAMESPACE, f"{NAME}-{number}", container="build")
                if word in b"".join([piece async for piece in logs]):
                    return
            await asyncio.sleep(0.1)


async def test_steps(team: Team) -> None:
    turns = await begin(team, TURNS, **{"fetch.py": FETCH})
    slow = await begin(
        team, "spec: {steps: [{name: slow, run: sleep 60, timeout: 2s}, {name: tidy, run: echo tidy, when: always}]}"
    )
    late = await begin(team, "spec: {timeout: 3s, steps: [{name: slow, run: sleep 60}, {name: never, run: echo no, when: always}]}")
    hungry = await begin(
        team,
        "spec: {podTemplate: {spec: {containers: [{name: b, image: boatyard.dev/host, resources: {limits: {memory: 64Mi}}}]}},"
        " steps: [{name: eat, run: python3 eat.py}]}",
        **{"eat.py": "x = bytearray(300 * 1024 * 1024)\nfor n in range(0, len(x), 4096): x[n] = 1\n"},
    )
    strange = await begin(
        team, "spec: {podTemplate: {spec: {containers: [{name: b, image: docker.io/x}]}}, steps: [{name: a, run: a}]}"
    )
    greedy = await begin(
        team,
        "spec: {podTemplate: {spec: {hostNetwork: true, containers: [{name: b, image: boatyard.dev/host}]}},"
        " steps: [{name: a, run: a}]}",
    )
    broken = await begin(team, "spec: {steps: [{name: a}]}")
    stopped = await begin(
        team, "spec: {steps: [{name: wait, run: 'trap \"echo ended; exit 0\" TERM; echo begun; sleep 100 & wait'}]}"
    )

    await team.running(stopped)
    await said(team, stopped, b"begun")
    patch = {"metadata": {"annotations": {CANCEL_ANNOTATION: "ada: enough"}}}
    await team.installation.client.patch(Build.resource, f"{NAME}-{stopped}", patch, NAMESPACE)

    build = await team.end(turns)
    assert verdict(build) == ("Succeeded", "Succeeded"), build["status"]
    assert steps(build) == [(name, "Succeeded") for name in ("one", "two", "three", "service")]
    assert f"it's $HOME {NAME}-{turns}" in await team.lines(build)
    check = await team.lines(build, "check")
    assert "one" in check and "200" in check
    kept = build["status"]["artifacts"]
    assert [(one["name"], one["path"], one["sizeBytes"]) for one in kept] == [("the order", "order", 8)]
    assert await team.objects.get(f"builds/{NAMESPACE}/{NAME}/{turns}/artifacts/1/order") == b"one\ntwo\n"

    build = await team.end(slow)
    assert verdict(build) == ("Failed", "Timeout") and "'slow' took longer than 2s" in build["status"]["message"]
    assert steps(build) == [("slow", "Timeout"), ("tidy", "Succeeded")]

    build = await team.end(late)
    assert verdict(build) == ("Failed", "Timeout") and "timeout of 3s" in build["status"]["message"]
    assert steps(build) == [("slow", "Timeout"), ("never", "Skipped")]

    build = await team.end(hungry)
    assert verdict(build) == ("Failed", "OOMKilled"), build["status"]
    assert "64Mi" in build["status"]["message"]

    build = await team.end(strange)
    assert verdict(build) == ("Error", "ImageUnavailable") and "container runtime" in build["status"]["message"]

    build = await team.end(greedy)
    assert build["status"]["phase"] == "Error" and "hostNetwork" in build["status"]["message"]

    build = await team.end(broken)
    assert verdict(build) == ("Error", "InvalidPipeline") and "line 1: spec.steps[0].run" in build["status"]["message"]

    build = await team.end(stopped)
    assert verdict(build) == ("Cancelled", "Cancelled") and "ada: enough" in build["status"]["message"]
    assert "ended" in await team.lines(build)

    async with asyncio.timeout(60):
        while (await team.installation.client.list(PODS, NAMESPACE, label_selector=BUILD_LABEL)).items:
            await asyncio.sleep(0.2)
