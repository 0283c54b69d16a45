"""The way of events to those who watch: encoded once for all who see the same, written as each client takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias
from weakref import WeakSet

import aiohttp
from aiohttp import web

from boatyard.machinery.registry.watch import Batch, RecordEvent, Span
from boatyard.machinery.store.store import Change, Sink

STALLED_SECONDS = 30.0
"""A client that takes nothing for so long is dropped; it comes back and reads on from where it was."""
UNSENT_BYTES = 64 * 1024
"""What waits for a slow client in memory; beyond, its events stay where all watchers' are."""
RECORD_BYTES = 16 * 1024
"""The longest record of TLS. More in one write would be encrypted and buffered whole, whatever the client takes, and the connection
would keep as much memory for as long as it lasts."""
PIECE_BYTES = 32 * 1024
"""Of changes that many are told: one write, unless one commit is longer. A round of a busy kind, so that its cost is that of one
write, and half of what waits for a slow client: who is behind is told more in a round, not in a dearer way."""
LINES_BYTES = 128 * 1024
"""Lines kept of the last changes: those who are told apart from each other hear of the same ones, together with others."""
_OVERHEAD = 250
"""About what a line costs besides itself, also one that is empty."""
SHARED = 16
"""Encoded batches kept for the others who see the same …"""
SHARED_BYTES = 512 * 1024
"""… and how long one may be to be kept."""
TOLD_BYTES = 2 * 1024 * 1024
"""Pieces kept of what is being told, for those who are told it next."""

Encode: TypeAlias = Callable[[RecordEvent], bytes]
"""An event as a line."""
_BatchOf: TypeAlias = Callable[[Sequence[Change]], Batch]


class Piece(NamedTuple):
    """Some of the changes that are told, as they go over the wire."""

    data: bytes
    """Nothing where nothing of them is seen."""
    end: int
    """How many changes are told with it."""
    revision: int
    """Of the last of them."""


class Sight:
    """Changes as a watcher sees them, and as they go over the wire. One for all who see the same, in the same form."""

    __slots__ = (
        "__weakref__", "_changes", "_chunked", "_encode", "_known", "_lines", "_lines_bytes", "_pieces", "_room", "streams",
    )  # fmt: skip

    def __init__(self, encode: Encode, *, chunked: bool) -> None:
        self._encode, self._chunked = encode, chunked
        self._known: dict[Span, bytes] = {}
        self._changes: Sequence[Change] | None = None
        self._pieces: list[Piece] = []
        self._room = 0
        self._lines: dict[tuple[int, str], bytes] = {}
        self._lines_bytes = 0
        self.streams: WeakSet[WatchStream] = WeakSet()
        """Whose it is. What one alone has is kept for nobody."""

    def pieces(self, changes: Sequence[Change], batch_of: _BatchOf) -> Iterator[Piece]:
        """Changes that are told to one watcher after the other: the same list, so the same bytes, made as they are asked for."""
        if len(self.streams) < 2:
            self._changes, self._pieces, self._room = None, [], 0
        elif changes is not self._changes:
            self._changes, self._pieces, self._room = changes, [], TOLD_BYTES
        pieces, end, number = self._pieces, 0, 0
        while end < len(changes):
            if number < len(pieces):
                piece = pieces[number]
            else:
                piece = self._piece(changes, end, batch_of)
                self._room -= len(piece.data)
                if self._room >= 0:
                    pieces.append(piece)
            yield piece
            end = piece.end
            number += 1

    def _piece(self, changes: Sequence[Change], begin: int, batch_of: _BatchOf) -> Piece:
        lines: list[bytes] = []
        end, count, size, revision = begin, len(changes), 0, 0
        while end < count:
            change = changes[end]
            if change.revision != revision and size and size + len(change.value) > PIECE_BYTES:
                break
            revision = change.revision
            lines.append(line := self._line(change, batch_of))
            size += len(line)
            end += 1
        return Piece(self.framed(b"".join(lines)), end, revision)

    def _line(self, change: Change, batch_of: _BatchOf) -> bytes:
        """Nothing where it isn't seen."""
        name = change.revision, change.key
        line = self._lines.get(name)
        if line is None:
            line = b"".join([self._encode(event) for event in batch_of((change,)).events])
            if len(self.streams) > 1:
                self._lines[name] = line
                self._lines_bytes += len(line) + _OVERHEAD
            while self._lines_bytes > LINES_BYTES:
                self._lines_bytes -= len(self._lines.pop(next(iter(self._lines)))) + _OVERHEAD
        return line

    def of_batch(self, batch: Batch) -> bytes:
        """A batch of changes; nothing where nothing of it is seen."""
        span = batch.span
        assert span is not None
        known = self._known.get(span)
        if known is not None:
            return known
        data = self.framed(b"".join([self._encode(event) for event in batch.events]))
        if len(data) <= SHARED_BYTES:
            while len(self._known) >= SHARED:
                del self._known[next(iter(self._known))]
            self._known[span] = data
        return data

    def framed(self, data: bytes) -> bytes:
        """A chunk of RFC 9112, section 7.1, where the client reads them."""
        return b"%x\r\n%s\r\n" % (len(data), data) if data and self._chunked else data


def chunked(request: web.Request) -> bool:
    """Whether the client reads chunks."""
    return request.version >= aiohttp.HttpVersion11


class WatchStream:
    """The way to one client. Changes are written at once, by whoever brings them, while the client keeps up; else its task writes
    them as the client takes them. Chunks are framed once for all, so they go to the connection as they are."""

    __slots__ = ("__weakref__", "_live", "_request", "come_to", "sight")

    def __init__(self, request: web.Request, sight: Sight) -> None:
        self._request, self.sight = request, sight
        sight.streams.add(self)
        self._live: asyncio.Transport | None = None
        self.come_to = 0
        """The revision of the last change that went by."""

    def begin(self) -> None:
        """All that was there went: from now on changes may be written."""
        self._live = self._request.transport

    def sink(self, batch_of: _BatchOf) -> Sink:
        """A ``SinkOf``."""

        def take(changes: Sequence[Change]) -> int:
            transport, took = self._live, 0
            if transport is None or transport.is_closing():
                return 0
            try:
                for piece in self.sight.pieces(changes, batch_of):
                    if len(piece.data) > UNSENT_BYTES or transport.get_write_buffer_size() >= UNSENT_BYTES:
                        break
                    if piece.data:
                        transport.write(piece.data)
                    took, self.come_to = piece.end, piece.revision
            except Exception:
                pass  # the task meets it again, and tells
            return took

        return take

    async def write(self, data: bytes) -> None:
        """Raises ConnectionResetError when the client is gone, or takes nothing any more."""
        if not data:
            return
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the watcher is gone")
        transport.set_write_buffer_limits(high=UNSENT_BYTES)
        await self._taken(transport)
        for start in range(0, len(data), RECORD_BYTES):
            transport.write(data[start : start + RECORD_BYTES])
            await self._taken(transport)

    async def _taken(self, transport: asyncio.Transport) -> None:
        """Wait while too much is unsent."""
        if transport.get_write_buffer_size() < UNSENT_BYTES:
            return
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await self._request.writer.drain()
        except TimeoutError:
            transport.abort()
            raise ConnectionResetError("the watcher takes nothing any more") from None
