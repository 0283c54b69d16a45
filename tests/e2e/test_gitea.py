"""The main job with a real SCM: Gitea tells of a push or a pull request, a pod builds it, Gitea shows the verdict, once."""

from __future__ import annotations

import asyncio
import base64
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from boatyard.app.follow import outcome, phase
from boatyard.ci.kinds import Build, CiConfig
from boatyard.machinery.meta.core import SECRETS
from boatyard.machinery.meta.errors import NotFound
from e2e.gitea_api import Clone, Gitea, gitea_client
from e2e.installation import Installation, installation
from parts import program, starter

PIPELINE = """
spec:
  steps:
  - {name: test, run: sh test.sh}
"""
GOOD, BAD = "grep -q hello greeting\n", "grep -q goodbye greeting\n"

pytestmark = pytest.mark.real


@dataclass
class Team:
    """A team with a repository on Gitea and a CI."""

    installation: Installation
    gitea: Gitea
    clone: Clone
    repository: str

    async def build(self, number: int, expected: str) -> dict:
        """A build, once it is over, as it should be."""
        name = f"team-{number}"
        async with asyncio.timeout(120):
            while True:
                try:
                    build = await outcome(self.installation.client, name, "default")
                    assert phase(build) == expected, f"{build.get('status')} {build['spec'].get('refusal')}"
                    return build
                except NotFound:
                    await asyncio.sleep(0.1)

    async def running(self, number: int) -> None:
        """Wait until a build runs."""
        async with asyncio.timeout(60):
            while True:
                try:
                    build = await self.installation.client.get(Build.resource, f"team-{number}", "default")
                    if phase(build) == "Running":
                        return
                except NotFound:
                    pass
                await asyncio.sleep(0.1)

    async def told(self, sha: str, expected: list[str]) -> None:
        """Gitea shows exactly these statuses of a commit, and still does a while later."""
        async with asyncio.timeout(60):
            while len(await self.gitea.statuses(self.repository, sha)) < len(expected):
                await asyncio.sleep(0.2)
        await asyncio.sleep(2)
        assert await self.gitea.statuses(self.repository, sha) == expected


@pytest.fixture
async def team(tmp_path: Path, one_gitea: dict[str, Any], request: pytest.FixtureRequest) -> AsyncIterator[Team]:
    program("bwrap", "bubblewrap")
    name = request.node.originalname.replace("_", "-")[5:45].strip("-")
    place = tmp_path / "boatyard"
    place.mkdir()
    async with installation(place) as running, gitea_client(one_gitea, running.addresses.internal_host) as api:
        url = await api.repository(name)
        secret = {"username": "ci", "password": one_gitea["token"], "token": one_gitea["token"]}
        await running.client.create(
            SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gitea"}, "stringData": secret}, "default"
        )
        reference = {"secretRef": {"name": "gitea"}}
        scm = {
            "type": "gitea", "url": f"http://{api.host}:{one_gitea['port']}", "repository": f"ci/{name}", "credentials": reference,
        }  # fmt: skip
        spec = {
            "source": {"git": {"url": url, "branches": ["main"], "credentials": reference}, "scm": scm},
            "strategy": {"standardBuild": {"type": "shell", "builder": "boatyard.dev/host"}},
        }
        document = {"apiVersion": CiConfig.resource.api_version, "kind": "CiConfig", "metadata": {"name": "team"}, "spec": spec}
        await running.client.create(CiConfig.resource, document, "default")
        config = await running.until(CiConfig.resource, "team", "default", lambda c: phase(c) == "Awake")
        keys = await running.client.get(SECRETS, "ci-team", "default")
        await api.hook(name, config["status"]["webhook"], base64.b64decode(keys["data"]["webhook"]).decode())
        yield Team(running, api, Clone(tmp_path / "clone", api.push_address(name)), name)


async def test_a_push_becomes_a_verdict_in_gitea(team: Team):
    good = team.clone.commit({"boatyard.yaml": PIPELINE, "test.sh": GOOD, "greeting": "hello\n"}, "Greet")
    team.clone.push()
    await team.build(1, "Succeeded")
    await team.told(good, ["pending", "success"])
    bad = team.clone.commit({"test.sh": BAD}, "Expect a farewell")
    team.clone.push()
    await team.build(2, "Failed")
    await team.told(bad, ["pending", "failure"])


async def test_a_pull_request_is_built_merged_with_its_target(team: Team):
    """Head alone and target alone pass; together they fail, which only a build of the merge can tell."""
    team.clone.commit({"boatyard.yaml": PIPELINE, "test.sh": "true\n", "greeting": "hello\n"}, "Begin")
    team.clone.push()
    await team.build(1, "Succeeded")
    team.clone.git("checkout", "--quiet", "-b", "topic")
    head = team.clone.commit({"test.sh": GOOD}, "Test the greeting")
    team.clone.git("checkout", "--quiet", "main")
    team.clone.commit({"greeting": "moin\n"}, "Greet as in the north")
    team.clone.push()
    await team.build(2, "Succeeded")
    team.clone.git("checkout", "--quiet", "topic")
    team.clone.push("topic")
    await team.gitea.call("POST", f"/repos/ci/{team.repository}/pulls", head="topic", base="main", title="Test the greeting")
    build = await team.build(3, "Failed")
    assert build["spec"]["source"]["pullRequest"]["number"] == 1
    await team.told(head, ["pending", "failure"])


async def test_a_gitea_that_is_away_hears_of_everything_once_it_is_back(team: Team):
    slow = PIPELINE.replace("sh test.sh", "sleep 8; sh test.sh")
    sha = team.clone.commit({"boatyard.yaml": slow, "test.sh": GOOD, "greeting": "hello\n"}, "Slow")
    team.clone.push()
    await team.running(1)
    script, directory = starter("gitea"), team.gitea.access["directory"]
    subprocess.run([script, "down", directory], check=True)
    await asyncio.sleep(30)
    started = subprocess.run([script, "up", directory, "--port", str(team.gitea.access["port"])], capture_output=True, text=True)
    assert started.returncode == 0, started.stderr
    await team.build(1, "Succeeded")
    await team.told(sha, ["pending", "success"])
