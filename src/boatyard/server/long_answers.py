"""Answers too long to be kept whole while a client takes them: made and sent piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from aiohttp import web

LARGE_BYTES = 256 * 1024
"""Answers longer than this are sent while the request still has its turn: else those who ask much and take nothing would fill the
memory. Others have their turn of the event loop after so much."""


class LongAnswer:
    """What is to be sent. ``length`` in bytes, where it is known."""

    def __init__(self, pieces: Iterable[bytes | memoryview], headers: Mapping[str, str], *, length: int | None = None) -> None:
        self._pieces, self._headers, self._length = pieces, headers, length
        self.status = 200

    @classmethod
    def of(cls, response: web.Response, content: bytes) -> LongAnswer:
        """A response that is there already."""
        answer = cls(_slices(content), response.headers, length=len(content))
        answer.status = response.status
        return answer

    async def send(self, request: web.Request, seconds: float) -> web.StreamResponse:
        """Send it as the client takes it. Raises ConnectionResetError when that takes nothing for so many ``seconds``; whatever the
        pieces raise, after which the client can't be told any more."""
        stream = web.StreamResponse(status=self.status, headers=self._headers)
        if self._length is not None:
            stream.content_length = self._length
        await stream.prepare(request)
        sent = 0
        for piece in self._pieces if request.method != "HEAD" else ():
            try:
                async with asyncio.timeout(seconds):
                    await stream.write(piece)
            except TimeoutError:
                if request.transport is not None:
                    request.transport.abort()
                raise ConnectionResetError("the client doesn't take its answer") from None
            sent += len(piece)
            if sent >= LARGE_BYTES:
                sent = 0
                await asyncio.sleep(0)
        await stream.write_eof()
        return stream


def _slices(content: bytes) -> Iterator[memoryview]:
    left = memoryview(content)
    while left:
        yield left[:LARGE_BYTES]
        left = left[LARGE_BYTES:]
