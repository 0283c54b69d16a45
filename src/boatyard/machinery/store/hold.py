"""Who has the store open: a lock that ends with its process, and a mark that outlives a crash."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from boatyard.machinery.store.faults import StoreInUse


class Hold:
    """The lock on ``<store>-lock`` (flock: it ends with the process, whatever ends it), and the file ``<store>-used``.

    The mark means: commits were acknowledged that may be in the write-ahead log alone. It is made after the first commit and
    removed when the store is closed in order; a mark without a log tells that the log was lost.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mark = path.with_name(path.name + "-used")
        self.lock = path.with_name(path.name + "-lock")
        self._lock = -1

    def take(self) -> Hold:
        """Raises StoreInUse, OSError."""
        lock = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise StoreInUse(f"another process has the database {self.path} open: end it first (`boatyard down`)") from None
        self._lock = lock
        return self

    def set_mark(self) -> None:
        """Raises OSError."""
        os.close(os.open(self.mark, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        sync_directory(self.path.parent)

    def clear_mark(self) -> None:
        """Raises OSError."""
        self.mark.unlink(missing_ok=True)
        sync_directory(self.path.parent)

    def release(self) -> None:
        """After the connections are closed."""
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
