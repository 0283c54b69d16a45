"""Watches: a list that never ends, one JSON event a line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any
from weakref import WeakValueDictionary

import msgspec
from aiohttp import web

from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.list import reached
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.registry.watch import Batch, RecordEvent
from boatyard.machinery.runtime.world import World
from boatyard.server.call import Call
from boatyard.server.flow.control import FlowControl
from boatyard.server.list_options import initial_events, read
from boatyard.server.media import Form, acceptable
from boatyard.server.metrics import WATCHES
from boatyard.server.path import ResourcePath
from boatyard.server.tables import Tables
from boatyard.server.watch_stream import Encode, Sight, WatchStream, chunked

SHORTEST_SECONDS = 1800
"""How long a watch lasts at least when the client doesn't say; up to twice that, so that not all come back at once."""
LAST_WORDS_SECONDS = 1.0
"""How long a watch outlives its kind."""
PAGE_SEATS = 1
"""What a page of what is there takes of the server (``flow``): some sixty kilobytes."""
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Watches:
    """All watches of a server, so that stopping can end them."""

    def __init__(self, registry: Registry, tables: Tables, world: World, flow: FlowControl) -> None:
        self._registry, self._tables, self._world, self._flow = registry, tables, world, flow
        self._running: dict[asyncio.Task[Any], tuple[Resource, asyncio.Timeout]] = {}
        registry.ledger.kinds.on_removal(self._end_of)
        self._stopping = False
        self._sights: WeakValueDictionary[tuple[object, ...], Sight] = WeakValueDictionary()

    async def handle(self, call: Call, kind: Kind, path: ResourcePath) -> web.StreamResponse:
        """Raises ApiError when it is refused; afterwards faults (a revision that is compacted away) are ERROR events."""
        if kind.custom is None:
            acceptable(call.accept)
        read(call)
        initial = initial_events(call)
        form = call.form()
        seconds = float(call.number("timeoutSeconds", signed=True) or 0)
        if seconds <= 0:
            seconds = SHORTEST_SECONDS * (1 + self._world.random.random())
        field_selector = call.query.get("fieldSelector", "")
        revision = call.query.get("resourceVersion", "")
        initial_end = bool(initial) and call.flag("allowWatchBookmarks")
        if initial is False and revision in ("", "0"):
            revision = str(self._registry.ledger.store.revision)
        elif initial and not initial_end:
            reached(self._registry.ledger, revision or "0")
            revision = ""
        label_selector = call.query.get("labelSelector", "")
        encode = self._encoder(kind, form, call.query.get("includeObject") or "Metadata", initial_end)
        sight = Sight(encode, chunked=chunked(call.request))
        if not form.transform:  # a table's first event differs from the others
            what = (kind.resource, path.namespace, label_selector, field_selector, chunked(call.request))
            sight = self._sights.setdefault(what, sight)
        stream = WatchStream(call.request, sight)
        batches = self._registry.watch_batches(
            call.caller, kind.resource, path.namespace or None, resource_version=revision,
            label_selector=label_selector, field_selector=field_selector, bookmarks=call.flag("allowWatchBookmarks"),
            initial_end=initial_end, sink=None if form.transform else stream.sink,
        )  # fmt: skip
        there = initial_end or revision in ("", "0")
        task = asyncio.current_task()
        assert task is not None
        timeout = asyncio.timeout(seconds)
        self._running[task] = kind.resource, timeout
        WATCHES.inc()
        try:
            async with aclosing(batches):
                return await self._stream(call, batches, encode, form, timeout, stream, there)
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
        self, call: Call, batches: AsyncGenerator[Batch], encode: Encode, form: Form, timeout: asyncio.Timeout,
        stream: WatchStream, there: bool,
    ) -> web.StreamResponse:  # fmt: skip
        """``there``: what is there comes first."""
        type = "application/json;stream=watch" if form.transform else "application/json"
        response = web.StreamResponse(headers={"Content-Type": type, "Cache-Control": "no-cache, private"})

        def framed(*events: RecordEvent) -> bytes:
            return stream.sight.framed(b"".join([encode(event) for event in events]))

        try:
            async with timeout:
                await response.prepare(call.request)
                await response.write(b"")
                more = there
                while more:
                    # What is there is a list like any other: its pages come in turn with those of others.
                    async with self._flow.turn(call.authenticated, "GET", call.request.path, PAGE_SEATS):
                        batch = await anext(batches)
                        data = framed(*batch.events)
                    more = batch.there
                    del batch  # a slow client keeps no more than what it is sent
                    await stream.write(data)
                stream.begin()
                async for batch in batches:
                    await stream.write(stream.sight.of_batch(batch) if batch.span else framed(*batch.events))
                    if batch.span:
                        stream.come_to = batch.span[2]
        except TimeoutError:
            if stream.come_to and call.flag("allowWatchBookmarks"):
                # The next watch begins here, even where nothing of what went by was for this one.
                await stream.write(framed(RecordEvent("BOOKMARK", b"", stream.come_to)))
        except ApiError as error:
            await stream.write(stream.sight.framed(msgspec.json.encode({"type": "ERROR", "object": error.to_status()}) + b"\n"))
        except asyncio.CancelledError:
            if not self._stopping or not response.prepared:
                raise
        await response.write_eof()
        return response

    def _encoder(self, kind: Kind, form: Form, include: str, initial_end: bool) -> Encode:
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
