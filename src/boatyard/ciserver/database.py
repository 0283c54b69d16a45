"""The CI server's own memory: one SQLite file on its claim, behind a port of one verb.

A piece of work is a function from a connection to a value; it runs in one transaction, which is durable when the call returns and
has left no trace when it raises. In the program one thread does it (:class:`SqliteDatabase`); in a simulation and in tests it is
done in place (:class:`InlineDatabase`).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from boatyard.ciserver import statements

T = TypeVar("T")


class Rows(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """Where statements run; the transaction around them is not the caller's business."""

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Rows: ...


class Database(Protocol):
    """One transaction at a time."""

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in one transaction: durable when this returns, undone when it raises."""
        ...

    async def close(self) -> None:
        """Finish what was begun, release the file."""
        ...


FAULTS = (sqlite3.OperationalError, OSError)
"""What a full or failing disk raises: nothing was written; trying again may help."""


class NewerData(Exception):
    """The data on the claim was written by a newer version of this program; start that version."""


class InlineDatabase:
    """A database without a thread, in memory or in a file: for simulations and tests, and inside :class:`SqliteDatabase`."""

    def __init__(self, path: str = ":memory:") -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA cache_size=-1024")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(statements.MIGRATIONS):
            raise NewerData(f"its format is {version}, this program knows formats up to {len(statements.MIGRATIONS)}")
        for number, migration in enumerate(statements.MIGRATIONS[version:], version + 1):
            self._connection.executescript(f"BEGIN IMMEDIATE; {migration}; PRAGMA user_version={number}; COMMIT")

    def run_now(self, work: Callable[[Connection], T]) -> T:
        """:meth:`run` without waiting."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._connection)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return result

    async def run(self, work: Callable[[Connection], T]) -> T:
        return self.run_now(work)

    async def close(self) -> None:
        self._connection.close()


class SqliteDatabase:
    """The file on the claim, used by one thread of its own."""

    def __init__(self, inner: InlineDatabase, thread: ThreadPoolExecutor) -> None:
        self._inner = inner
        self._thread = thread

    @classmethod
    async def open(cls, path: Path) -> tuple[SqliteDatabase, bool]:
        """Open or make the file. The second value tells that it was unreadable and was put aside as ``<name>.broken``: what it
        knew comes back from the archive and from the API. Raises NewerData, OSError."""
        thread = ThreadPoolExecutor(1, "database")
        loop = asyncio.get_running_loop()
        try:
            inner, broken = await loop.run_in_executor(thread, _open, path)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(inner, thread), broken

    async def run(self, work: Callable[[Connection], T]) -> T:
        future = asyncio.get_running_loop().run_in_executor(self._thread, self._inner.run_now, work)
        # A cancelled caller must not leave a transaction half told: what was handed over is carried out.
        return await asyncio.shield(future)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._inner._connection.close)
        self._thread.shutdown(wait=False)


def _open(path: Path) -> tuple[InlineDatabase, bool]:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return InlineDatabase(str(path)), False
    except sqlite3.OperationalError as error:
        # A full or read-only disk is not a broken file: it must stay where it is.
        raise OSError(f"{path.name}: {error}") from error
    except sqlite3.DatabaseError:
        path.replace(path.with_name(path.name + ".broken"))
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return InlineDatabase(str(path)), True
