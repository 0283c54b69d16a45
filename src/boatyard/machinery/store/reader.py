"""Rows of the file as records, each proved by its checksum: what isn't as it was written is never handed out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias
from zlib import crc32

from boatyard.machinery.store import statements as sql
from boatyard.machinery.store.faults import damaged, fault
from boatyard.machinery.store.memory import prefix_end
from boatyard.machinery.store.store import Damaged, Record
from boatyard.machinery.store.sums import history_sum
from boatyard.machinery.store.undo import Undo

Row: TypeAlias = tuple[str, bytes, int, int, int]
"""Of ``current``: key, value, created, modified, sum."""


def records(rows: Iterable[Row], path: Path) -> list[Record]:
    """Raises Damaged, naming the first key whose row isn't what was written."""
    told: list[Record] = []
    for key, value, created, modified, total in rows:
        # As sums.current_sum, without the call: this is done for every record of every list.
        if crc32(value, crc32(f"{key}\0{created}\0{modified}".encode())) != total:
            raise damaged(path, f"the record of {key} is not what was written")
        told.append(Record(key, value, created, modified))
    return told


def undos(rows: Iterable[tuple[Any, ...]], path: Path) -> list[Undo]:
    """Rows of ``history``. Raises Damaged."""
    told: list[Undo] = []
    for row in rows:
        undo = Undo._make(row[:6])
        if history_sum(*undo) != row[6]:
            raise damaged(path, f"the history of {undo.key} at revision {undo.revision} is not what was written")
        told.append(undo)
    return told


class Reader:
    """Reads one connection. Every method raises Damaged, or OSError when the disk fails."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection, self._path = connection, path

    def number(self, statement: str) -> int:
        """The answer of a statement that has one."""
        try:
            return self._connection.execute(statement).fetchone()[0]
        except sqlite3.Error as error:
            raise fault(error, self._path) from error

    def get(self, key: str) -> Record | None:
        try:
            row = self._connection.execute(sql.GET, (key,)).fetchone()
            return records((row,), self._path)[0] if row else None
        except (sqlite3.Error, UnicodeError, TypeError) as error:
            raise self._unreadable(error) from error

    def range(self, prefix: str, after: str = "", limit: int = 0) -> list[Record]:
        """What is there now under a prefix, in key order."""
        try:
            return records(self._connection.execute(sql.RANGE, (after, prefix, prefix_end(prefix), limit or -1)), self._path)
        except (sqlite3.Error, UnicodeError, TypeError) as error:
            raise self._unreadable(error) from error

    def count(self, prefix: str, after: str) -> int:
        """How many keys under a prefix follow ``after``."""
        try:
            return self._connection.execute(sql.COUNT, (after, prefix, prefix_end(prefix))).fetchone()[0]
        except sqlite3.Error as error:
            raise fault(error, self._path) from error

    def since(self, prefix: str, revision: int) -> list[Undo]:
        """What happened under a prefix after a revision, in order."""
        bounds = ((revision + 1) << sql.POSITION_BITS, prefix, prefix_end(prefix))
        try:
            return undos(self._connection.execute(sql.CHANGES_SINCE, bounds), self._path)
        except (sqlite3.Error, UnicodeError, TypeError) as error:
            raise self._unreadable(error) from error

    @contextmanager
    def snapshot(self) -> Iterator[int]:
        """Several reads of one state of the file; that state's revision."""
        try:
            self._connection.execute("BEGIN")
        except sqlite3.Error as error:
            raise fault(error, self._path) from error
        try:
            yield self.number(sql.REVISION)
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()

    def _unreadable(self, error: Exception) -> Damaged | OSError:
        if isinstance(error, sqlite3.Error):
            return fault(error, self._path)
        return damaged(self._path, f"a row isn't of the form that was written ({error})")
