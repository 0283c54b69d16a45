"""The store on SQLite: WAL, every group of commits synced to the disk before anybody hears of it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from pathlib import Path

from boatyard.machinery.store import statements as sql
from boatyard.machinery.store.counts import Counts
from boatyard.machinery.store.faults import damaged, fault
from boatyard.machinery.store.hub import WatchHub
from boatyard.machinery.store.memory import prefix_end
from boatyard.machinery.store.metrics import Size, bytes_of
from boatyard.machinery.store.opening import Opened, connect, open_store
from boatyard.machinery.store.reader import Reader
from boatyard.machinery.store.recent import Recent
from boatyard.machinery.store.store import Change, Compacted, Damaged, Operation, Page, Record, Route, Sink
from boatyard.machinery.store.undo import as_of, changes
from boatyard.machinery.store.writer import Writer

NICENESS = 10
"""Of the look at every page. Not the utmost: the write-ahead log can't start over while it reads."""


class SqliteStore:
    """A :class:`~boatyard.machinery.store.store.Store` in one file.

    Reads run on the caller's thread against their own connection (some 15 us each); one writer thread commits in groups.
    """

    def __init__(self, path: Path, opened: Opened) -> None:
        self.path = path
        self._hold = opened.hold
        self._reader = Reader(opened.reading, path)
        self._writer = Writer(opened.writing, opened.hold, asyncio.get_running_loop())
        self._hub = WatchHub()
        self._verifying: sqlite3.Connection | None = None
        self._closed = False
        self._recent = Recent()
        self._counts = Counts()
        self._revision = self._reader.number(sql.REVISION)
        self._compacted = self._reader.number(sql.COMPACTED)
        self._writer.start(self._revision, self._reader.number(sql.HISTORY_BYTES), self._publish)

    @classmethod
    async def open(cls, path: str | Path, *, expected: bool = False) -> SqliteStore:
        """Open the file, or make it unless it is ``expected`` to be there.

        Raises StoreInUse, StoreFormatError, Damaged when it isn't what was written or is missing, OSError.
        """
        path = Path(path)
        return cls(path, open_store(path, expected=expected))

    @property
    def revision(self) -> int:
        return self._revision

    @property
    def history_bytes(self) -> int:
        return self._writer.history_bytes

    def get(self, key: str) -> Record | None:
        record = self._recent.get(key)
        if record is None and (record := self._reader.get(key)) is not None:
            self._recent.keep(record)
        return record

    def range(self, prefix: str, *, after: str = "", limit: int = 0, revision: int = 0, count: bool = True) -> Page:
        with self._reader.snapshot() as now:
            published = min(now, self._revision)
            if revision and revision < published:
                return self._past_range(prefix, after, limit, revision, count)
            if now > published and self._reader.since(prefix, published):
                # The writer is ahead of what watchers were told: a page is of a revision that they know.
                return self._past_range(prefix, after, limit, published, count)
            records = self._reader.range(prefix, after, limit + 1 if limit else 0)
            if not limit or len(records) <= limit:
                return Page(records, published, 0)
            records.pop()
            return Page(records, published, self._remaining(prefix, after, records) if count else 1)

    def _remaining(self, prefix: str, after: str, page: Sequence[Record]) -> int:
        """How many keys follow a page of what is there now and published."""
        if after > prefix:
            return self._reader.count(prefix, page[-1].key)
        total = self._counts.get(prefix)
        if total is None:
            total = len(page) + self._reader.count(prefix, page[-1].key)
            self._counts.keep(prefix, total)
        return total - len(page)

    def _past_range(self, prefix: str, after: str, limit: int, revision: int, count: bool) -> Page:
        if revision < self._compacted:
            raise Compacted(revision, self._compacted)
        rows = [row for row in self._reader.since(prefix, revision) if row.key > after]
        if not limit:
            return Page(as_of(self._reader.range(prefix, after), rows), revision, 0)
        # What was changed since may push as many out of the page at most; so many more are read.
        touched = {row.key for row in rows}
        asked = limit + len(touched) + 1
        current = self._reader.range(prefix, after, asked)
        whole = len(current) < asked
        end = prefix_end(prefix) if whole else current[-1].key
        records = as_of(current, [row for row in rows if row.key <= end])
        page = records[:limit]
        remaining = len(records) - len(page)
        if not whole and (count or not remaining):
            # Beyond what was read: what is there now, without what came since, and with what went since.
            beyond = [row for row in rows if row.key > end]
            there = {row.key for row in beyond if self._reader.get(row.key)}
            remaining += self._reader.count(prefix, end) - len(there) + len(as_of([], beyond))
        return Page(page, revision, remaining)

    async def commit(self, operations: Sequence[Operation]) -> int:
        return await self._writer.commit(operations) if operations else self._revision

    def _publish(self, revision: int, changes: list[Change]) -> None:
        self._revision = revision
        self._recent.follow(changes)
        self._counts.follow(changes)
        self._hub.publish(changes)

    async def watch(
        self, prefix: str, after: int, route: Route | None = None, sink: Sink | None = None
    ) -> AsyncGenerator[list[Change]]:
        if after < self._compacted:
            raise Compacted(after, self._compacted)
        async with aclosing(self._hub.watch(prefix, after, self._past(prefix, after), route, sink)) as batches:
            async for batch in batches:
                yield batch

    def _past(self, prefix: str, after: int) -> list[Change]:
        with self._reader.snapshot() as now:
            if after >= now:
                return []
            rows = self._reader.since(prefix, after)
            current = (self._reader.get(key) for key in sorted({row.key for row in rows}))
            return changes(rows, {record.key: record for record in current if record})

    async def compact(self, revision: int) -> None:
        revision = min(revision, self._revision)
        if revision > self._compacted:
            self._compacted = revision
            await self._writer.compact(revision)

    def size(self) -> Size:
        """How large it is at this moment."""
        log = self.path.with_name(self.path.name + "-wal")
        damaged = self._writer.damage is not None
        return Size(bytes_of(self.path), bytes_of(log), self._writer.history_bytes, self._revision, self._compacted, damaged)

    async def verify(self) -> None:
        """Look at every page, on a thread and a connection of its own; what is there is served meanwhile. For once after the start:
        rows are proved whenever they are read, but pages that nobody reads may be torn for long.

        Raises Damaged, after which nothing is written any more; OSError.
        """
        self._verifying = connect(self.path, read_only=True)
        thread = ThreadPoolExecutor(1, initializer=_give_way)
        try:
            told = await asyncio.get_running_loop().run_in_executor(thread, _torn, self._verifying)
        except sqlite3.Error as error:
            if self._closed:
                return
            meant = fault(error, self.path)
            if not isinstance(meant, Damaged):
                raise meant from error
            told = str(error)
        finally:
            thread.shutdown(wait=False)
            self._verifying.close()
            self._verifying = None
        if told:
            self._writer.damage = damaged(self.path, told)
            raise self._writer.damage

    async def close(self) -> None:
        self._closed = True
        if self._verifying is not None:
            self._verifying.interrupt()
        self._hub.close()
        await self._writer.close()
        self._reader.close()
        self._hold.release()


def _give_way() -> None:
    """This thread works in what time others leave. Linux knows niceness by thread. One that may not stays as it is."""
    thread = threading.get_native_id()
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))


def _torn(connection: sqlite3.Connection) -> str:
    """What is wrong with the pages; empty when nothing is."""
    told = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    return "" if told == ["ok"] else "; ".join(told)
