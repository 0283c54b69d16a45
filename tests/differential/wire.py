"""The lightest HTTP/1.1 client there is: one connection kept open, bytes in, bytes out, nothing interpreted."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

ANSWER_SECONDS = 20.0
SILENT = -1
"""The status of a call that got no answer in time."""
HUNG_UP = 0
"""The status of a call that the server ended without an answer."""


class Reply(NamedTuple):
    """What came back. Header names are lower case; those sent several times are kept all."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


class Wire:
    """A way to one server."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext, headers: dict[str, str]) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": f"{host}:{port}", **headers}.items())
        self._kept: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        """One call on the connection that is kept; a connection that the server closed meanwhile is opened anew, once."""
        for left in (1, 0):
            connection = self._kept or await self._connect()
            self._kept = None
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._send(connection[1], method, target, headers, body)
                    reply = await _reply(connection[0], method)
            except TimeoutError:
                connection[1].close()
                return Reply(SILENT, [], b"")
            except (ConnectionError, asyncio.IncompleteReadError):
                connection[1].close()
                if left:
                    continue
                return Reply(HUNG_UP, [], b"")
            if reply.header("connection") == "close":
                connection[1].close()
            else:
                self._kept = connection
            return reply
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def lines(self, target: str) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """A call of its own connection whose answer is read line by line: the status and the lines."""
        reader, writer = await self._connect()
        try:
            await self._send(writer, "GET", target, {}, b"")
            status, headers = await _head(reader)
            chunked = dict(headers).get("transfer-encoding") == "chunked"
            yield status, _lines(reader, headers) if not chunked else _chunked_lines(reader)
        finally:
            writer.close()

    async def close(self) -> None:
        if self._kept:
            self._kept[1].close()
            self._kept = None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._host, self._port, ssl=self._tls, limit=16 * 1024 * 1024)

    async def _send(self, writer: asyncio.StreamWriter, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        own = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        length = f"Content-Length: {len(body)}\r\n" if body or method in ("POST", "PUT", "PATCH") else ""
        writer.write(f"{method} {target} HTTP/1.1\r\n{self._head}{own}{length}\r\n".encode() + body)
        await writer.drain()


async def _head(reader: asyncio.StreamReader) -> tuple[int, list[tuple[str, str]]]:
    first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    pairs = (line.partition(":") for line in rest)
    return int(first.split(" ")[1]), [(name.lower(), value.strip()) for name, _, value in pairs]


async def _reply(reader: asyncio.StreamReader, method: str) -> Reply:
    status, headers = await _head(reader)
    known = dict(headers)
    body = b""
    if method != "HEAD" and status not in (204, 304):
        if known.get("transfer-encoding") == "chunked":
            body = b"".join([chunk async for chunk in _chunks(reader)])
        else:
            body = await reader.readexactly(int(known.get("content-length", 0)))
    return Reply(status, headers, body)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")


async def _chunked_lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in _chunks(reader):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
    if rest:
        yield rest


async def _lines(reader: asyncio.StreamReader, headers: list[tuple[str, str]]) -> AsyncIterator[bytes]:
    for line in (await reader.readexactly(int(dict(headers).get("content-length", 0)))).split(b"\n"):
        if line:
            yield line
