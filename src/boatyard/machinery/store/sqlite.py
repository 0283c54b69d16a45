"""The store on SQLite: WAL, every group of commits synced to the disk before anybody hears of it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from boatyard.machinery.store import statements as sql
from boatyard.machinery.store.hub import WatchHub
from boatyard.machinery.store.memory import prefix_end
from boatyard.machinery.store.store import Change, Compacted, Operation, Page, Record, Route
from boatyard.machinery.store.undo import Undo, as_of, changes
from boatyard.machinery.store.writer import Writer


class StoreFormatError(Exception):
    """The file is no store of ours, or one written by a newer program."""


class SqliteStore:
    """A :class:`~boatyard.machinery.store.store.Store` in one file.

    Reads run on the caller's thread against their own connection (some 15 us each); one writer thread commits in groups.
    """

    def __init__(self, path: Path, reader: sqlite3.Connection, writer: Writer) -> None:
        self.path = path
        self._reader = reader
        self._writer = writer
        self._hub = WatchHub()
        self._revision: int = reader.execute(sql.REVISION).fetchone()[0]
        self._compacted: int = reader.execute(sql.COMPACTED).fetchone()[0]
        writer.start(self._revision, self._publish)

    @classmethod
    async def open(cls, path: str | Path) -> SqliteStore:
        """Open or create the file. Raises StoreFormatError, or sqlite3.DatabaseError when the file is damaged."""
        path = Path(path)
        writing = _connect(path)
        _prepare(writing, path)
        reading = _connect(path)
        reading.execute("PRAGMA query_only = ON")
        return cls(path, reading, Writer(writing, asyncio.get_running_loop()))

    @property
    def revision(self) -> int:
        return self._revision

    def get(self, key: str) -> Record | None:
        row = self._reader.execute(sql.GET, (key,)).fetchone()
        return Record._make(row) if row else None

    def range(self, prefix: str, *, after: str = "", limit: int = 0, revision: int = 0) -> Page:
        bounds = (after, prefix, prefix_end(prefix))
        with self._snapshot() as now:
            published = min(now, self._revision)
            if revision and revision < published:
                return self._past_range(prefix, after, limit, revision)
            if now > published and self._rows_since(prefix, published):
                # The writer is ahead of what watchers were told: a page is of a revision that they know.
                return self._past_range(prefix, after, limit, published)
            records = self._current(prefix, after, limit or -1)
            more = bool(limit) and len(records) == limit
            remaining = self._reader.execute(sql.COUNT, (records[-1].key, *bounds[1:])).fetchone()[0] if more else 0
            return Page(records, published, remaining)

    def _past_range(self, prefix: str, after: str, limit: int, revision: int) -> Page:
        if revision < self._compacted:
            raise Compacted(revision, self._compacted)
        rows = [row for row in self._rows_since(prefix, revision) if row.key > after]
        if not limit:
            return Page(as_of(self._current(prefix, after, -1), rows), revision, 0)
        # What was changed since may push as many out of the page at most; so many more are read.
        touched = {row.key for row in rows}
        current = self._current(prefix, after, limit + len(touched))
        whole = len(current) < limit + len(touched)
        end = prefix_end(prefix) if whole else current[-1].key
        records = as_of(current, [row for row in rows if row.key <= end])
        page = records[:limit]
        remaining = len(records) - len(page)
        if not whole:
            # Beyond what was read: what is there now, without what came since, and with what went since.
            beyond = [row for row in rows if row.key > end]
            count = self._reader.execute(sql.COUNT, (end, prefix, prefix_end(prefix))).fetchone()[0]
            there = {row.key for row in beyond if self.get(row.key)}
            remaining += count - len(there) + len(as_of([], beyond))
        return Page(page, revision, remaining)

    def _current(self, prefix: str, after: str, limit: int) -> list[Record]:
        bounds = (after, prefix, prefix_end(prefix), limit)
        return [Record(*row) for row in self._reader.execute(sql.RANGE, bounds)]

    def _rows_since(self, prefix: str, revision: int) -> list[Undo]:
        bounds = ((revision + 1) << sql.POSITION_BITS, prefix, prefix_end(prefix))
        return [Undo._make(row) for row in self._reader.execute(sql.CHANGES_SINCE, bounds)]

    def _snapshot(self) -> _Snapshot:
        return _Snapshot(self._reader)

    async def commit(self, operations: Sequence[Operation]) -> int:
        return await self._writer.commit(operations)

    def _publish(self, revision: int, changes: list[Change]) -> None:
        self._revision = revision
        self._hub.publish(changes)

    async def watch(self, prefix: str, after: int, route: Route | None = None) -> AsyncGenerator[list[Change]]:
        if after < self._compacted:
            raise Compacted(after, self._compacted)
        async with aclosing(self._hub.watch(prefix, after, self._past(prefix, after), route)) as batches:
            async for batch in batches:
                yield batch

    def _past(self, prefix: str, after: int) -> list[Change]:
        with self._snapshot() as now:
            if after >= now:
                return []
            rows = self._rows_since(prefix, after)
            current = (self.get(key) for key in sorted({row.key for row in rows}))
            return changes(rows, {record.key: record for record in current if record})

    async def compact(self, revision: int) -> None:
        revision = min(revision, self._revision)
        if revision > self._compacted:
            self._compacted = revision
            await self._writer.compact(revision)

    async def close(self) -> None:
        self._hub.close()
        await self._writer.close()
        self._reader.close()


class _Snapshot:
    """Several reads of one state of the file. Enters with that state's revision."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> int:
        self._connection.execute("BEGIN")
        return self._connection.execute(sql.REVISION).fetchone()[0]

    def __exit__(self, *exception: object) -> None:
        self._connection.execute("COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)
    connection.execute("PRAGMA busy_timeout = 10000")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application not in (0, sql.APPLICATION_ID):
        raise StoreFormatError(f"{path} is a database of another program")
    if version > sql.FORMAT:
        raise StoreFormatError(f"{path} has format {version}; this program knows formats up to {sql.FORMAT}")
    if version == 0:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    if version == 0:
        connection.executescript(
            f"BEGIN; {sql.CREATE} PRAGMA application_id = {sql.APPLICATION_ID}; PRAGMA user_version = {sql.FORMAT}; COMMIT;"
        )
