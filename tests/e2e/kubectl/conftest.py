"""A scripted kubectl session: the real program, against a server of the test's own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.installation import Installation, installation
from e2e.yard import Yard, yard_in
from parts import need

from .programs import OTHERS, THRIFTY, USUAL, program


@dataclass
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Kubectl:
    """One version of the program with a configuration of its own."""

    version: str
    path: str
    home: Path

    @property
    def minor(self) -> int:
        return int(self.version.split(".")[1])

    async def __call__(
        self, *arguments: str, stdin: str | None = None, fails: bool = False, env: dict[str, str] | None = None
    ) -> Said:
        """Run to the end. A failure that wasn't expected fails the test with what kubectl said."""
        async with self.started(*arguments, env=env) as process:
            out, err = await asyncio.wait_for(process.communicate(stdin.encode() if stdin is not None else None), 60)
        said = Said(process.returncode or 0, out.decode(), err.decode())
        assert bool(said.code) == fails, f"kubectl {' '.join(arguments)}: {said.code}\n{said.out}\n{said.err}"
        return said

    @asynccontextmanager
    async def started(self, *arguments: str, env: dict[str, str] | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
        """A running command, killed at the end if it still runs."""
        process = await asyncio.create_subprocess_exec(
            self.path, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"], "HOME": str(self.home), "KUBECONFIG": str(self.home / "config"), **THRIFTY,
                **(env or {}),
            },
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def line(process: asyncio.subprocess.Process) -> str:
    """The next line that a running command prints."""
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 60)).decode().rstrip("\n")


async def watches(process: asyncio.subprocess.Process) -> None:
    """Returns when a running command that says what it does (``-v=6``) has begun to watch."""
    assert process.stderr is not None
    while b"watch=true" not in (said := await asyncio.wait_for(process.stderr.readline(), 60)):
        assert said, "it has ended"


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    async with yard_in(tmp_path) as made:
        yield made


@pytest.fixture(
    params=[
        pytest.param(USUAL, marks=pytest.mark.real),
        *(pytest.param(version, marks=[pytest.mark.real, pytest.mark.long]) for version in OTHERS),
    ]
)
def kubectl(request: pytest.FixtureRequest, yard: Yard, tmp_path: Path) -> Kubectl:
    path = program(request.param)
    variable = f"BOATYARD_KUBECTL_{request.param.replace('.', '_')}"
    need(path is not None, f"kubectl {request.param} isn't here: put kubectl.{request.param} on the PATH, or name it in {variable}")
    assert path is not None
    return Kubectl(request.param, path, tmp_path / "home")


@pytest.fixture
async def running() -> AsyncIterator[Installation]:
    """A whole ``boatyard up``, whose pods really run."""
    # Not below pytest's own directory, which other users can't enter.
    place = Path(tempfile.mkdtemp(prefix="boatyard-kubectl-"))
    try:
        async with installation(place) as started:
            yield started
    finally:
        shutil.rmtree(place, ignore_errors=True)
