"""What every Gitea does with statuses: the real one, and the one in memory that stands in for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from boatyard.ci.scm import scm
from boatyard.ci.scm.gitea import Gitea
from boatyard.ci.scm.http import AiohttpHttp
from boatyard.ci.scm.memory import MemoryGitea
from e2e.gitea_api import Clone, gitea_client

REPORT = scm.Report("a" * 40, "boatyard/shop", "pending", "on its way", "https://ci.example/builds/1", "k-1")


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.real)])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Gitea, scm.Report]]:
    """An adapter, and a report on a commit that exists."""
    if request.param == "memory":
        yield Gitea(scm.ScmSettings("http://git.example/team/shop.git", token="t"), MemoryGitea()), REPORT
        return
    access = request.getfixturevalue("one_gitea")
    async with gitea_client(access, "127.0.0.1") as api:
        name = f"shop-{request.node.originalname}"
        url = await api.repository(name)
        clone = Clone(tmp_path / "clone", api.push_address(name))
        sha = clone.commit({"a": "1"}, "Begin")
        clone.push()
        http = AiohttpHttp()
        yield Gitea(scm.ScmSettings(url, token=access["token"]), http), replace(REPORT, sha=sha)
        await http.close()


async def test_a_report_is_found_by_context_address_and_state(subject: tuple[Gitea, scm.Report]):
    adapter, report = subject
    assert not await adapter.reported(report)
    await adapter.report(report)
    assert await adapter.reported(report)
    for other in (
        replace(report, state="success"),
        replace(report, context="boatyard/other"),
        replace(report, target_url="https://ci.example/builds/2"),
    ):
        assert not await adapter.reported(other)
    await adapter.report(replace(report, state="success"))
    assert await adapter.reported(report) and await adapter.reported(replace(report, state="success"))


async def test_a_report_is_found_among_very_many(subject: tuple[Gitea, scm.Report]):
    adapter, report = subject
    await adapter.report(report)
    for number in range(60):
        await adapter.report(replace(report, target_url=f"https://ci.example/others/{number}"))
    assert await adapter.reported(report)


async def test_a_very_long_description_is_cut(subject: tuple[Gitea, scm.Report]):
    adapter, report = subject
    await adapter.report(replace(report, description="ä" * 5000))
    assert await adapter.reported(report)
