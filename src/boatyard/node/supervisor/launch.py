"""Start supervisor processes, or the program that tries the sandboxes; used by the agent."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.node.runtime import MachineError

SECONDS = 30.0
_MAIN = Path(__file__).parent / "__main__.py"
_PYTHON = getattr(sys, "_base_executable", "") or sys.executable
"""The interpreter itself: a virtual environment's would look for its configuration first."""

_ROOM = "(in reserve)".ljust(250)
"""The argument in whose place a supervisor shows its directory to `ps`."""


class Launcher:
    """Keeps one supervisor in reserve that has started but has no pod yet: that halves the time to a pod's start.

    A supervisor leaves this process's session and isn't our child any more: neither Ctrl-C nor our end reaches it. The reserve,
    though, ends with us: its input ends.
    """

    def __init__(self, tasks: TaskGroup | None = None) -> None:
        """Without ``tasks`` there is no reserve."""
        self._tasks = tasks
        self._reserve: _Beginner | None = None

    async def keep_reserve(self) -> None:
        """See to it that there is one."""
        if self._reserve is None:
            self._reserve = await _Beginner.begin()

    async def launch(self, directory: Path) -> None:
        """Returns when a supervisor of this machine directory listens. Raises :class:`MachineError` when it could not start."""
        beginner, self._reserve = self._reserve or await _Beginner.begin(), None
        try:
            line = await beginner.assign(directory)
            if not line:
                # The reserve was killed meanwhile.
                line = await (await _Beginner.begin()).assign(directory)
            if line != "ready":
                raise MachineError(f"the pod's supervisor could not start: {line.removeprefix('error ') or 'it ended at once'}")
        finally:
            if self._tasks is not None:
                self._tasks.start(self.keep_reserve(), "a supervisor in reserve")

    def close(self) -> None:
        if self._reserve is not None:
            self._reserve.close()
            self._reserve = None


class _Beginner:
    """A supervisor that waits for its pod."""

    def __init__(self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process, self._reader, self._writer = process, reader, writer

    @classmethod
    async def begin(cls) -> _Beginner:
        ours, theirs = socket.socketpair()
        with theirs:
            # Starts in a few milliseconds whatever our size; the process forks at once and ends.
            process = subprocess.Popen(  # noqa: ASYNC220
                [_PYTHON, "-I", "-S", str(_MAIN), _ROOM], stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=theirs.fileno(),
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, cwd="/", start_new_session=True,
            )  # fmt: skip
        ours.setblocking(False)
        return cls(process, *await asyncio.open_unix_connection(sock=ours))

    async def assign(self, directory: Path) -> str:
        """What it says to that; empty when it has died."""
        try:
            self._writer.write(bytes(directory) + b"\n")
            async with asyncio.timeout(SECONDS):
                return (await self._reader.readline()).decode(errors="replace").strip()
        except TimeoutError:
            return f"error it said nothing for {SECONDS:.0f} s"
        except OSError:
            return ""
        finally:
            self.close()

    def close(self) -> None:
        self._writer.close()
        self._process.poll()


def survey() -> dict[str, Any]:
    """What ``probe.py`` finds. Takes some 100 ms."""
    words = [_PYTHON, "-I", "-S", str(_MAIN.with_name("probe.py"))]
    result = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
    if result.returncode != 0:
        raise MachineError(f"the sandboxes could not be tried: {result.stderr.decode(errors='replace').strip()[-500:]}")
    return json.loads(result.stdout)
