"""A container's output as a file in the CRI log format, with bounded memory, a cap, and a disk that may be full.

``2026-01-01T00:00:00.000000000Z stdout F text``: F ends a line, P is a piece of a longer one. Bytes are kept as they come.
The format is the one of Kubernetes' ``kuberuntime/logs``.
"""

from __future__ import annotations

import errno
import os
import time

PIECE = 16 * 1024
"""Longest text of one record; longer lines become several."""
LOOK_BYTES = 1024 * 1024
"""How much is written between two looks at the room that is left."""
LEAST_SHARE, LEAST_BYTES = 20, 256 * 1024 * 1024
"""A log leaves a twentieth of the disk, at most so many bytes, to those who must write down what became of its pod."""


class Lines:
    """Cuts one stream into records. Holds at most one piece of an unfinished line."""

    def __init__(self, stream: str) -> None:
        self._stream = stream.encode()
        self._rest = b""

    def feed(self, data: bytes, stamp: bytes) -> bytes:
        """The records that ``data`` completes."""
        full = stamp + b" " + self._stream + b" F "
        part = stamp + b" " + self._stream + b" P "
        lines = (self._rest + data).split(b"\n")
        rest = lines.pop()
        records = b""
        if lines:
            if max(map(len, lines)) <= PIECE:
                records = full + (b"\n" + full).join(lines) + b"\n"
            else:
                records = b"".join(self._cut(line, part, full) for line in lines)
        if len(rest) > PIECE:
            keep = len(rest) % PIECE or PIECE
            pieces = [rest[at : at + PIECE] for at in range(0, len(rest) - keep, PIECE)]
            records += b"".join(part + piece + b"\n" for piece in pieces)
            rest = rest[-keep:]
        self._rest = rest
        return records

    def end(self, stamp: bytes) -> bytes:
        """The record of a last line without a line feed."""
        rest, self._rest = self._rest, b""
        return stamp + b" " + self._stream + b" F " + rest + b"\n" if rest else b""

    @staticmethod
    def _cut(line: bytes, part: bytes, full: bytes) -> bytes:
        if len(line) <= PIECE:
            return full + line + b"\n"
        pieces = [line[at : at + PIECE] for at in range(0, len(line), PIECE)]
        return b"".join(part + piece + b"\n" for piece in pieces[:-1]) + full + pieces[-1] + b"\n"


class LogFile:
    """Appends records. What can't be kept is counted in ``lost`` and said in the log, never raised: the pipe must be drained."""

    def __init__(self, path: str, cap: int) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._fd).st_size
        self._cap = cap
        self._capped = False
        self._gap = 0
        self._gap_reason = ""
        self._look_at = 0
        self._streams = {"stdout": Lines("stdout"), "stderr": Lines("stderr")}
        self.lost = 0

    def feed(self, stream: str, data: bytes) -> None:
        self._append(self._streams[stream].feed(data, timestamp()), len(data))

    def note(self, text: str) -> None:
        """A line of the supervisor's own."""
        self._append(timestamp() + b" stderr F boatyard: " + text.encode() + b"\n", 0)

    def close(self) -> None:
        if self._fd >= 0:
            for lines in self._streams.values():
                self._append(lines.end(timestamp()), 0)
            self._append(b"", 0)
            os.close(self._fd)
            self._fd = -1

    def _append(self, records: bytes, raw: int) -> None:
        if self._capped:
            self.lost += raw
            return
        if self._gap:
            gap = b" stderr F boatyard: %d bytes of output are lost here: %s\n" % (self._gap, self._gap_reason.encode())
            records = timestamp() + gap + records
        if self._size + len(records) > self._cap:
            self._capped = True
            self.lost += raw
            end = b" stderr F boatyard: the log has reached its limit of %d bytes; the rest is dropped\n" % self._cap
            records = timestamp() + end
        if not records:
            return
        try:
            self._leave_room()
            written = 0
            while written < len(records):
                written += os.write(self._fd, records[written:])
            self._size += len(records)
            self._gap = 0
        except OSError as error:
            self.lost += raw
            self._gap += raw
            self._gap_reason = error.strerror or str(error)
            self._truncate()

    def _leave_room(self) -> None:
        """Raises OSError when the disk is nearly full."""
        if self._size < self._look_at:
            return
        disk = os.fstatvfs(self._fd)
        if disk.f_bavail * disk.f_frsize < min(disk.f_blocks * disk.f_frsize // LEAST_SHARE, LEAST_BYTES):
            raise OSError(errno.ENOSPC, "the disk is nearly full")
        self._look_at = self._size + LOOK_BYTES

    def _truncate(self) -> None:
        """Half a record would glue itself to the next one."""
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            pass


_second = -1
_prefix = b""


def timestamp() -> bytes:
    """Now, RFC 3339 with nanoseconds, UTC."""
    global _second, _prefix
    second, nanos = divmod(time.time_ns(), 1_000_000_000)
    if second != _second:
        _second, _prefix = second, time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second)).encode()
    return _prefix + b"%09dZ" % nanos


def tail(path: str, limit: int) -> bytes:
    """The text of the last records, at most ``limit`` bytes: a termination message where the container left none."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 3 * limit - PIECE))
            records = file.read().split(b"\n")
    except OSError:
        return b""
    if size > 3 * limit + PIECE:
        records = records[1:]
    text = b""
    for record in records:
        fields = record.split(b" ", 3)
        if len(fields) == 4:
            text += fields[3] + (b"\n" if fields[2] == b"F" else b"")
    return text[-limit:]
