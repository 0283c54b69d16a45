"""A CI server and a real Gitea: signatures, private repositories, merges, statuses."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from boatyard.ci.kinds import CiConfig
from boatyard.ci.scm.http import AiohttpHttp
from boatyard.ciserver.web import Web
from boatyard.machinery.meta.core import SECRETS
from e2e.gitea_api import Clone, Gitea, gitea_client
from unit.ciserver.conftest import PIPELINE, World

pytestmark = pytest.mark.real


class Team:
    """The CI server, Gitea's API, and a developer's clone."""

    def __init__(self, world: World, api: Gitea, clone: Clone, name: str) -> None:
        self.world, self.api, self.clone, self.name = world, api, clone, name

    async def told(self, sha: str, *states: str) -> None:
        """What Gitea shows on a commit, as soon as it shows so much, and a moment after."""
        async with asyncio.timeout(30):
            while len(await self.api.statuses(self.name, sha)) < len(states):
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.3)
        assert await self.api.statuses(self.name, sha) == list(states)

    async def build(self, name: str) -> Any:
        """Gitea delivers its first webhook after some seconds."""
        async with asyncio.timeout(30):
            while name not in await self.world.builds():
                await asyncio.sleep(0.05)
        return (await self.world.builds())[name]


@pytest.fixture
async def team(world: World, one_gitea: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Team]:
    name = f"r{abs(hash(request.node.name)) % 10**8}"
    async with gitea_client(one_gitea, "127.0.0.1") as api:
        url = await api.repository(name)
        data = {"token": base64.b64encode(one_gitea["token"].encode()).decode()}
        metadata = {"name": "gitea", "namespace": "team"}
        await world.client.create(SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}, "team")
        source = {
            "git": {"url": url, "credentials": {"secretRef": {"name": "gitea"}}},
            "scm": {"credentials": {"secretRef": {"name": "gitea"}}},
        }
        await world.client.patch(CiConfig.resource, "shop", {"spec": {"source": source}}, "team")
        world.scm = http = AiohttpHttp()  # type: ignore[assignment]
        server = await world.start(mirrors=True)
        shell = Web(server, world.clock)
        task = asyncio.create_task(shell.run())
        await world.until(lambda: shell.port)
        await api.hook(name, f"http://127.0.0.1:{shell.port}/hooks/gitea", "hook secret")
        clone = Clone(tmp_path / "clone", api.push_address(name))
        yield Team(world, api, clone, name)
        task.cancel()
        await asyncio.wait((task,))
        await world.stop()
        await http.close()


async def test_a_push_to_a_private_repository_and_its_statuses(team: Team):
    sha = team.clone.commit({"boatyard.yaml": PIPELINE}, "Begin")
    team.clone.push()
    build = await team.build("shop-1")
    assert build["spec"]["source"] == {**build["spec"]["source"], "revision": sha, "ref": "refs/heads/main", "subject": "Begin"}
    await team.told(sha, "pending")
    await team.world.becomes("shop-1", "Succeeded")
    await team.told(sha, "pending", "success")


async def test_a_restart_in_between_says_nothing_twice(team: Team):
    sha = team.clone.commit({"boatyard.yaml": PIPELINE}, "Begin")
    team.clone.push()
    await team.build("shop-1")
    await team.told(sha, "pending")
    await team.world.stop()
    for file in team.world.path.glob("ciserver.db*"):
        file.unlink()
    await team.world.becomes("shop-1", "Failed", reason="StepFailed")
    await team.world.start(mirrors=True)
    await team.told(sha, "pending", "failure")


async def test_a_pull_request_is_resolved_to_its_merge_and_a_conflict_is_told(team: Team):
    base = team.clone.commit({"boatyard.yaml": PIPELINE, "a": "1\n"}, "Begin")
    team.clone.push()
    await team.build("shop-1")
    team.clone.git("checkout", "--quiet", "-b", "topic")
    head = team.clone.commit({"b": "1\n", "boatyard.yaml": PIPELINE.replace("make test", "make all")}, "Topic")
    team.clone.push("topic")
    await team.api.call("POST", f"/repos/ci/{team.name}/pulls", head="topic", base="main", title="A topic")
    build = await team.build("shop-2")
    source = build["spec"]["source"]
    assert (source["revision"], source["pullRequest"]["target"], source["pullRequest"]["title"]) == (head, base, "A topic")
    assert build["spec"]["steps"][0]["run"] == "make all"
    team.clone.git("checkout", "--quiet", "main")
    team.clone.commit({"b": "2\n"}, "Other")
    team.clone.push()
    await team.build("shop-3")
    team.clone.git("checkout", "--quiet", "topic")
    again = team.clone.commit({"b": "3\n"}, "Conflict")
    team.clone.push("topic")
    refused = (await team.build("shop-4"))["spec"]
    assert refused["refusal"]["reason"] == "MergeConflict" and " b." in refused["refusal"]["message"]
    assert refused["source"]["revision"] == again


async def test_a_deleted_branch_starts_nothing_and_a_tag_only_if_the_pipeline_says_so(team: Team):
    team.clone.commit({"boatyard.yaml": PIPELINE}, "Begin")
    team.clone.push()
    await team.build("shop-1")
    team.clone.push("release/gone")
    await team.build("shop-2")
    team.clone.git("push", "--quiet", "origin", ":refs/heads/release/gone")
    team.clone.git("tag", "v1")
    team.clone.git("push", "--quiet", "origin", "v1")
    # Its number goes back once it is known to start nothing; the next delivery gets it.
    async with asyncio.timeout(30):
        while not await team.world.server.inbox.last_skipped(1):
            await asyncio.sleep(0.05)
    team.clone.commit({"a": "2"}, "Next")
    team.clone.push()
    await team.build("shop-3")
    await asyncio.sleep(1)
    assert sorted(await team.world.builds()) == ["shop-1", "shop-2", "shop-3"]
