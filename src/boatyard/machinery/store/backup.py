"""A store's way back: copies of one state of it, also while it is in use, and putting such a copy in its place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from boatyard.machinery.store import statements as sql
from boatyard.machinery.store.check import Report
from boatyard.machinery.store.faults import damaged, fault
from boatyard.machinery.store.hold import Hold, sync_directory
from boatyard.machinery.store.migrations import copy, upgrade
from boatyard.machinery.store.opening import RESTORING, connect, format_of, look_at, look_before

EPOCH = 1_000_000_000
"""A restored store begins at a multiple of this that is at least so much beyond every revision it may ever have told."""


class Restored(NamedTuple):
    """What a restore did."""

    told: int
    """The revision of the backup."""
    revision: int
    """The revision at which the store goes on."""
    aside: Path | None
    """Where what was there before is kept."""


def backup(path: Path, target: Path, judge: Callable[[Path], Report]) -> Report:
    """Copy one state of the store to ``target``: private, durable, whole or not at all, and only if ``judge`` finds it sound.

    Raises Damaged, StoreFormatError, OSError (FileExistsError when ``target`` is there).
    """
    if target.exists():
        raise FileExistsError(f"{target} exists: choose another name")
    if not path.is_file():
        raise FileNotFoundError(f"there is no database at {path}")
    reports: list[Report] = []

    def look(part: Path) -> None:
        report = judge(part)
        reports.append(report)
        if not report.sound:
            told = "; ".join(f"{where}: {what}" for where, what in report.findings[:3])
            raise damaged(path, f"it was not backed up, because the copy isn't sound: {told}")

    try:
        connection = connect(path, read_only=True)
        try:
            format_of(connection, path)
            copy(connection, target, look)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise fault(error, path) from error
    return reports[0]


def restore(path: Path, source: Path, judge: Callable[[Path], Report]) -> Restored:
    """Put the backup ``source`` in place of the store, which must not be in use. What was there is kept aside.

    Revisions are never used twice: the store goes on at one that nobody can have heard of, and remembers nothing before it. Whoever
    watches from an earlier one is told to list anew (410), and sees what the backup holds.

    Cut off anywhere, the store is the old one, or the new one, or refuses to open until the restore is repeated.
    Raises StoreInUse, Damaged when the backup isn't sound, StoreFormatError, OSError.
    """
    hold = Hold(path).take()
    try:
        report = judge(source)
        if not report.sound:
            told = "; ".join(f"{where}: {what}" for where, what in report.findings[:3])
            raise damaged(source, f"nothing was restored: {told}")
        fresh = path.with_name(path.name + RESTORING)
        told = _make(source, fresh)
        revision = (max(told, _last_revision(path)) // EPOCH + 2) * EPOCH
        _begin_at(fresh, revision)
        aside = _set_aside(path)
        hold.clear_mark()
        os.replace(fresh, path)
        sync_directory(path.parent)
    except sqlite3.Error as error:
        raise fault(error, source) from error
    finally:
        hold.release()
    return Restored(told, revision, aside)


def _make(source: Path, fresh: Path) -> int:
    """The backup in this program's format. Returns its revision."""
    for leftover in (fresh, fresh.with_name(fresh.name + "-journal")):
        leftover.unlink(missing_ok=True)
    connection = connect(source, read_only=True)
    try:
        version = format_of(connection, source)
        copy(connection, fresh)
    finally:
        connection.close()
    connection = connect(fresh)
    try:
        upgrade(connection, version)
        return connection.execute(sql.REVISION).fetchone()[0]
    finally:
        connection.close()


def _last_revision(path: Path) -> int:
    """The last revision of what is there, as far as it can be read."""
    try:
        look_before(path, expected=False)
        look_at(path)
        connection = connect(path, read_only=True)
        try:
            return int(connection.execute(sql.REVISION).fetchone()[0])
        finally:
            connection.close()
    except Exception:
        # Damaged in whatever way: this is what a restore is for, and the new revision is far beyond any that was likely.
        return 0


def _begin_at(fresh: Path, revision: int) -> None:
    connection = connect(fresh)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM history")
        connection.execute(sql.SET_REVISION, (revision,))
        connection.execute(sql.SET_COMPACTED, (revision,))
        connection.execute(sql.SET_HISTORY_BYTES, (0,))
        connection.execute("COMMIT")
    finally:
        connection.close()


def _set_aside(path: Path) -> Path | None:
    """Move the old database and its log, which belong together, before anything is put in their place: a log that met another
    database would be written into it."""
    log = path.with_name(path.name + "-wal")
    if not path.exists() and not log.exists():
        return None
    number = 1
    while (aside := path.parent / f"replaced-{number}").exists():
        number += 1
    aside.mkdir(mode=0o700)
    for file in (path, log):
        if file.exists():
            os.replace(file, aside / file.name)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    for directory in (aside, path.parent):
        sync_directory(directory)
    return aside
