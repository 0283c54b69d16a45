"""Leaving nothing of former values behind in a database file: SQLite only marks freed pages as free."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def scrub(path: Path) -> None:
    """Write the file anew without what was deleted or replaced in it, and empty its write-ahead log.

    Nobody else may have it open. Needs as much free space as the file takes. Raises OSError when the disk is full or fails.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        raise OSError(f"{path} can't be written anew: {error}") from error
    finally:
        connection.close()
