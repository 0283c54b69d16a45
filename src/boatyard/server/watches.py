"""Watches: a list that never ends, one JSON event a line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any, TypeAlias

import aiohttp
import msgspec
from aiohttp import web

from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.list import reached
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.registry.watch import Batch, RecordEvent, Span
from boatyard.machinery.runtime.world import World
from boatyard.server.call import Call
from boatyard.server.flow.control import FlowControl
from boatyard.server.list_options import initial_events
from boatyard.server.media import Form
from boatyard.server.metrics import WATCHES
from boatyard.server.path import ResourcePath
from boatyard.server.tables import Tables

SHORTEST_SECONDS = 1800
"""How long a watch lasts at least when the client doesn't say; up to twice that, so that not all come back at once."""
STALLED_SECONDS = 30.0
"""A client that takes nothing for so long is dropped; it comes back and reads on from where it was."""

LAST_WORDS_SECONDS = 1.0
"""How long a watch outlives its kind."""
PAGE_SEATS = 1
"""What a page of what is there takes of the server (``flow``): some sixty kilobytes."""
UNSENT_BYTES = 64 * 1024
"""What waits for a slow client in memory; beyond, its events stay where all watchers' are."""
RECORD_BYTES = 16 * 1024
"""The longest record of TLS. More in one write would be encrypted and buffered whole, whatever the client takes, and the connection
would keep as much memory for as long as it lasts."""
SHARED = 32
"""Encoded batches kept for the other watchers of the same …"""
SHARED_BYTES = 512 * 1024
"""… and how long one may be to be kept."""

_Encode: TypeAlias = Callable[[RecordEvent], bytes]

INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Watches:
    """All watches of a server, so that stopping can end them."""

    def __init__(self, registry: Registry, tables: Tables, world: World, flow: FlowControl) -> None:
        self._registry, self._tables, self._world, self._flow = registry, tables, world, flow
        self._running: dict[asyncio.Task[Any], tuple[Resource, asyncio.Timeout]] = {}
        registry.ledger.kinds.on_removal(self._end_of)
        self._stopping = False
        self._shared: dict[tuple[str, Span, bool], bytes] = {}

    async def handle(self, call: Call, kind: Kind, path: ResourcePath) -> web.StreamResponse:
        """Raises ApiError when it is refused; afterwards faults (a revision that is compacted away) are ERROR events."""
        form = call.form()
        seconds = float(call.number("timeoutSeconds", signed=True) or 0)
        if seconds <= 0:
            seconds = SHORTEST_SECONDS * (1 + self._world.random.random())
        field_selector = call.query.get("fieldSelector", "")
        revision = call.query.get("resourceVersion", "")
        initial = initial_events(call)
        initial_end = bool(initial) and call.flag("allowWatchBookmarks")
        if initial is False and revision in ("", "0"):
            revision = str(self._registry.ledger.store.revision)
        elif initial and not initial_end:
            reached(self._registry.ledger, revision or "0")
            revision = ""
        label_selector = call.query.get("labelSelector", "")
        # A table's first event differs from the others.
        parts = (kind.resource.group_resource, kind.resource.version, path.namespace, label_selector, field_selector)
        seen = None if form.transform else "\0".join(parts)
        encode = self._encoder(kind, form, call.query.get("includeObject") or "Metadata", initial_end)
        live = _Live(lambda batch: self._encoded(batch, encode, seen, live.chunked))
        batches = self._registry.watch_batches(
            call.caller, kind.resource, path.namespace or None, resource_version=revision,
            label_selector=label_selector, field_selector=field_selector, bookmarks=call.flag("allowWatchBookmarks"),
            initial_end=initial_end, sink=live.take if seen else None,
        )  # fmt: skip
        there = initial_end or revision in ("", "0")
        task = asyncio.current_task()
        assert task is not None
        timeout = asyncio.timeout(seconds)
        self._running[task] = kind.resource, timeout
        WATCHES.inc()
        try:
            async with aclosing(batches):
                return await self._stream(call, batches, encode, form, timeout, live, there)
        finally:
            del self._running[task]
            WATCHES.dec()

    def stop(self) -> None:
        """End every watch as if its time were up."""
        self._stopping = True
        for task in tuple(self._running):
            task.cancel()

    def _end_of(self, resource: Resource) -> None:
        """End the watches of a kind that is no longer served, a little later: its objects have gone, which they still tell."""
        end = asyncio.get_running_loop().time() + LAST_WORDS_SECONDS
        for watched, timeout in tuple(self._running.values()):
            if watched == resource:
                with suppress(RuntimeError):  # its time is up already
                    timeout.reschedule(min(end, timeout.when() or end))

    async def _stream(
        self, call: Call, batches: AsyncGenerator[Batch], encode: _Encode, form: Form, timeout: asyncio.Timeout, live: _Live,
        there: bool,
    ) -> web.StreamResponse:  # fmt: skip
        """``there``: what is there comes first."""
        type = "application/json;stream=watch" if form.transform else "application/json"
        response = web.StreamResponse(headers={"Content-Type": type, "Cache-Control": "no-cache, private"})
        try:
            async with timeout:
                await response.prepare(call.request)
                await response.write(b"")
                stream = _Stream(call.request, response)
                more = there
                while more:
                    # What is there is a list like any other: its pages come in turn with those of others.
                    async with self._flow.turn(call.authenticated, "GET", call.request.path, PAGE_SEATS):
                        batch = await anext(batches)
                        data = self._encoded(batch, encode, None, stream.chunked)
                    more = batch.there
                    del batch  # a slow client keeps no more than what it is sent
                    if data:
                        await stream.write(data)
                live.begin(call.request, stream.chunked)
                async for batch in batches:
                    if data := live.encode(batch):
                        await stream.write(data)
                    if batch.span:
                        live.come_to = batch.span[2]
        except TimeoutError:
            if live.come_to and call.flag("allowWatchBookmarks"):
                # The next watch begins here, even where nothing of what went by was for this one.
                line = encode(RecordEvent("BOOKMARK", b"", live.come_to))
                stream = _Stream(call.request, response)
                await stream.write(_chunk(line) if stream.chunked else line)
        except ApiError as error:
            stream = _Stream(call.request, response)
            line = msgspec.json.encode({"type": "ERROR", "object": error.to_status()}) + b"\n"
            await stream.write(_chunk(line) if stream.chunked else line)
        except asyncio.CancelledError:
            if not self._stopping or not response.prepared:
                raise
        await response.write_eof()
        return response

    def _encoded(self, batch: Batch, encode: _Encode, seen: str | None, chunked: bool) -> bytes:
        """A batch as it goes over the wire. Encoded once for all who see the same: ``seen`` tells watchers apart who see other
        objects, or see them otherwise than as they are stored (None)."""
        key = (seen, batch.span, chunked) if seen and batch.span else None
        if key and (known := self._shared.get(key)) is not None:
            return known
        data = b"".join([encode(event) for event in batch.events])
        if chunked and data:
            data = _chunk(data)
        if key and len(data) <= SHARED_BYTES:
            while len(self._shared) >= SHARED:
                del self._shared[next(iter(self._shared))]
            self._shared[key] = data
        return data

    def _encoder(self, kind: Kind, form: Form, include: str, initial_end: bool) -> _Encode:
        """A function from an event to its line."""
        first_of_table = True
        waiting_for_end = initial_end

        def bookmark(event: RecordEvent) -> Object:
            nonlocal waiting_for_end
            obj = event.object(kind.resource)
            if waiting_for_end:
                obj["metadata"]["annotations"] = {INITIAL_EVENTS_END: "true"}
                waiting_for_end = False
            return obj

        def plain(event: RecordEvent) -> bytes:
            value = msgspec.json.encode(bookmark(event)) if event.type == "BOOKMARK" else event.json(kind.resource)
            return b'{"type":"%s","object":%s}\n' % (event.type.encode(), value)

        def transformed(event: RecordEvent) -> bytes:
            nonlocal first_of_table
            if event.type == "BOOKMARK":
                obj = self._tables.bookmark(form, bookmark(event))
            else:
                obj = self._tables.one(form, kind, event.object(kind.resource), include, columns=first_of_table)
                first_of_table = False
            return msgspec.json.encode({"type": event.type, "object": obj}) + b"\n"

        return transformed if form.transform else plain


class _Live:
    """One watch's changes, as they come: written at once, by whoever brings them, while the client keeps up; else its task writes
    them as the client takes them."""

    __slots__ = ("_transport", "chunked", "come_to", "encode")

    def __init__(self, encode: Callable[[Batch], bytes]) -> None:
        self.encode = encode
        """A batch as it goes over the wire."""
        self._transport: asyncio.Transport | None = None
        self.chunked = False
        self.come_to = 0
        """The revision of the last change that went by."""

    def begin(self, request: web.Request, chunked: bool) -> None:
        """All that was there went: from now on changes may be written."""
        self._transport, self.chunked = request.transport, chunked

    def take(self, batch: Batch) -> bool:
        """A ``Sink``."""
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() >= UNSENT_BYTES:
            return False
        try:
            data = self.encode(batch)
            if len(data) > UNSENT_BYTES:
                return False
            if data:
                transport.write(data)
        except Exception:
            return False  # the task meets it again, and tells
        if batch.span:
            self.come_to = batch.span[2]
        return True


class _Stream:
    """The way to one client. Chunks are framed once for all, so they go to the connection as they are."""

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        self._request, self._response = request, response
        self.chunked = bool(response.chunked) or request.version >= aiohttp.HttpVersion11
        if request.transport is not None:
            request.transport.set_write_buffer_limits(high=UNSENT_BYTES)

    async def write(self, data: bytes) -> None:
        """Raises ConnectionResetError when the client is gone, or takes nothing any more."""
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the watcher is gone")
        await self._taken(transport)
        if len(data) <= RECORD_BYTES:
            transport.write(data)
            await self._taken(transport)
            return
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


def _chunk(data: bytes) -> bytes:
    """A chunk of RFC 9112, section 7.1."""
    return b"%x\r\n%s\r\n" % (len(data), data)
