"""``boatyard ci``: what a team is told when all is well, and when it isn't."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from boatyard.ci.kinds import CiConfig
from boatyard.cli import session
from boatyard.cli.commands import ci
from boatyard.cli.main import main
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS, SECRETS
from boatyard.machinery.meta.errors import AlreadyExists
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.schema.crd import crd_of
from boatyard.machinery.store.memory import MemoryStore

GIT = ("--git", "https://git.example.org/web.git")


@pytest.fixture
def boatyard(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """``boatyard ci …`` against a registry of its own, where no controller runs."""
    store = MemoryStore()

    @asynccontextmanager
    async def connection(kubeconfig: Path) -> AsyncIterator[EmbeddedClient]:
        registry = Registry(store, RealWorld())
        await registry.start()
        client = EmbeddedClient(registry)
        try:
            await client.create(CUSTOM_RESOURCE_DEFINITIONS, crd_of(CiConfig))
        except AlreadyExists:
            pass
        yield client
        secrets.extend(each["metadata"]["name"] for each in (await client.list(SECRETS)).items)

    secrets: list[str] = []
    monkeypatch.setattr(session, "connection", connection)
    monkeypatch.setattr(ci, "READY_SECONDS", 0.1)

    def run(*arguments: str) -> Result:
        secrets.clear()
        done: Any = CliRunner().invoke(main, ["ci", *arguments])
        done.secrets = list(secrets)
        return done

    return run


def test_an_empty_list_says_what_to_do(boatyard: Callable[..., Any]) -> None:
    assert "No CIs yet: make one with `boatyard ci create`." in boatyard("list").output
    assert "No CIs" not in boatyard("list", "-o", "json").output


def test_what_is_refused_leaves_no_secret_behind(boatyard: Callable[..., Any], tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    wrong = boatyard("create", "Web", *GIT, "--scm-token-file", str(token))
    assert wrong.exit_code == 1 and "metadata.name" in wrong.output and wrong.secrets == []


def test_a_server_that_does_not_come_up_is_told_as_a_failure(boatyard: Callable[..., Any]) -> None:
    late = boatyard("create", "web", *GIT)
    assert late.exit_code == 1 and "the CI server doesn't answer" in late.output and "`boatyard ci show web`" in late.output
    again = boatyard("create", "web", *GIT)
    assert again.exit_code == 1 and "web exists in namespace default" in again.output


def test_a_path_is_said_to_be_out_of_pods_sight(boatyard: Callable[..., Any]) -> None:
    assert "Pods don't see the files" in boatyard("create", "web", "--git", "/srv/web.git", "--dry-run").output
    assert "Pods don't see the files" not in boatyard("create", "web", *GIT, "--dry-run").output
