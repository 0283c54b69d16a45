"""Everything that must hold of a store's file, looked at row by row. Reads one state of it, also while it is in use."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from boatyard.machinery.store import statements as sql
from boatyard.machinery.store.faults import WAY_BACK, StoreInUse, fault
from boatyard.machinery.store.hold import Hold
from boatyard.machinery.store.opening import connect, format_of, look_at, look_before
from boatyard.machinery.store.store import Damaged
from boatyard.machinery.store.sums import current_sum, history_sum

MOST = 100
"""Findings told of each sort; the rest is counted."""
EVERY = 2000
"""Rows between two words of progress."""


class Finding(NamedTuple):
    """One thing that is wrong: where, and what."""

    where: str
    what: str


@dataclass
class Report:
    """What a check saw. The file is sound when there are no findings."""

    path: Path
    format: int = 0
    revision: int = 0
    compacted: int = 0
    records: int = 0
    history: int = 0
    findings: list[Finding] = field(default_factory=list)
    left_out: int = 0
    """Further findings that aren't told one by one."""

    @property
    def sound(self) -> bool:
        return not self.findings

    def add(self, where: str, what: str) -> None:
        if len(self.findings) < MOST:
            self.findings.append(Finding(where, what))
        else:
            self.left_out += 1


def check(
    path: Path, *, wrong: Callable[[str, bytes], str] = lambda key, value: "",
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Report:  # fmt: skip
    """Look at the whole file. ``wrong(key, value)`` says what is wrong with a value, nothing when it is right; ``progress`` hears
    what is looked at, how much of it is done and of how much (0: unknown).

    Raises StoreFormatError for another program's file, FileNotFoundError, and OSError when the disk fails.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no database at {path}")
    report = Report(path)
    try:
        if not _in_use(path):
            look_before(path, expected=False)
            look_at(path)
    except Damaged as error:
        report.add("file", error.message.partition(" is damaged: ")[2].removesuffix(f". {WAY_BACK}"))
    except sqlite3.Error as error:
        report.add("file", str(error))
    if not path.is_file():
        if report.sound:
            raise FileNotFoundError(f"there is no database at {path}")
        return report
    try:
        connection = connect(path, read_only=True)
        try:
            report.format = format_of(connection, path)
            connection.execute("BEGIN")
            _check(connection, report, wrong, progress)
        finally:
            connection.close()
    except sqlite3.Error as error:
        meant = fault(error, path)
        if isinstance(meant, OSError):
            raise meant from error
        if report.sound:
            report.add("file", str(error))
    return report


def _in_use(path: Path) -> bool:
    """Whether somebody writes: then the log grows while it is looked at, and whoever opened it has looked at it."""
    hold = Hold(path)
    if not hold.lock.exists():
        return False
    try:
        hold.take()
    except StoreInUse:
        return True
    hold.release()
    return False


def _check(
    connection: sqlite3.Connection, report: Report, wrong: Callable[[str, bytes], str], progress: Callable[[str, int, int], None]
) -> None:
    # Called for every million steps of SQLite's machine: somebody may be waiting.
    connection.set_progress_handler(lambda: progress("pages", 0, 0), 1_000_000)
    for (told,) in connection.execute(f"PRAGMA integrity_check({MOST})"):
        if told != "ok":
            report.add("file", told)
    connection.set_progress_handler(None, 0)
    if report.findings or report.format != sql.FORMAT:
        return  # Rows of torn pages would only repeat it; an older format has no checksums to hold against.
    names = dict(connection.execute("SELECT name, value FROM state"))
    report.revision, report.compacted = names.get("revision", -1), names.get("compacted", -1)
    report.records = connection.execute("SELECT count(*) FROM current").fetchone()[0]
    report.history = connection.execute("SELECT count(*) FROM history").fetchone()[0]
    statement = "SELECT key, value, created, modified, sum FROM current"
    for row in _counted(connection.execute(statement), "records", report.records, progress):
        _check_record(report, wrong, *row)
    statement = "SELECT position, key, previous, created, modified, deleted, sum FROM history ORDER BY position"
    size = 0
    for row in _counted(connection.execute(statement), "history", report.history, progress):
        size += len(row[1]) + len(row[2] or b"")
        if history_sum(*row[:6]) != row[6]:
            report.add(row[1], f"the history at revision {row[0] >> sql.POSITION_BITS} is not what was written")
    if size != names.get("history_bytes"):
        report.add("state", f"the history has {size} bytes; {names.get('history_bytes')} are counted")
    _check_revisions(connection, report)
    _check_undo(connection, report)


def _counted(rows: sqlite3.Cursor, what: str, total: int, progress: Callable[[str, int, int], None]) -> Iterator[tuple]:
    for number, row in enumerate(rows):
        if number % EVERY == 0:
            progress(what, number, total)
        yield row
    progress(what, total, total)


def _check_record(
    report: Report, wrong: Callable[[str, bytes], str], key: str, value: bytes, created: int, modified: int, total: int
) -> None:
    if current_sum(key, value, created, modified) != total:
        report.add(key, "the record is not what was written")
    elif not 0 < created <= modified <= report.revision:
        report.add(key, f"created at {created}, modified at {modified}; the last revision is {report.revision}")
    elif fault_of_value := wrong(key, value):
        report.add(key, fault_of_value)


def _check_revisions(connection: sqlite3.Connection, report: Report) -> None:
    """Every commit that is remembered has its changes, numbered without a gap."""
    if not 0 <= report.compacted <= report.revision:
        report.add("state", f"revision {report.revision}, compacted {report.compacted}")
        return
    revision, number = report.compacted, 0
    floor = (report.compacted + 1) << sql.POSITION_BITS
    for (position,) in connection.execute("SELECT position FROM history WHERE position >= ? ORDER BY position", (floor,)):
        at, nth = position >> sql.POSITION_BITS, position & sql.MAX_OPERATIONS - 1
        if (at, nth) not in ((revision, number), (revision + 1, 0)):
            report.add("history", f"something is missing before revision {at}")
        revision, number = at, nth + 1
    if revision != report.revision:
        report.add("history", f"it ends at revision {revision}; the last is {report.revision}")


def _check_undo(connection: sqlite3.Connection, report: Report) -> None:
    """What each change found is what the one before it left, and what the last one left is there."""
    statement = """SELECT key, position, previous IS NOT NULL, modified, deleted FROM history WHERE position >= ?
      UNION ALL SELECT key, -1, 1, modified, 0 FROM current ORDER BY key, position"""
    key, there, left, touched = "", 0, 0, False
    floor = (report.compacted + 1) << sql.POSITION_BITS
    for row_key, position, existed, modified, deleted in connection.execute(statement, (floor,)):
        if row_key != key:
            _check_end(report, key, touched, left, there)
            key, there, left, touched = row_key, 0, 0, False
        if position < 0:
            there = modified
            continue
        revision = position >> sql.POSITION_BITS
        if touched and (modified if existed else 0) != left:
            report.add(key, f"revision {revision} found it at {modified}, but it had been left at {left}")
        touched, left = True, 0 if deleted else revision
    _check_end(report, key, touched, left, there)


def _check_end(report: Report, key: str, touched: bool, left: int, there: int) -> None:
    if touched and left != there:
        report.add(key, f"it was left at revision {left}, but is there with revision {there}")
    elif not touched and there > report.compacted:
        report.add(key, f"it was changed at revision {there}, of which the history knows nothing")
