"""From a path to connections: the file is ours, whole as far as a look tells, and of this program's format."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from boatyard.machinery.store import statements as sql
from boatyard.machinery.store import wal
from boatyard.machinery.store.faults import StoreFormatError, damaged, fault
from boatyard.machinery.store.hold import Hold
from boatyard.machinery.store.migrations import migrate

CHECKPOINT_PAGES = 1000
"""Pages of the write-ahead log after which its content moves into the database: some 8 MB."""
LOG_BYTES = 64 * 1024 * 1024
"""What the write-ahead log is cut to after a long reader kept it from starting over."""

RESTORING = "-restoring"
"""Ends the name of what a restore is about to put in place."""


class Opened(NamedTuple):
    """A store's connections and the lock on it."""

    writing: sqlite3.Connection
    reading: sqlite3.Connection
    hold: Hold


def open_store(path: Path, *, expected: bool) -> Opened:
    """Open the file, make it (unless it is ``expected`` to be there), or bring it to the current format.

    Raises StoreInUse, StoreFormatError, Damaged, and OSError when it can't be read or written.
    """
    hold = Hold(path)
    connections: list[sqlite3.Connection] = []
    try:
        hold.take()
        look_before(path, expected=expected)
        look_at(path)
        if not path.exists():
            # Made here, private; SQLite gives the files beside it the same mode.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connections.append(connect(path))
        _prepare(connections[0], path, format_of(connections[0], path))
        connections.append(connect(path))
        connections[1].execute("PRAGMA query_only = ON")
        return Opened(connections[0], connections[1], hold)
    except BaseException as error:
        for connection in connections:
            connection.close()
        hold.release()
        if isinstance(error, sqlite3.Error):
            raise fault(error, path) from error
        if isinstance(error, OSError):
            raise OSError(f"the database {path} can't be opened: {error.strerror or error}") from error
        raise


def look_at(path: Path) -> None:
    """Judge the file and its write-ahead log, and change neither: a connection that can write moves the log into the file when it
    is closed, over what may still be told from it. Raises StoreFormatError, Damaged, sqlite3.Error, OSError."""
    if not path.exists() or not path.stat().st_size or path.with_name(path.name + "-journal").exists():
        return  # A journal is there only when the making of the file was cut off: SQLite takes that back.
    connection = connect(path, read_only=True)
    try:
        format_of(connection, path)
        _look_at_log(path)
    finally:
        connection.close()


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode. Raises sqlite3.Error."""
    name = f"{path.absolute().as_uri()}?mode=ro" if read_only else str(path)
    connection = sqlite3.connect(name, uri=read_only, isolation_level=None, check_same_thread=False, cached_statements=64)
    connection.execute("PRAGMA busy_timeout = 10000")
    return connection


def format_of(connection: sqlite3.Connection, path: Path) -> int:
    """The format of a store, 0 for an empty file. Reads the write-ahead log. Raises StoreFormatError, sqlite3.Error."""
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != sql.APPLICATION_ID and (application or tables or version):
        raise StoreFormatError(f"{path} is a database of another program")
    if version > sql.FORMAT:
        raise StoreFormatError(f"{path} has format {version}; this program knows formats up to {sql.FORMAT}. Use a newer boatyard.")
    return version


def look_before(path: Path, *, expected: bool) -> None:
    """Before SQLite touches anything: it would begin anew where a file is missing, and take away what is left of it.

    Raises Damaged, OSError.
    """
    log, mark = path.with_name(path.name + "-wal"), path.with_name(path.name + "-used")
    log_bytes = log.stat().st_size if log.exists() else 0
    if not path.exists() and path.with_name(path.name + RESTORING).exists():
        raise damaged(path, "a restore was cut off; repeat it")
    if not path.exists() or not path.stat().st_size:
        if log_bytes or mark.exists() or expected:
            state = "empty" if path.exists() else "missing"
            raise damaged(path, f"the file is {state}, and this installation was in use")
        return
    with open(path, "rb") as file:
        first = file.read(16)
    if first != b"SQLite format 3\0":
        raise damaged(path, "its first bytes are not those of a database")
    if mark.exists() and not log_bytes:
        raise damaged(path, f"its write-ahead log {log.name} is lost, and commits with it; both files belong together")


def _look_at_log(path: Path) -> None:
    """While a connection has read the log. Closing a file that SQLite has open ends the locks that this process has on it, so this
    must not happen while another connection of this process is open."""
    log, shared = path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
    if not log.exists() or not shared.exists():
        return
    descriptor = os.open(shared, os.O_RDONLY | os.O_CLOEXEC)
    try:
        lost = wal.lost(log, wal.valid_frames(descriptor))
    finally:
        os.close(descriptor)
    if lost:
        raise damaged(path, lost)


def _prepare(connection: sqlite3.Connection, path: Path, version: int) -> None:
    if version == 0:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    if version == 0:
        connection.executescript(
            f"BEGIN; {sql.CREATE} PRAGMA application_id = {sql.APPLICATION_ID}; PRAGMA user_version = {sql.FORMAT}; COMMIT;"
        )
    elif version < sql.FORMAT:
        migrate(connection, path, version)
    _agree(connection, path)


def _agree(connection: sqlite3.Connection, path: Path) -> None:
    """The counters fit the history: the last commit is the last row, unless all are forgotten."""
    names = dict(connection.execute("SELECT name, value FROM state"))
    revision, compacted = names.get("revision"), names.get("compacted")
    last = (connection.execute(sql.LAST_POSITION).fetchone()[0] or 0) >> sql.POSITION_BITS
    if not isinstance(revision, int) or not isinstance(compacted, int) or "history_bytes" not in names:
        raise damaged(path, f"its counters are missing or no numbers: {names}")
    if not 0 <= compacted <= revision or last > revision or (last < revision and compacted < revision):
        told = f"revision {revision}, compacted {compacted}, last change {last}"
        raise damaged(path, f"its counters and its history disagree: {told}")
