"""A client that holds config maps in memory and fails on demand: what the caches and controllers of these tests talk to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from boatyard.machinery.client.client import ObjectList, WatchEvent
from boatyard.machinery.meta.errors import ApiError, Gone
from boatyard.machinery.runtime.world import RealWorld


class FlakyClient:
    """One type's objects, a log of events, and faults that are spent one by one."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.events: list[WatchEvent] = []
        self.oldest = 0
        self.list_faults: list[Exception] = []
        self.watch_faults: list[Exception] = []
        self.lists = self.watches = 0
        self._changed = asyncio.Event()

    def put(self, name: str, namespace: str = "default", **fields: Any) -> dict[str, Any]:
        revision = len(self.events) + 1
        known = (namespace, name) in self.objects
        obj = {"metadata": {"name": name, "namespace": namespace, "resourceVersion": str(revision)}, **fields}
        self.objects[namespace, name] = obj
        self._tell(WatchEvent("MODIFIED" if known else "ADDED", obj))
        return obj

    def remove(self, name: str, namespace: str = "default") -> None:
        obj = self.objects.pop((namespace, name))
        self._tell(WatchEvent("DELETED", {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(len(self.events) + 1)}}))

    def _tell(self, event: WatchEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def break_watches(self, error: Exception) -> None:
        self.watch_faults.append(error)
        self._changed.set()

    async def list(self, resource: Any, namespace: str | None = None, **options: Any) -> ObjectList:
        self.lists += 1
        if self.list_faults:
            raise self.list_faults.pop(0)
        items = [obj for (where, _), obj in sorted(self.objects.items()) if namespace in (None, where)]
        start = int(options.get("continue_token") or 0)
        page = items[start : start + 2]
        token = str(start + 2) if start + 2 < len(items) else ""
        return ObjectList(page, str(len(self.events)), token)

    async def watch(
        self, resource: Any, namespace: str | None = None, *, resource_version: str = "", **options: Any
    ) -> AsyncIterator[WatchEvent]:
        self.watches += 1
        position = int(resource_version)
        if position < self.oldest:
            raise Gone("compacted")
        while True:
            if self.watch_faults:
                raise self.watch_faults.pop(0)
            if position == len(self.events):
                self._changed.clear()
                await self._changed.wait()
                continue
            position += 1
            yield self.events[position - 1]


@pytest.fixture
def client() -> FlakyClient:
    return FlakyClient()


@pytest.fixture
def world() -> RealWorld:
    return RealWorld()


@pytest.fixture
def unreachable() -> Callable[[], ApiError]:
    from boatyard.machinery.meta.errors import ServiceUnavailable

    return lambda: ServiceUnavailable("out of reach")
