"""A store whose values below some prefixes are sealed before they reach the disk, and opened on the way back.

Everything else passes through untouched: a call for another prefix costs one comparison more. What lies below, its write-ahead
log, its history and every copy of it never see such a value in clear.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from functools import lru_cache

from boatyard.machinery.store.sealer import Sealer, Unreadable, key_id
from boatyard.machinery.store.store import Change, Delete, KeyConflict, Operation, Page, Put, Record, Route, Sink, Store
from boatyard.machinery.store.watcher import BATCH, whole_commits

CHUNK = 200
"""Records sealed anew in one go."""
SHARED = 64
"""Opened values of changes that are kept, as those who watch ask for the same one after the other."""


class SealedStore:
    """A :class:`~boatyard.machinery.store.store.Store` over another one. ``prefixes`` end with a slash."""

    def __init__(self, inner: Store, sealer: Sealer, prefixes: Sequence[str]) -> None:
        self._inner, self._sealer, self._prefixes = inner, sealer, tuple(prefixes)
        self._opened = lru_cache(maxsize=SHARED)(self._open)
        self._routes: dict[Callable[[Change], Iterable[str]], Callable[[Change], Iterable[str]]] = {}
        self._told: tuple[Sequence[Change], Sequence[Change]] = (), ()
        self._writing: dict[asyncio.Future[int], None] = {}

    @property
    def revision(self) -> int:
        return self._inner.revision

    @property
    def history_bytes(self) -> int:
        return self._inner.history_bytes

    def get(self, key: str) -> Record | None:
        """Raises Unreadable."""
        record = self._inner.get(key)
        if record is None or not key.startswith(self._prefixes):
            return record
        return self._clear(record)

    def range(self, prefix: str, *, after: str = "", limit: int = 0, revision: int = 0, count: bool = True) -> Page:
        """Raises Unreadable, which names the first key that can't be read."""
        page = self._inner.range(prefix, after=after, limit=limit, revision=revision, count=count)
        if not self._touches(prefix):
            return page
        records = [self._clear(record) if record.key.startswith(self._prefixes) else record for record in page.records]
        return page._replace(records=records)

    async def commit(self, operations: Sequence[Operation]) -> int:
        if not any(operation.key.startswith(self._prefixes) for operation in operations):
            return await self._inner.commit(operations)
        # A caller who goes away doesn't take the commit back, so it counts as being written until it is.
        writing = asyncio.ensure_future(self._inner.commit([self._sealed(operation) for operation in operations]))
        self._writing[writing] = None
        writing.add_done_callback(self._writing.pop)
        return await asyncio.shield(writing)

    def watch(
        self, prefix: str, after: int, route: Route | None = None, sink: Sink | None = None
    ) -> AsyncGenerator[list[Change]]:
        """Raises Unreadable at the step that would tell of a value that can't be read."""
        if not self._touches(prefix):
            return self._inner.watch(prefix, after, route, sink)
        return self._watch(prefix, after, route, sink)

    async def compact(self, revision: int) -> None:
        await self._inner.compact(revision)

    async def close(self) -> None:
        await self._inner.close()

    async def reseal(self, sealer: Sealer) -> list[str]:
        """Seal with ``sealer`` from now on, and everything that isn't sealed with its first key anew; then forget the history.

        Returns the keys of values that it can't open; they stay as they are. Ended in the middle, it goes on where it was.
        """
        self._sealer = sealer
        self._opened.cache_clear()
        self._told = (), ()
        if self._writing:
            await asyncio.wait(list(self._writing))  # sealed before, and not to be found yet
        lost: list[str] = []
        again = True
        while again:
            again = False
            lost = []
            for prefix in self._prefixes:
                again = await self._reseal(prefix, lost) or again
        await self._inner.compact(self._inner.revision)
        return lost

    async def _reseal(self, prefix: str, lost: list[str]) -> bool:
        """Whether something was found to do."""
        after, found = "", False
        while True:
            page = self._inner.range(prefix, after=after, limit=CHUNK)
            for record in page.records:
                if key_id(record.value) == self._sealer.id:
                    continue
                try:
                    value = self._sealer.open(record.key, record.value)
                except Unreadable:
                    lost.append(record.key)
                    continue
                found = True
                try:
                    await self._inner.commit([Put(record.key, self._sealer.seal(record.key, value), record.modified)])
                except KeyConflict:
                    continue  # it was written or deleted meanwhile: the next round looks again
            if not page.remaining:
                return found
            after = page.records[-1].key

    async def forget(self, key: str) -> None:
        """Delete a value that can't be opened. Raises ValueError when it can, or isn't there."""
        try:
            self.get(key)
        except Unreadable:
            await self._inner.commit([Delete(key)])
            return
        raise ValueError(f"{key} can be decrypted, or isn't there")

    def ids(self) -> dict[str, int]:
        """How many values each key has sealed, by the key's id; the empty one counts values in clear."""
        counted: dict[str, int] = {}
        for prefix in self._prefixes:
            after = ""
            while True:
                page = self._inner.range(prefix, after=after, limit=CHUNK)
                for record in page.records:
                    id = key_id(record.value)
                    counted[id] = counted.get(id, 0) + 1
                if not page.remaining:
                    break
                after = page.records[-1].key
        return counted

    def _touches(self, prefix: str) -> bool:
        return prefix.startswith(self._prefixes) or any(sealed.startswith(prefix) for sealed in self._prefixes)

    def _sealed(self, operation: Operation) -> Operation:
        if isinstance(operation, Put) and operation.key.startswith(self._prefixes):
            return operation._replace(value=self._sealer.seal(operation.key, operation.value))
        return operation

    def _open(self, key: str, value: bytes) -> bytes:
        return self._sealer.open(key, value)

    def _clear(self, record: Record) -> Record:
        return Record(record.key, self._sealer.open(record.key, record.value), record.created, record.modified)

    def _changed(self, change: Change) -> Change:
        if not change.key.startswith(self._prefixes):
            return change
        previous = None if change.previous is None else self._opened(change.key, change.previous)
        return change._replace(value=self._opened(change.key, change.value), previous=previous)

    async def _watch(self, prefix: str, after: int, route: Route | None, sink: Sink | None) -> AsyncGenerator[list[Change]]:
        if route is not None:
            route = Route(self._routed(route.values), route.value)
        inner = self._inner.watch(prefix, after, route, sink and self._clearing(sink))
        async with aclosing(inner) as batches:
            async for batch in batches:
                yield [self._changed(change) for change in batch]

    def _clearing(self, sink: Sink) -> Sink:
        """The same sink for changes as they are stored; one that can't be read goes the way where that is told."""

        def take(changes: Sequence[Change]) -> int:
            try:
                return sink(self._cleared(changes))
            except Unreadable:
                return 0

        return take

    def _cleared(self, changes: Sequence[Change]) -> Sequence[Change]:
        """As many of them as are told at once, in clear: the very same for those who are told the same one after the other, as what
        they are told is made once. Raises Unreadable."""
        told, clear = self._told
        if changes is not told:
            clear = [self._changed(change) for change in whole_commits(changes, BATCH)]
            self._told = changes, clear
        return clear

    def _routed(self, values: Callable[[Change], Iterable[str]]) -> Callable[[Change], Iterable[str]]:
        """The same function for changes as they are stored; the same one for all who ask with the same."""

        def routed(change: Change) -> Iterable[str]:
            try:
                return values(self._changed(change))
            except Unreadable:
                return ()

        if values not in self._routes and len(self._routes) >= SHARED:
            self._routes.clear()
        return self._routes.setdefault(values, routed)
