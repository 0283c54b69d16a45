"""The way of events to those who watch: encoded once for all who see the same, written as each client takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

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
SHARED = 16
"""Encoded batches kept for the others who see the same …"""
SHARED_BYTES = 512 * 1024
"""… and how long one may be to be kept."""

Encode: TypeAlias = Callable[[RecordEvent], bytes]
"""An event as a line."""
_BatchOf: TypeAlias = Callable[[list[Change]], Batch]


class Sight:
    """Changes as a watcher sees them, and as they go over the wire. One for all who see the same, in the same form."""

    __slots__ = ("__weakref__", "_changes", "_chunked", "_data", "_encode", "_known")

    def __init__(self, encode: Encode, *, chunked: bool) -> None:
        self._encode, self._chunked = encode, chunked
        self._known: dict[Span, bytes] = {}
        self._changes: list[Change] | None = None
        self._data = b""

    def of_changes(self, changes: list[Change], batch_of: _BatchOf) -> bytes:
        """Changes that are told to one watcher after the other: the same list, so the same bytes."""
        if changes is self._changes:
            return self._data
        data = self.of_batch(batch_of(changes))
        if len(data) <= SHARED_BYTES:
            self._data, self._changes = data, changes
        return data

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

    __slots__ = ("_live", "_request", "come_to", "sight")

    def __init__(self, request: web.Request, sight: Sight) -> None:
        self._request, self.sight = request, sight
        self._live: asyncio.Transport | None = None
        self.come_to = 0
        """The revision of the last change that went by."""

    def begin(self) -> None:
        """All that was there went: from now on changes may be written."""
        self._live = self._request.transport

    def sink(self, batch_of: _BatchOf) -> Sink:
        """A ``SinkOf``."""

        def take(changes: list[Change]) -> bool:
            transport = self._live
            if transport is None or transport.is_closing() or transport.get_write_buffer_size() >= UNSENT_BYTES:
                return False
            try:
                data = self.sight.of_changes(changes, batch_of)
                if len(data) > UNSENT_BYTES:
                    return False
                if data:
                    transport.write(data)
            except Exception:
                return False  # the task meets it again, and tells
            self.come_to = changes[-1].revision
            return True

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
