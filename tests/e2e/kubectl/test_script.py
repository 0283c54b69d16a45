"""kubectl as a user types it: every command of ``script/``, to our server and to a real kube-apiserver, says the same."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .programs import OTHERS, USUAL
from .servers import both
from .session import STORIES, story

LONG = ("every-kind",)
"""Stories for the long tier: nineteen times what ``explaining`` asks of pods costs more than it finds."""


def tellings() -> Iterator[Any]:
    """Every story by every version; by the usual one in the ordinary tier."""
    for name in sorted(path.stem for path in STORIES.glob("*.sh")):
        for version in (USUAL, *OTHERS):
            long = version != USUAL or name in LONG
            yield pytest.param(name, version, marks=[pytest.mark.real, *([pytest.mark.long] if long else [])])


@pytest.mark.timeout(600)  # each command has its own time
@pytest.mark.parametrize(("name", "version"), list(tellings()))
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
