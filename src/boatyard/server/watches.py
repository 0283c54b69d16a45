"""Watches: a list that never ends, one JSON event a line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
from aiohttp import web

from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.registry.watch import RecordEvent
from boatyard.machinery.runtime.world import World
from boatyard.server.call import Call
from boatyard.server.media import Form
from boatyard.server.metrics import WATCHES
from boatyard.server.path import ResourcePath
from boatyard.server.tables import Tables

SHORTEST_SECONDS = 1800
"""How long a watch lasts at least when the client doesn't say; up to twice that, so that not all come back at once."""
STALLED_SECONDS = 30.0
"""A client that takes nothing for so long is dropped; it comes back and reads on from where it was."""

INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Watches:
    """All watches of a server, so that stopping can end them."""

    def __init__(self, registry: Registry, tables: Tables, world: World) -> None:
        self._registry, self._tables, self._world = registry, tables, world
        self._running: set[asyncio.Task[Any]] = set()
        self._stopping = False

    async def handle(self, call: Call, kind: Kind, path: ResourcePath) -> web.StreamResponse:
        """Raises ApiError when it is refused; afterwards faults (a revision that is compacted away) are ERROR events."""
        form = call.form()
        seconds = call.number("timeoutSeconds") or SHORTEST_SECONDS * (1 + self._world.random.random())
        field_selector = call.query.get("fieldSelector", "")
        if path.name:
            # The old way to watch one object; no selector of the caller's can widen it.
            field_selector = ",".join(filter(None, (field_selector, f"metadata.name={path.name}")))
        initial_end = call.flag("sendInitialEvents") and call.flag("allowWatchBookmarks")
        events = self._registry.watch_records(
            call.caller, kind.resource, path.namespace or None, resource_version=call.query.get("resourceVersion", ""),
            label_selector=call.query.get("labelSelector", ""), field_selector=field_selector,
            bookmarks=call.flag("allowWatchBookmarks"), initial_end=initial_end,
        )  # fmt: skip
        encode = self._encoder(kind, form, call.query.get("includeObject") or "Metadata", initial_end)
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        WATCHES.inc()
        try:
            async with aclosing(events):
                return await self._stream(call, events, encode, form, seconds)
        finally:
            self._running.discard(task)
            WATCHES.dec()

    def stop(self) -> None:
        """End every watch as if its time were up."""
        self._stopping = True
        for task in tuple(self._running):
            task.cancel()

    async def _stream(
        self, call: Call, events: AsyncGenerator[RecordEvent], encode: Any, form: Form, seconds: float
    ) -> web.StreamResponse:
        type = "application/json;stream=watch" if form.transform else "application/json"
        response = web.StreamResponse(headers={"Content-Type": type, "Cache-Control": "no-cache, private"})
        try:
            async with asyncio.timeout(seconds):
                await response.prepare(call.request)
                async for event in events:
                    await _write(call.request, response, encode(event))
        except TimeoutError:
            pass
        except ApiError as error:
            await _write(call.request, response, msgspec.json.encode({"type": "ERROR", "object": error.to_status()}) + b"\n")
        except asyncio.CancelledError:
            if not self._stopping or not response.prepared:
                raise
        await response.write_eof()
        return response

    def _encoder(self, kind: Kind, form: Form, include: str, initial_end: bool) -> Any:
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


async def _write(request: web.Request, response: web.StreamResponse, line: bytes) -> None:
    try:
        async with asyncio.timeout(STALLED_SECONDS):
            await response.write(line)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the watcher takes nothing any more") from None
