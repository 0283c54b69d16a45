"""The one thread that writes: takes whatever commits are waiting, carries them out in one transaction, syncs once for all."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from boatyard.machinery.store import statements as sql
from boatyard.machinery.store.memory import check
from boatyard.machinery.store.store import Change, Delete, KeyConflict, Operation

GROUP = 256
"""Commits of one transaction at most."""
BITE = 500
"""Rows of history forgotten in one transaction."""


class _Commit(NamedTuple):
    operations: Sequence[Operation]
    done: asyncio.Future[int]


class _Compact(NamedTuple):
    revision: int
    done: asyncio.Future[None]


class Writer:
    """Owns the writing connection. Its methods are called on the event loop; the work happens on its thread."""

    def __init__(self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._loop = loop
        self._inbox: queue.SimpleQueue[_Commit | _Compact | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._revision = 0
        self._compact_to = 0
        self._publish: Callable[[int, list[Change]], None] = lambda revision, changes: None
        self._closed = False
        self._ended: asyncio.Future[None] = loop.create_future()

    def start(self, revision: int, publish: Callable[[int, list[Change]], None]) -> None:
        """Begin to write after ``revision``; ``publish`` is called on the event loop with what became durable, in order."""
        self._revision = revision
        self._publish = publish
        self._thread.start()

    async def commit(self, operations: Sequence[Operation]) -> int:
        """See ``Store.commit``. A caller that is cancelled doesn't take the commit back."""
        if self._closed:
            raise OSError("the store is closed")
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
        self._connection.close()
        self._tell(_succeed, self._ended)

    def _write(self, commits: list[_Commit]) -> None:
        before = self._revision
        results: list[tuple[asyncio.Future[int], int | Exception]] = []
        changes: list[Change] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for commit in commits:
                try:
                    changes += self._carry_out(commit.operations)
                    results.append((commit.done, self._revision))
                except KeyConflict as conflict:
                    results.append((commit.done, conflict))
            if changes:
                self._connection.execute(sql.SET_REVISION, (self._revision,))
            self._connection.execute("COMMIT")
        except Exception as error:
            self._revision = before
            changes = []
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            failure = OSError(f"not written: {error}") if isinstance(error, sqlite3.Error) else error
            results = [(commit.done, failure) for commit in commits]
        self._tell(self._settle, self._revision, changes, results)

    def _carry_out(self, operations: Sequence[Operation]) -> list[Change]:
        """All checks come before the first write, so a conflict leaves nothing behind in the group's transaction."""
        execute = self._connection.execute
        found: list[tuple[bytes | None, int, int]] = []
        for operation in operations:
            row = execute(sql.FOUND, (operation.key,)).fetchone() or (None, 0, 0)
            check(operation, row[2])
            found.append(row)
        revision = self._revision + 1
        changes: list[Change] = []
        for number, (operation, (value, created, modified)) in enumerate(zip(operations, found, strict=True)):
            deleted = isinstance(operation, Delete)
            execute(sql.LOG, (revision << sql.POSITION_BITS | number, operation.key, value, created, modified, deleted))
            if isinstance(operation, Delete):
                execute(sql.DELETE, (operation.key,))
                changes.append(Change(operation.key, value or b"", value, revision, created, True))
                continue
            if value is None:
                created = revision
                execute(sql.INSERT, (operation.key, operation.value, revision, revision))
            else:
                execute(sql.UPDATE, (operation.value, revision, operation.key))
            changes.append(Change(operation.key, operation.value, value, revision, created, False))
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

    def _forget(self, item: _Compact) -> None:
        """One bite; what is left goes to the end of the queue, behind the commits that came meanwhile."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            if item.revision > self._compact_to:
                self._connection.execute(sql.SET_COMPACTED, (item.revision,))
            gone = self._connection.execute(sql.FORGET, ((item.revision + 1) << sql.POSITION_BITS, BITE)).rowcount
            self._connection.execute("COMMIT")
            self._compact_to = max(self._compact_to, item.revision)
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._tell(_fail, item.done, OSError(f"not compacted: {error}"))
            return
        if gone == BITE and not self._closed:
            self._inbox.put(item)
            return
        if gone:
            self._connection.execute("PRAGMA incremental_vacuum(200)")
        self._tell(_succeed, item.done)

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
