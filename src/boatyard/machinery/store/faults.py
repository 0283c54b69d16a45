"""What can be wrong with the file, in words for whoever can mend it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from boatyard.machinery.store.store import Damaged

WAY_BACK = "`boatyard store check` tells more; `boatyard store restore FILE` goes back to a backup and keeps this one aside"


class StoreFormatError(Exception):
    """The file is no store of ours, or one written by a newer program."""


class StoreInUse(Exception):
    """Another process has the file open for writing."""


def damaged(path: Path, what: str) -> Damaged:
    """The error for a file whose content is wrong."""
    return Damaged(f"the database {path} is damaged: {what}. {WAY_BACK}")


def fault(error: sqlite3.Error, path: Path) -> Damaged | OSError:
    """What an error of SQLite means: Damaged when the content is wrong, else OSError."""
    extended = getattr(error, "sqlite_errorcode", None) or 0
    code = extended & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path, str(error))
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return OSError("the disk is full; it goes on by itself when there is space again")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return OSError(f"{path} can't be written to or opened ({error}): is its file system mounted read-only, whose is the file?")
    if code == sqlite3.SQLITE_IOERR:
        return OSError(f"the disk failed under {path}: {error}")
    return OSError(str(error))
