"""Bodies of strangers, in bounded memory: nobody's signature can be checked before the whole body is here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Protocol

AT_ONCE = 1024
"""Requests whose bodies are being read or judged: a burst of pushes to many repositories fits, since not every SCM delivers again
what is refused. Their bytes are bounded by themselves."""
HELD_BYTES = 32 << 20
"""Of all bodies together; one more may be larger than what is left of it, so that the oldest always gets to its end."""
SECONDS = 60.0
"""How long a body may take to come. SCMs themselves give up after 5 to 30 seconds."""


class TooLarge(Exception):
    """The body is longer than the limit."""


class TooSlow(Exception):
    """The body didn't come in time."""


class TooMany(Exception):
    """As many others are being read as may be."""


class Incoming(Protocol):
    """What aiohttp calls a StreamReader: empty at the end."""

    async def readany(self) -> bytes: ...


class _Body:
    """One that is being read or judged, and how much memory it takes."""

    def __init__(self) -> None:
        self.size = 0


class Bodies:
    """Reads them. A body that would be too much waits unread: its sender is slowed down, and nobody is refused for it."""

    def __init__(
        self, max_bytes: int, *, at_once: int = AT_ONCE, held_bytes: int = HELD_BYTES, seconds: float = SECONDS
    ) -> None:  # fmt: skip
        self._max_bytes, self._at_once, self._held_bytes, self._seconds = max_bytes, at_once, held_bytes, seconds
        self._bodies: dict[_Body, None] = {}
        """The oldest first."""
        self._held = 0
        self._changed = asyncio.Condition()

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return self._held

    @asynccontextmanager
    async def read(self, incoming: Incoming, length: int | None) -> AsyncGenerator[bytes]:
        """The whole body, held until the context ends. ``length`` is what its sender says. Raises TooLarge, TooSlow, TooMany."""
        if length is not None and length > self._max_bytes:
            raise TooLarge
        if len(self._bodies) >= self._at_once:
            raise TooMany
        body = _Body()
        self._bodies[body] = None
        try:
            try:
                async with asyncio.timeout(self._seconds):
                    whole = await self._whole(body, incoming)
            except TimeoutError:
                raise TooSlow from None
            yield whole
        finally:
            del self._bodies[body]
            self._held -= body.size
            async with self._changed:
                self._changed.notify_all()

    async def _whole(self, body: _Body, incoming: Incoming) -> bytes:
        pieces: list[bytes] = []
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._held < self._held_bytes or next(iter(self._bodies)) is body)
            piece = await incoming.readany()
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            body.size += len(piece)
            self._held += len(piece)
            if body.size > self._max_bytes:
                raise TooLarge
