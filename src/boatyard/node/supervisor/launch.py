"""Start supervisor processes, or the program that tries the sandboxes; used by the agent."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from boatyard.node.runtime import MachineError

SECONDS = 30.0
_MAIN = Path(__file__).parent / "__main__.py"
_PYTHON = getattr(sys, "_base_executable", "") or sys.executable
"""The interpreter itself: a virtual environment's would look for its configuration first."""

_ROOM = "(waits for pods)".ljust(250)
"""The argument in whose place a supervisor shows its directory to `ps`."""


class Launcher:
    """Has supervisors forked by a process that is ready for it: 3 ms instead of 40 for an interpreter and its imports.

    A supervisor leaves this process's session and isn't our child: neither Ctrl-C nor our end reaches it. The process that forks
    them, though, ends with us: its channel closes.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def start(self) -> None:
        """Begin to get ready, in the place of one that has died."""
        self.close()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(
                [_PYTHON, "-I", "-S", str(_MAIN), _ROOM],
                stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, cwd="/", start_new_session=True,
            )  # fmt: skip

    async def launch(self, directory: Path) -> None:
        """Returns when a supervisor of this machine directory listens. Raises :class:`MachineError` when it could not start."""
        line = await self._ask(directory)
        if not line:
            self.start()
            line = await self._ask(directory)
        if line != "ready":
            raise MachineError(f"the pod's supervisor could not start: {line.removeprefix('error ') or 'it ended at once'}")

    def close(self) -> None:
        if self._channel is not None and self._process is not None:
            self._channel.close()
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._channel, self._process = None, None

    async def _ask(self, directory: Path) -> str:
        """What the supervisor says; empty when there is none."""
        if self._channel is None:
            return ""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            try:
                socket.send_fds(self._channel, [bytes(directory)], [theirs.fileno()])
            except OSError:
                ours.close()
                return ""
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        try:
            async with asyncio.timeout(SECONDS):
                return (await reader.readline()).decode(errors="replace").strip()
        except TimeoutError:
            return f"error it said nothing for {SECONDS:.0f} s"
        except OSError:
            return ""
        finally:
            writer.close()


@cache
def survey() -> dict[str, Any]:
    """What ``probe.py`` finds. Takes some 100 ms, once for this process: what the kernel allows stays so."""
    words = [_PYTHON, "-I", "-S", str(_MAIN.with_name("probe.py"))]
    result = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
    if result.returncode != 0:
        raise MachineError(f"the sandboxes could not be tried: {result.stderr.decode(errors='replace').strip()[-500:]}")
    return json.loads(result.stdout)
