"""A restore while builds run: pods are taken over, each build ends once, and what came after the backup is gone."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import NotFound
from e2e.generic_team import generic_team
from e2e.installation import boatyard, installation
from e2e.test_kills import check, commits, reported
from parts import program, root

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.long]


@pytest.mark.timeout(400)
async def test_builds_that_run_over_a_restore_end_once(tmp_path: Path):
    root()
    program("bwrap", "bubblewrap")
    tmp_path.chmod(0o711)
    place = tmp_path / "boatyard"
    place.mkdir()
    async with installation(place) as running, generic_team(running, tmp_path, concurrency=4) as team:
        data, backup = running.data.root, str(tmp_path / "backup.db")
        pushes = commits(team, random.Random(5), 3, quarters=(100, 120))
        numbers = dict(zip(await asyncio.gather(*(team.push(push.sha) for push in pushes)), pushes, strict=True))
        for number in numbers:
            await team.running(number)
        for done in (boatyard(data, "store check"), boatyard(data, "store backup", backup)):
            assert done.returncode == 0, done.stderr
        await running.client.create(CONFIG_MAPS, {"metadata": {"name": "later"}}, "default")
        refused = boatyard(data, "store restore", backup)
        assert refused.returncode == 1 and "another `boatyard up` uses" in refused.stderr
        assert boatyard(data, "down").returncode == 0
        restored = boatyard(data, "store restore", backup)
        assert restored.returncode == 0, restored.stderr
        again = boatyard(data, "up", "--detach")
        assert again.returncode == 0, again.stderr
        for number, push in numbers.items():
            build = await check(team, push, number)
            assert len(build["status"]["attempts"]) == 1
        await reported(team, numbers)
        with pytest.raises(NotFound):
            await running.client.get(CONFIG_MAPS, "later", "default")
        assert boatyard(data, "store check").returncode == 0
