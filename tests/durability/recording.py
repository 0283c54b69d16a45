"""A program run while everything that it asks of the disk is recorded, and what power cuts would have left of it."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from durability import powercut


class Recording(NamedTuple):
    """What a run asked of the disk, and what was there before."""

    directory: Path
    before: Path
    entries: list[powercut.Entry]

    def noted(self, moment: int, what: str) -> int | None:
        """The first call up to ``moment`` that is a note with this in it."""
        return next((at for at, note in notes(self.entries[:moment]) if what in note), None)


def notes(entries: Sequence[powercut.Entry]) -> Iterator[tuple[int, dict[str, Any]]]:
    """What the program noted, in order, each with the number of its call."""
    for at, entry in enumerate(entries):
        if entry.kind == powercut.NOTE:
            yield at, json.loads(entry.data)


def record(shim: Path, place: Path, program: str, *arguments: str | Path) -> Recording:
    """Run a program of this directory on ``place/store``, which may exist already; all that is there counts as durable."""
    directory, before, log = place / "store", place / "before", place / "record"
    directory.mkdir(exist_ok=True)
    shutil.copytree(directory, before)
    environment = {**os.environ, "LD_PRELOAD": str(shim), "POWERCUT_DIRECTORY": str(directory), "POWERCUT_RECORD": str(log)}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    command = [sys.executable, Path(__file__).with_name(program), *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert ended.returncode == 0, ended.stderr
    return Recording(directory, before, powercut.read(log))


def outcomes(recording: Recording, rng: random.Random, place: Path, moments: Sequence[int]) -> Iterator[tuple[Path, int]]:
    """The disk as cuts at these moments leave it, with how many calls had been made. A failure tells where to look."""
    disk = powercut.Disk(recording.directory, recording.before)
    for number, moment in enumerate(powercut.cuts(recording.entries, disk, sorted(moments))):
        image = place / f"cut-{number}"
        disk.cut(rng, image)
        print(f"cut after {moment} of {len(recording.entries)} calls; the disk as it was left: {image}")
        yield image, moment
        shutil.rmtree(image)


def moments(recording: Recording, rng: random.Random, count: int) -> list[int]:
    """Any."""
    return [rng.randrange(len(recording.entries) + 1) for _ in range(count)]
