"""From older formats to this one: a copy is kept first, then one transaction for each step."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from boatyard.machinery.store import statements as sql
from boatyard.machinery.store.hold import sync_directory
from boatyard.machinery.store.sums import current_sum, history_sum


def migrate(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    """Bring the open file from format ``version`` to this program's. Returns the copy of the older one that is kept beside it.

    Raises sqlite3.Error, OSError; then the file is as it was, and the next start tries again.
    """
    kept = path.with_name(f"{path.name}.format-{version}")
    copy(connection, kept)
    upgrade(connection, version)
    return kept


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """The steps alone. Raises sqlite3.Error; then the steps before the one that failed are done."""
    for step in range(version, sql.FORMAT):
        connection.execute("BEGIN IMMEDIATE")
        try:
            _STEPS[step](connection)
            connection.execute(f"PRAGMA user_version = {step + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def copy(connection: sqlite3.Connection, target: Path, look: Callable[[Path], None] = lambda part: None) -> None:
    """One state of the file as a file of its own, private, durable, whole or not at all. ``look`` sees it before it has its name.

    Raises sqlite3.Error, OSError, and what ``look`` does.
    """
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        # Made before SQLite does: what it makes could be read by others until its mode is changed.
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        connection.execute("VACUUM INTO ?", (str(part),))
        descriptor = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        look(part)
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_directory(target.parent)


def _to_2(connection: sqlite3.Connection) -> None:
    """Checksums for every row, and the size of the history."""
    connection.create_function("current_sum", 4, current_sum, deterministic=True)
    connection.create_function("history_sum", 6, history_sum, deterministic=True)
    connection.execute("ALTER TABLE current ADD COLUMN sum INTEGER NOT NULL DEFAULT 0")
    connection.execute("ALTER TABLE history ADD COLUMN sum INTEGER NOT NULL DEFAULT 0")
    connection.execute("UPDATE current SET sum = current_sum(key, value, created, modified)")
    connection.execute("UPDATE history SET sum = history_sum(position, key, previous, created, modified, deleted)")
    connection.execute(
        "INSERT INTO state SELECT 'history_bytes', cast(total(length(key) + coalesce(length(previous), 0)) AS INTEGER) FROM history"
    )


_STEPS: dict[int, Callable[[sqlite3.Connection], None]] = {1: _to_2}
