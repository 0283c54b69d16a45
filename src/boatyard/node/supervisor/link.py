"""The agent's end of a supervisor's control socket (asyncio; the supervisor itself never imports this)."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections import deque
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from boatyard.node.runtime import MachineError
from boatyard.node.supervisor import frames

CHUNK = 65536
WINDOW = 1024 * 1024
"""Bytes of a command's stdin on their way."""


async def connect(directory: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the supervisor of that machine directory. Raises OSError when none listens."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # A connection over a Unix socket is made at once or not at all.
            connection.connect(f"/proc/self/fd/{fd}/control")
        except BaseException:
            connection.close()
            raise
    finally:
        os.close(fd)
    connection.setblocking(False)
    return await asyncio.open_unix_connection(sock=connection, limit=2**20)


async def receive(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next frame. Raises ConnectionError at the end."""
    try:
        kind, length = frames.HEADER.unpack(await reader.readexactly(frames.HEADER.size))
        return kind, await reader.readexactly(length) if length else b""
    except asyncio.IncompleteReadError as end:
        raise ConnectionResetError("the supervisor closed the connection") from end


class Link:
    """Requests and changes of one supervisor. :meth:`run` must run for requests to be answered; it ends with the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, changed: Callable[[], None]) -> None:
        self._reader, self._writer, self._changed = reader, writer, changed
        self._waiting: deque[asyncio.Future[dict[str, Any]]] = deque()
        self.containers: list[dict[str, Any]] | None = None
        """As last told by the supervisor; None before the first word."""
        self.ended = False

    async def run(self) -> None:
        try:
            while True:
                _, payload = await receive(self._reader)
                said = json.loads(payload)
                if "containers" in said:
                    self.containers = said["containers"]
                    self._changed()
                elif self._waiting and not (answer := self._waiting.popleft()).done():
                    answer.set_result(said)
        except OSError:
            pass
        finally:
            self.ended = True
            self._writer.close()
            while self._waiting:
                if not (answer := self._waiting.popleft()).done():
                    answer.set_exception(MachineError("the pod's supervisor ended"))

    async def ask(self, request: dict[str, Any]) -> None:
        """Returns when it is done. Raises :class:`MachineError` with the supervisor's words."""
        if self.ended:
            raise MachineError("the pod's supervisor ended")
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._writer.write(frames.message(request))
        said = await answer
        if "error" in said:
            raise MachineError(said["error"])

    def close(self) -> None:
        self._writer.close()


class Command:
    """A command in a container; see ``runtime.ExecStream``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._code: int | None = None
        self._in_flight = 0
        self._room = asyncio.Event()
        self._room.set()
        self._lock = asyncio.Lock()

    @classmethod
    async def start(cls, directory: Path, request: dict[str, Any]) -> Command:
        """Raises :class:`MachineError`."""
        try:
            reader, writer = await connect(directory)
        except OSError as error:
            raise MachineError(f"the pod's supervisor can't be reached: {error.strerror}") from error
        try:
            writer.write(frames.message({"op": "exec", **request}))
            _, payload = await receive(reader)
        except OSError as error:
            writer.close()
            raise MachineError("the pod's supervisor ended") from error
        said = json.loads(payload)
        if "error" in said:
            writer.close()
            raise MachineError(said["error"])
        return cls(reader, writer)

    async def output(self) -> AsyncGenerator[tuple[int, bytes]]:
        while (frame := await self._next()) is not None:
            yield frame

    async def wait(self) -> int:
        while await self._next() is not None:
            pass
        return self._code if self._code is not None else 137

    async def write(self, data: bytes) -> None:
        """Needs somebody who reads :meth:`output` or waits: that is how room is made known."""
        for at in range(0, len(data), CHUNK):
            piece = data[at : at + CHUNK]
            await self._room.wait()
            self._in_flight += len(piece)
            if self._in_flight >= WINDOW:
                self._room.clear()
            self._writer.write(frames.frame(frames.STDIN, piece))

    async def close_stdin(self) -> None:
        self._writer.write(frames.frame(frames.STDIN, b""))

    async def resize(self, columns: int, rows: int) -> None:
        self._writer.write(frames.message({"op": "resize", "columns": columns, "rows": rows}))

    async def kill(self) -> None:
        self._writer.write(frames.message({"op": "kill"}))

    async def _next(self) -> tuple[int, bytes] | None:
        """The next piece of output, None at the end."""
        async with self._lock:
            while self._code is None:
                try:
                    kind, payload = await receive(self._reader)
                except OSError:
                    kind, payload = frames.MESSAGE, b'{"exit_code": 137}'
                if kind != frames.MESSAGE:
                    return kind, payload
                said = json.loads(payload)
                if "consumed" in said:
                    self._in_flight -= said["consumed"]
                    if self._in_flight < WINDOW:
                        self._room.set()
                else:
                    self._code = said["exit_code"]
                    self._room.set()
                    self._writer.close()
            return None
