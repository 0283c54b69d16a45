"""The audit log's files: lines appended to ``audit.log``, put aside by size and every day, the oldest deleted."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import Counter

from boatyard.machinery.runtime.world import World
from boatyard.machinery.telemetry.logs import get_logger

log = get_logger("audit")

LOST = Counter("boatyard_audit_lost", "Lines of the audit log that could not be written.")
DAY_SECONDS = 86400


class AuditLog:
    """Writes lines to ``file``.

    A line is with the operating system when :meth:`write` returns: it survives the end of this process, not that of the machine.
    What can't be written is counted and lost; calls go on. At most ``files`` older files are kept, none longer than ``days``.
    """

    def __init__(self, file: Path, world: World, *, max_bytes: int, files: int, days: int) -> None:
        self._file, self._world = file, world
        self._max_bytes, self._files, self._days = max_bytes, files, days
        self._descriptor = -1
        self._bytes = 0
        self._ends_at = 0.0
        self._torn = False
        self._failing = False

    def write(self, line: bytes) -> None:
        """Append a line (without its end)."""
        data = b"\n" + line + b"\n" if self._torn else line + b"\n"
        try:
            now = self._world.now()
            if self._descriptor < 0:
                self._open(now)
                data = b"\n" + line + b"\n" if self._torn else line + b"\n"
            elif self._bytes and (self._bytes + len(data) > self._max_bytes or now >= self._ends_at):
                self._put_aside(now)
            written = os.write(self._descriptor, data)
        except OSError as error:
            self._lose(error)
            return
        self._bytes += written
        self._torn = written < len(data)
        if self._torn:
            self._lose(OSError("the disk is full"))
        else:
            self._failing = False

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _lose(self, error: OSError) -> None:
        LOST.inc()
        if not self._failing:
            log.error("the audit log can't be written: calls go on and aren't told", why=str(error))
        self._failing = True

    def _open(self, now: float) -> None:
        """Go on with the file of the same day, whose last line a crash may have torn."""
        with suppress(FileNotFoundError):
            found = self._file.stat()
            if found.st_size and (_day(found.st_mtime) != _day(now) or found.st_size >= self._max_bytes):
                self._rename(now)
        self._begin(now)
        self._delete_old(now)

    def _begin(self, now: float) -> None:
        descriptor = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._descriptor, self._bytes = descriptor, os.fstat(descriptor).st_size
        self._torn = bool(self._bytes) and os.pread(descriptor, 1, self._bytes - 1) != b"\n"
        self._ends_at = (_day(now) + 1) * DAY_SECONDS

    def _put_aside(self, now: float) -> None:
        self._rename(now)
        self.close()
        self._begin(now)
        self._delete_old(now)

    def _rename(self, now: float) -> None:
        target, number = self._aside(now), 1
        while target.exists():
            number += 1
            target = self._aside(now, f"-{number}")
        os.rename(self._file, target)

    def _aside(self, now: float, more: str = "") -> Path:
        """The name of what is put aside now: by their names they are in order."""
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")
        return self._file.with_name(f"{self._file.stem}-{stamp}{more}.log")

    def _delete_old(self, now: float) -> None:
        older = sorted(self._file.parent.glob(f"{self._file.stem}-*.log"))
        last = self._aside(now - self._days * DAY_SECONDS)
        for number, file in enumerate(reversed(older)):
            if number >= self._files or file < last:
                with suppress(OSError):
                    file.unlink()


def _day(seconds: float) -> int:
    return int(seconds // DAY_SECONDS)
