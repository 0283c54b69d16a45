"""``boatyard up``: the parent of the control plane and the node agent. Starts them, starts them again, ends them; pods live on."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from boatyard.app import processes
from boatyard.app.layout import DataDirectory
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World

READY_SECONDS = 180.0
"""How long a child may take to be ready: a busy machine is no fault, and one that ends is seen at once."""
STOP_SECONDS = 20.0
CALM_SECONDS = 60.0
"""A child that ran this long starts again at once; one that ends sooner waits, longer each time."""


class AlreadyRunning(Exception):
    """Another ``boatyard up`` uses this data directory."""


class ChildFailed(Exception):
    """A child ended before it was ready; the message has the end of its log."""


@dataclass(frozen=True)
class Child:
    """One program that the parent keeps running."""

    name: str
    arguments: Sequence[str]


class Parent:
    """Runs children, each until it is told to stop. What they print goes to ``run/<name>.log``."""

    def __init__(self, data: DataDirectory, world: World, say: Callable[[str], None]) -> None:
        self._data, self._world, self._out = data, world, say
        self._lock: IO[str] | None = None
        self._begins: dict[str, int] = {}
        """Where in a child's log its latest life begins."""

    def _say(self, text: str) -> None:
        with suppress(OSError):  # a full disk, or a terminal that is gone: the children matter more
            self._out(text)

    def lock(self) -> None:
        """Take the data directory for this process. Raises AlreadyRunning."""
        self._lock = hold(self._data)
        processes.write(self._data.run / "up.pid", os.getpid())

    async def run(self, children: Sequence[Child], ready: Callable[[], None]) -> None:
        """Start the children in order, each when the one before is ready; then keep them running until SIGTERM or SIGINT.

        Raises ChildFailed when one can't be started the first time.
        """
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, stop.set)
        async with TaskGroup() as group:
            for child in children:
                started = loop.create_future()
                group.start(self._keep(child, stop, started), child.name)
                stopping = loop.create_task(stop.wait())
                await asyncio.wait((started, stopping), return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                if stop.is_set():
                    return
                started.result()
            ready()

    async def _keep(self, child: Child, stop: asyncio.Event, started: asyncio.Future[None]) -> None:
        failures = 0
        while not stop.is_set():
            begun = self._world.monotonic()
            process, ready = await self._start(child)
            ended = asyncio.ensure_future(process.wait())
            stopping = asyncio.ensure_future(stop.wait())
            try:
                if not started.done() and not await self._is_ready(child, process, ended, stopping, ready, started):
                    return
            finally:
                os.close(ready)
            await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                await self._end(child, process, ended)
            stopping.cancel()
            if stop.is_set():
                return
            failures = 0 if self._world.monotonic() - begun > CALM_SECONDS else failures + 1
            pause = min(30.0, 0.1 * 2**failures) if failures > 1 else 0.0
            self._say(
                f"{child.name} ended ({_how(process.returncode)}); starting it again in {pause:.1f} s, see {self._log(child)}"
            )
            try:
                await asyncio.wait_for(stop.wait(), pause + 0.001)
            except TimeoutError:
                continue

    async def _start(self, child: Child) -> tuple[asyncio.subprocess.Process, int]:
        reading, writing = os.pipe()
        with open(self._log(child), "ab") as log:
            self._begins[child.name] = log.tell()
            process = await asyncio.create_subprocess_exec(
                sys.executable, *child.arguments, "--ready-fd", str(writing), stdin=asyncio.subprocess.DEVNULL,
                stdout=log, stderr=log, pass_fds=(writing,), start_new_session=True,
            )  # fmt: skip
        os.close(writing)
        try:
            processes.write(self._data.run / f"{child.name}.pid", process.pid)
        except OSError as error:
            # A full disk: the old record names a process that is gone, which is no harm; ending us ends the child.
            self._say(f"{child.name} runs, but its process can't be recorded: {error}")
        return process, reading

    async def _is_ready(
        self, child: Child, process: asyncio.subprocess.Process, ended: asyncio.Future[int], stopping: asyncio.Future[Any],
        ready: int, started: asyncio.Future[None],
    ) -> bool:  # fmt: skip
        """Wait for what the child writes when it is ready. False when it ended before, or when all is to stop."""
        loop = asyncio.get_running_loop()
        said: asyncio.Future[bytes] = loop.create_future()
        loop.add_reader(ready, lambda: said.done() or said.set_result(os.read(ready, 16)))
        try:
            await asyncio.wait((said, ended, stopping), timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_reader(ready)
        if said.done() and said.result():
            started.set_result(None)
            return True
        if not ended.done():
            await asyncio.wait((ended,), timeout=2.0)
        late = not ended.done()
        if late:
            await self._end(child, process, ended)
        if not stopping.done():
            stopping.cancel()
            why = f"it was not ready within {READY_SECONDS:g} s" if late else _how(process.returncode)
            told = self._tail(child) or f"  it said nothing, see {self._log(child)}"
            started.set_exception(ChildFailed(f"{child.name} did not start ({why}):\n{told}"))
        return False

    async def _end(self, child: Child, process: asyncio.subprocess.Process, ended: asyncio.Future[int]) -> None:
        process.terminate()
        await asyncio.wait((ended,), timeout=STOP_SECONDS)
        if not ended.done():
            self._say(f"{child.name} did not end within {STOP_SECONDS:.0f} s; killed")
            process.kill()
            await ended

    def _log(self, child: Child) -> Path:
        return self._data.run / f"{child.name}.log"

    def _tail(self, child: Child) -> str:
        """What it said last in its latest life: its own word for what is wrong, where it has one."""
        told = self._log(child).read_bytes()[self._begins[child.name] :][-4000:].decode(errors="replace")
        lines = [line for line in told.splitlines() if line.startswith("Error: ")] or told.splitlines()
        return "\n".join(f"  {line}" for line in lines[-12:])


def hold(data: DataDirectory) -> IO[str]:
    """Keep others from using the data directory as long as the file is open. Raises AlreadyRunning."""
    lock = open(data.run / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunning(f"another `boatyard up` uses {data.root}") from None
    return lock


def _how(code: int | None) -> str:
    if code is None:
        return "still running"
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
