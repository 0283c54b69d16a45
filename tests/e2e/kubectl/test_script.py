"""kubectl as a user types it: every command of ``script/``, to our server and to a real kube-apiserver, says the same."""

from __future__ import annotations

import asyncio
import difflib
from pathlib import Path

import pytest

from .programs import OTHERS, USUAL
from .servers import both
from .session import STORIES, story

VERSIONS = [
    pytest.param(USUAL, marks=pytest.mark.real),
    *(pytest.param(version, marks=[pytest.mark.real, pytest.mark.long]) for version in OTHERS),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", sorted(path.stem for path in STORIES.glob("*.sh")))
async def test_both_servers_say_the_same(tmp_path: Path, name: str, version: str) -> None:
    """What is marked ``differs`` must differ still: a list of differences that nobody checks grows stale."""
    minor = int(version.split(".")[1])
    told: list[str] = []
    async with both(tmp_path, version) as (ours, judge, namespace):
        for command in story(name):
            if not command.typed(minor):
                continue
            said, expected = await asyncio.gather(ours.run(command, namespace), judge.run(command, namespace))
            if command.may_differ(minor):
                if said == expected:
                    told.append(f"{name}.sh:{command.line}: differs no longer\n$ {command.text}")
            elif said != expected:
                difference = difflib.unified_diff(expected.split("\n"), said.split("\n"), "kube-apiserver", "ours", lineterm="")
                told.append("\n".join((f"{name}.sh:{command.line}:\n$ {command.text}", *difference)))
    assert not told, "\n\n".join(told)
