"""A store that lives and dies with the process: for tests and simulations."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import NamedTuple

from boatyard.machinery.store.hub import WatchHub
from boatyard.machinery.store.store import Change, Compacted, Delete, KeyConflict, Operation, Page, Put, Record, Route, Sink


class _Past(NamedTuple):
    """A change, and what was there before."""

    change: Change
    before: Record | None


class MemoryStore:
    """A :class:`~boatyard.machinery.store.store.Store` in dictionaries. A commit gives way to other tasks once, then happens."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._keys: list[str] = []
        self._history: list[_Past] = []
        self._history_bytes = 0
        self._compacted = 0
        self._revision = 0
        self._hub = WatchHub()

    @property
    def revision(self) -> int:
        return self._revision

    @property
    def history_bytes(self) -> int:
        return self._history_bytes

    def get(self, key: str) -> Record | None:
        return self._records.get(key)

    def range(self, prefix: str, *, after: str = "", limit: int = 0, revision: int = 0, count: bool = True) -> Page:
        if revision and revision < self._revision:
            return self._past_range(prefix, after, limit, revision)
        start = bisect_right(self._keys, after) if after > prefix else bisect_left(self._keys, prefix)
        end = bisect_left(self._keys, prefix_end(prefix), start)
        last = min(end, start + limit) if limit else end
        records = [self._records[key] for key in self._keys[start:last]]
        return Page(records, self._revision, end - last)

    def _past_range(self, prefix: str, after: str, limit: int, revision: int) -> Page:
        if revision < self._compacted:
            raise Compacted(revision, self._compacted)
        records = {key: self._records[key] for key in self._keys if key.startswith(prefix)}
        for change, before in reversed(self._history):
            if change.revision <= revision:
                break
            if change.key.startswith(prefix):
                if before is None:
                    records.pop(change.key, None)
                else:
                    records[change.key] = before
        return page_of([records[key] for key in sorted(records)], after, limit, revision)

    async def commit(self, operations: Sequence[Operation]) -> int:
        await asyncio.sleep(0)
        if not operations:
            return self._revision
        for operation in operations:
            found = self._records.get(operation.key)
            check(operation, found.modified if found else 0)
        self._revision += 1
        before = [self._records.get(operation.key) for operation in operations]
        changes = [self._carry_out(operation) for operation in operations]
        self._history += map(_Past, changes, before)
        self._history_bytes += _size(changes)
        self._hub.publish(changes)
        return self._revision

    def _carry_out(self, operation: Operation) -> Change:
        before = self._records.get(operation.key)
        if isinstance(operation, Delete):
            assert before is not None
            del self._records[operation.key]
            del self._keys[bisect_left(self._keys, operation.key)]
            return Change(operation.key, before.value, before.value, self._revision, before.created, True)
        created = before.created if before else self._revision
        if before is None:
            insort(self._keys, operation.key)
        self._records[operation.key] = Record(operation.key, operation.value, created, self._revision)
        return Change(operation.key, operation.value, before.value if before else None, self._revision, created, False)

    async def watch(
        self, prefix: str, after: int, route: Route | None = None, sink: Sink | None = None
    ) -> AsyncGenerator[list[Change]]:
        if after < self._compacted:
            raise Compacted(after, self._compacted)
        start = bisect_right(self._history, after, key=_revision)
        past = [change for change, _ in self._history[start:] if change.key.startswith(prefix)]
        async with aclosing(self._hub.watch(prefix, after, past, route, sink)) as batches:
            async for batch in batches:
                yield batch

    async def compact(self, revision: int) -> None:
        revision = min(revision, self._revision)
        if revision > self._compacted:
            self._compacted = revision
            end = bisect_right(self._history, revision, key=_revision)
            self._history_bytes -= _size(past.change for past in self._history[:end])
            del self._history[:end]

    def reopened(self) -> None:
        """The process that used it has died, another one begins: nobody watches any more."""
        self._hub = WatchHub()

    async def close(self) -> None:
        self._hub.close()


def _revision(past: _Past) -> int:
    return past.change.revision


def _size(changes: Iterable[Change]) -> int:
    return sum(len(change.key) + len(change.previous or b"") for change in changes)


def check(operation: Operation, found: int) -> None:
    """Raise KeyConflict unless the key's revision (0: it doesn't exist) is what the operation expects."""
    if isinstance(operation, Put):
        if operation.expected is not None and operation.expected != found:
            raise KeyConflict(operation.key, operation.expected, found)
    elif found == 0 or (operation.expected is not None and operation.expected != found):
        raise KeyConflict(operation.key, operation.expected, found)


def prefix_end(prefix: str) -> str:
    """The first string after every string that starts with ``prefix``."""
    return prefix + "\U0010ffff"


def page_of(records: list[Record], after: str, limit: int, revision: int) -> Page:
    """The part of sorted ``records`` after a key, at most ``limit``."""
    start = bisect_right(records, after, key=lambda record: record.key)
    last = min(len(records), start + limit) if limit else len(records)
    return Page(records[start:last], revision, len(records) - last)
