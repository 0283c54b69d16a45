"""The one thread that writes: takes whatever commits are waiting, carries them out in one transaction, syncs once for all."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from boatyard.machinery.store import statements as sql
from boatyard.machinery.store.faults import fault
from boatyard.machinery.store.hold import Hold
from boatyard.machinery.store.memory import check
from boatyard.machinery.store.metrics import FORGET_SECONDS, GROUP_COMMITS, SYNC_SECONDS
from boatyard.machinery.store.reader import Row, records
from boatyard.machinery.store.store import Change, Damaged, Delete, KeyConflict, Operation, Record
from boatyard.machinery.store.sums import current_sum, history_sum

GROUP = 256
"""Commits of one transaction at most."""
BITE = 500
"""Rows of history forgotten, or pages cut off the file, in one transaction."""
SPARE_PAGES = 2000
"""Free pages (some 16 MB) that the file keeps at least."""


class _Commit(NamedTuple):
    operations: Sequence[Operation]
    done: asyncio.Future[int]


class _Compact(NamedTuple):
    revision: int
    done: asyncio.Future[None]


class Writer:
    """Owns the writing connection. Its methods are called on the event loop; the work happens on its thread."""

    def __init__(self, connection: sqlite3.Connection, hold: Hold, loop: asyncio.AbstractEventLoop) -> None:
        self._connection, self._hold = connection, hold
        self._loop = loop
        self._inbox: queue.SimpleQueue[_Commit | _Compact | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._revision = 0
        self._compact_to = 0
        self.history_bytes = 0
        """How much history there is."""
        self.damage: Damaged | None = None
        """Why nothing is written any more."""
        self._marked = False
        self._publish: Callable[[int, list[Change]], None] = lambda revision, changes: None
        self._closed = False
        self._ended: asyncio.Future[None] = loop.create_future()

    def start(self, revision: int, history_bytes: int, publish: Callable[[int, list[Change]], None]) -> None:
        """Begin to write after ``revision``; ``publish`` is called on the event loop with what became durable, in order."""
        self._revision, self.history_bytes = revision, history_bytes
        self._publish = publish
        self._thread.start()

    async def commit(self, operations: Sequence[Operation]) -> int:
        """See ``Store.commit``. A caller that is cancelled doesn't take the commit back."""
        if self._closed:
            raise OSError("the store is closed")
        if self.damage:
            raise Damaged(self.damage.message)
        if len(operations) > sql.MAX_OPERATIONS:
            raise ValueError(f"{len(operations)} operations in one commit; at most {sql.MAX_OPERATIONS}")
        done: asyncio.Future[int] = self._loop.create_future()
        self._inbox.put(_Commit(operations, done))
        return await done

    async def compact(self, revision: int) -> None:
        """Forget history up to and including ``revision``, a bite at a time between commits."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._inbox.put(_Compact(revision, done))
        await done

    async def close(self) -> None:
        """Finish what is waiting, then close the connection."""
        if not self._closed:
            self._closed = True
            self._inbox.put(None)
        await asyncio.shield(self._ended)

    # Everything below runs on the writer's thread.

    def _run(self) -> None:
        going = True
        while going:
            first = self._inbox.get()
            waiting = [first]
            while len(waiting) < GROUP:
                try:
                    waiting.append(self._inbox.get_nowait())
                except queue.Empty:
                    break
            going = None not in waiting
            commits = [item for item in waiting if isinstance(item, _Commit)]
            if commits:
                self._write(commits)
            for item in waiting:
                if isinstance(item, _Compact):
                    self._forget(item)
        try:
            self._hold.clear_mark()
        except OSError:
            pass  # The file system is read-only: the log can't go either, and the next start finds both.
        self._connection.close()
        self._tell(_succeed, self._ended)

    def _write(self, commits: list[_Commit]) -> None:
        before, bytes_before = self._revision, self.history_bytes
        results: list[tuple[asyncio.Future[int], int | Exception]] = []
        changes: list[Change] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for commit in commits:
                try:
                    changes += self._carry_out(commit.operations)
                    results.append((commit.done, self._revision))
                except (KeyConflict, Damaged) as refusal:
                    results.append((commit.done, refusal))
            if changes:
                self._connection.execute(sql.SET_REVISION, (self._revision,))
                self._connection.execute(sql.SET_HISTORY_BYTES, (self.history_bytes,))
            with SYNC_SECONDS.time():
                self._connection.execute("COMMIT")
        except Exception as error:
            self._revision, self.history_bytes = before, bytes_before
            changes = []
            failure = self._undo(error)
            results = [(commit.done, failure) for commit in commits]
        if changes and not self._marked:
            self._mark()
        GROUP_COMMITS.observe(len(commits))
        self._tell(self._settle, self._revision, changes, results)

    def _mark(self) -> None:
        try:
            self._hold.set_mark()
            self._marked = True
        except OSError:
            pass  # The next group tries again: only the news of a lost log depends on it.

    def _undo(self, error: Exception) -> Exception:
        """Take the transaction back; what its callers are told."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as worse:
            error = worse
        if not isinstance(error, sqlite3.Error):
            return error
        meant = fault(error, self._hold.path)
        if isinstance(meant, Damaged):
            self.damage = meant
            return meant
        return OSError(f"not written: {meant}")

    def _carry_out(self, operations: Sequence[Operation]) -> list[Change]:
        """All checks come before the first write, so a refusal leaves nothing behind in the group's transaction."""
        execute = self._connection.execute
        found: list[Record | None] = []
        for operation in operations:
            row: Row | None = execute(sql.GET, (operation.key,)).fetchone()
            record = records((row,), self._hold.path)[0] if row else None
            check(operation, record.modified if record else 0)
            found.append(record)
        revision = self._revision + 1
        changes: list[Change] = []
        for number, (operation, record) in enumerate(zip(operations, found, strict=True)):
            key, position = operation.key, revision << sql.POSITION_BITS | number
            deleted = isinstance(operation, Delete)
            _, value, created, modified = record or Record(key, b"", 0, 0)
            previous = value if record else None
            total = history_sum(position, key, previous, created, modified, deleted)
            execute(sql.LOG, (position, key, previous, created, modified, deleted, total))
            self.history_bytes += len(key) + len(value)
            if isinstance(operation, Delete):
                execute(sql.DELETE, (key,))
                changes.append(Change(key, value, previous, revision, created, True))
                continue
            if record is None:
                created = revision
            total = current_sum(key, operation.value, created, revision)
            if record is None:
                execute(sql.INSERT, (key, operation.value, created, revision, total))
            else:
                execute(sql.UPDATE, (operation.value, revision, total, key))
            changes.append(Change(key, operation.value, previous, revision, created, False))
        self._revision = revision
        return changes

    def _settle(self, revision: int, changes: list[Change], results: list[tuple[asyncio.Future[int], int | Exception]]) -> None:
        """On the event loop: watchers hear of the changes before the callers who made them."""
        if changes:
            self._publish(revision, changes)
        for done, result in results:
            if done.done():
                continue
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)

    @FORGET_SECONDS.time()
    def _forget(self, item: _Compact) -> None:
        """One bite; what is left goes to the end of the queue, behind the commits that came meanwhile."""
        bytes_before = self.history_bytes
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            if item.revision > self._compact_to:
                self._connection.execute(sql.SET_COMPACTED, (item.revision,))
            last, rows, size = self._connection.execute(sql.OLDEST, ((item.revision + 1) << sql.POSITION_BITS, BITE)).fetchone()
            if rows:
                self._connection.execute(sql.FORGET, (last,))
                self.history_bytes = max(0, self.history_bytes - int(size))
                self._connection.execute(sql.SET_HISTORY_BYTES, (self.history_bytes,))
            self._connection.execute("COMMIT")
            self._compact_to = max(self._compact_to, item.revision)
            more = rows == BITE or self._give_back()
        except sqlite3.Error as error:
            self.history_bytes = bytes_before
            meant = self._undo(error)
            self._tell(_fail, item.done, meant if isinstance(meant, Damaged) else OSError(f"not compacted: {meant}"))
            return
        if more and not self._closed:
            self._inbox.put(item)
        else:
            self._tell(_succeed, item.done)

    def _give_back(self) -> bool:
        """Cut some free pages off the file when many are free; whether to go on. A store that churns uses its free pages again, and
        moving pages about for nothing would cost what it does."""
        free = self._connection.execute("PRAGMA freelist_count").fetchone()[0]
        pages = self._connection.execute("PRAGMA page_count").fetchone()[0]
        if free <= max(SPARE_PAGES, pages // 4):
            return False
        self._connection.execute(f"PRAGMA incremental_vacuum({BITE})").fetchall()
        return True

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            # The loop is closed: nobody is left to hear. What is on the disk stays.
            self._closed = True


def _fail(done: asyncio.Future[None], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)


def _succeed(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
