"""Logs as HTTP answers: server-sent events for a browser, plain bytes for everything else.

An event of a single log has the id ``attempt:offset`` of the byte after it; one of several logs at once lists
``container=attempt:offset`` for all of them. So a browser that lost its connection goes on exactly where it was.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from aiohttp import web

from boatyard.ciserver.livelog import Chunk
from boatyard.ciserver.server import CiServer
from boatyard.machinery.runtime.tasks import TaskGroup

HEARTBEAT_SECONDS = 20.0
TAIL_BYTES = 512 * 1024
"""How much of a long archived log a page begins with."""
_MAX_EVENT_BYTES = 64 * 1024
_UNSEEN = re.compile(r"(?:([a-z0-9-]{1,63})=)?(\d{1,4}):(\d{1,15})")


class Sender:
    """One stream of server-sent events; several tasks may send."""

    def __init__(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        self.request, self.response = request, response
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, request: web.BaseRequest) -> Sender:
        """Answer with a stream whose headers are out at once."""
        response = web.StreamResponse(headers={
            "Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
            "X-Accel-Buffering": "no",
        })  # fmt: skip
        await response.prepare(request)
        await response.write(b": open\n\n")
        return cls(request, response)

    async def send(self, event: str, document: object, id: str = "") -> None:
        """One event; ``event`` empty for the default kind."""
        head = (f"id: {id}\n" if id else "") + (f"event: {event}\n" if event else "")
        async with self._turn:
            await self.response.write(f"{head}data: {json.dumps(document)}\n\n".encode())

    async def wait(self, news: asyncio.Future[None]) -> None:
        """Wait for news, showing a sign of life from time to time."""
        while not news.done():
            await asyncio.wait((news,), timeout=HEARTBEAT_SECONDS)
            if not news.done():
                async with self._turn:
                    await self.response.write(b": still here\n\n")

    def seen(self) -> dict[str, tuple[int, int]]:
        """Attempt and offset by container (empty name: the only one) that the browser says it has."""
        said = self.request.headers.get("Last-Event-ID", "")
        return {match[1] or "": (int(match[2]), int(match[3])) for match in _UNSEEN.finditer(said)}


class _Text:
    """Bytes of a log as text in events, cut where characters end."""

    def __init__(self) -> None:
        self._decoder, self._attempt = codecs.getincrementaldecoder("utf-8")("replace"), 0

    def of(self, chunk: Chunk) -> list[tuple[str, int]]:
        """(text, offset after it) pieces."""
        if chunk.attempt != self._attempt:
            self._decoder.reset()
            self._attempt = chunk.attempt
        pieces = []
        for begin in range(0, len(chunk.data), _MAX_EVENT_BYTES):
            data = chunk.data[begin : begin + _MAX_EVENT_BYTES]
            text = self._decoder.decode(data)
            pieces.append((text, chunk.offset + begin + len(data) - len(self._decoder.getstate()[0])))
        return pieces


async def log_response(request: web.BaseRequest, server: CiServer, number: int, container: str) -> web.StreamResponse:
    """``GET …/log/CONTAINER?follow=1&attempt=K&offset=BYTES&tail=BYTES``; without ``attempt`` the last one and those after it."""
    query = request.query
    attempt, start, tail = (_digits(query.get(key)) for key in ("attempt", "offset", "tail"))
    if server.living(number) is None and not server.expects(number) and await server.archive.build(number) is None:
        return web.Response(status=404, text=f"There is no build {number}.\n")
    current = attempt or await server.last_attempt(number)
    if tail:
        start = max(0, await server.archive.log_bytes(number, current, container) - tail)
    follow = query.get("follow") in ("1", "true")
    if "text/event-stream" in request.headers.get("Accept", ""):
        sender = await Sender.open(request)
        current, start = sender.seen().get("", (current, start))
        text = _Text()
        logs = server.logs.stream(number, container, attempt=current, start=start, follow=follow, onward=not attempt)
        async with aclosing(logs) as chunks:
            beat = asyncio.ensure_future(sender.wait(asyncio.get_running_loop().create_future()))
            try:
                async for chunk in chunks:
                    for told, end in text.of(chunk):
                        await sender.send("", {"attempt": chunk.attempt, "text": told}, f"{chunk.attempt}:{end}")
            finally:
                beat.cancel()
        await sender.send("end", {})
        response = sender.response
    else:
        response = web.StreamResponse(headers={
            "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        })  # fmt: skip
        await response.prepare(request)
        logs = server.logs.stream(number, container, attempt=current, start=start, follow=follow, onward=not attempt)
        async with aclosing(logs) as chunks:
            async for chunk in chunks:
                await response.write(chunk.data)
    await response.write_eof()
    return response


async def stream_logs(sender: Sender, server: CiServer, number: int, containers: Callable[[int], Awaitable[list[str]]]) -> None:
    """All logs of a build in one stream, until it is over: browsers open few connections to one host."""
    seen = sender.seen()
    positions = dict(seen)

    async def one(container: str) -> None:
        attempt = await server.last_attempt(number)
        start = max(0, await server.archive.log_bytes(number, attempt, container) - TAIL_BYTES)
        attempt, start = seen.get(container, (attempt, start))
        text = _Text()
        logs: AsyncGenerator[Chunk] = server.logs.stream(number, container, attempt=attempt, start=start)
        async with aclosing(logs) as chunks:
            async for chunk in chunks:
                for told, end in text.of(chunk):
                    positions[container] = (chunk.attempt, end)
                    id = ",".join(f"{name}={at[0]}:{at[1]}" for name, at in sorted(positions.items()) if name)
                    await sender.send("log", {"container": container, "attempt": chunk.attempt, "text": told}, id)

    while server.living(number) is None and server.expects(number):
        news = server.bell.waiter(number)
        if server.living(number) is None and server.expects(number):
            await news
    async with TaskGroup() as group:
        for container in await containers(number):
            group.start(one(container), f"log-{container}")


def _digits(value: str | None) -> int:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 16 else 0
