"""Logs and commands."""

from __future__ import annotations

import asyncio

import pytest

from .conftest import Kubectl, Yard, line
from .documents import POD


@pytest.fixture(autouse=True)
async def pod(kubectl: Kubectl) -> None:
    await kubectl("create", "-f", "-", stdin=POD)


async def test_logs_are_shown_and_followed(kubectl: Kubectl, yard: Yard) -> None:
    assert (await kubectl("logs", "p")).out == "one\n"
    assert (await kubectl("logs", "p", "-c", "main", "--tail=5", "--since=1h", "--timestamps")).out == "one\n"
    assert "sinceSeconds=3600" in yard.kubelet.calls[-1]
    assert "container none is not valid for pod p" in (await kubectl("logs", "p", "-c", "none", fails=True)).err
    assert "previous terminated container" in (await kubectl("logs", "p", "-p", fails=True)).err
    async with kubectl.started("logs", "-f", "p") as following:
        assert await line(following) == "one"
        yard.kubelet.more.set()
        assert await line(following) == "two"
        assert await asyncio.wait_for(following.wait(), 30) == 0


async def test_commands_run_in_containers(kubectl: Kubectl) -> None:
    if kubectl.minor < 30:
        refused = await kubectl("exec", "p", "--", "echo", "hi", fails=True)
        assert "use kubectl 1.30 or newer" in refused.err
        return
    assert (await kubectl("exec", "p", "--", "echo", "hi there")).out == "echo hi there"
    typed = await kubectl("exec", "-i", "p", "-c", "main", "--", "cat", stdin="x" * 100_000)
    assert typed.err == "x" * 100_000
    ended = await kubectl("exec", "p", "--", "exit", "7", fails=True)
    assert ended.code == 7
    assert "container not found" in (await kubectl("exec", "p", "--", "missing", fails=True)).err
