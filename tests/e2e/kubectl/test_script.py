"""kubectl as a user types it: every command of ``script/``, to our server and to a real kube-apiserver, says the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .programs import OTHERS, USUAL
from .servers import both
from .session import STORIES, differences

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
    async with both(tmp_path, version) as (ours, judge, namespace):
        told = await differences(name, int(version.split(".")[1]), ours, judge, namespace)
    assert not told, "\n\n".join(told)
