"""Container logs in CRI format: ``<RFC 3339 nano> stdout|stderr F|P <text>``, a line each. Read in pieces, never whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

BLOCK_BYTES = 65_536
HEADER_BYTES = 64
"""More than any header: time, stream and tag."""


class LogParser:
    """Turns CRI records into the container's own output. A record may come in pieces of any size; memory stays bounded."""

    def __init__(self, *, timestamps: bool = False, since: str = "") -> None:
        self._timestamps, self._since = timestamps, since
        self._rest = b""
        self._in_text = False
        self._keep = True
        self._ends_line = True
        self._continues = False

    def feed(self, data: bytes) -> bytes:
        """The output that ``data``, the next bytes of the file, completes."""
        made: list[bytes] = []
        data = self._rest + data
        self._rest = b""
        position, end = 0, len(data)
        while position < end:
            if not self._in_text:
                header = _header(data, position)
                if header is None:
                    self._rest = data[position:]
                    break
                stamp, partial, position = header
                self._in_text, self._ends_line = True, not partial
                self._keep = not self._since or stamp >= self._since
                if self._keep and self._timestamps and not self._continues:
                    made.append(stamp.encode() + b" ")
            newline = data.find(b"\n", position)
            stop = end if newline < 0 else newline
            if self._keep:
                made.append(data[position:stop])
            if newline >= 0:
                if self._keep and self._ends_line:
                    made.append(b"\n")
                self._in_text, self._continues = False, not self._ends_line
            position = stop + (newline >= 0)
        return b"".join(made)


def _header(data: bytes, position: int) -> tuple[str, bool, int] | None:
    """(time, whether the line goes on in the next record, where its text begins); None when more bytes are needed."""
    line_end = data.find(b"\n", position, position + HEADER_BYTES)
    head = data[position : position + HEADER_BYTES if line_end < 0 else line_end]
    parts = head.split(b" ", 3)
    if len(parts) == 4:
        return parts[0].decode("ascii", "replace"), parts[2].startswith(b"P"), position + len(head) - len(parts[3])
    if line_end >= 0:  # an empty text, or not our format
        if len(parts) == 3:
            return parts[0].decode("ascii", "replace"), parts[2].startswith(b"P"), line_end
        return "", False, position
    return None if len(head) < HEADER_BYTES else ("", False, position)


def tail_offset(path: Path, lines: int) -> int:
    """Where the last ``lines`` lines of the container's output begin in the file; reads backwards from the end."""
    if lines <= 0:
        return path.stat().st_size
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        full = 0
        starts = _record_starts_backwards(file, size)
        before: int | None = None
        for start, header in starts:
            ends_line = b" F " in header or header.rstrip(b"\n").endswith(b" F")
            if ends_line:
                full += 1
                if full > lines:
                    return before if before is not None else size
            before = start
        return 0


def tail_text(path: Path, lines: int, longest_bytes: int) -> str:
    """The last lines of the output, at most ``longest_bytes`` of them; empty when there is no log."""
    try:
        start = tail_offset(path, lines)
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if size - start > BLOCK_BYTES:
                start = tail_offset(path, 1) if size - start > 16 * BLOCK_BYTES else start
            file.seek(max(start, 0))
            said = LogParser().feed(file.read(16 * BLOCK_BYTES))
    except OSError:
        return ""
    return said[-longest_bytes:].decode(errors="ignore")


def _record_starts_backwards(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    """(offset, first bytes) of every record, the last first."""
    position, carried = size, b""
    end_of_block = size
    while position > 0:
        position = max(0, end_of_block - BLOCK_BYTES)
        file.seek(position)
        block = file.read(end_of_block - position)
        data = block + carried[:HEADER_BYTES]
        search = len(block) - 1 if end_of_block == size else len(block)
        while True:
            newline = block.rfind(b"\n", 0, max(search, 0))
            if newline < 0:
                break
            yield position + newline + 1, data[newline + 1 : newline + 1 + HEADER_BYTES].split(b"\n", 1)[0]
            search = newline
        carried = block
        end_of_block = position
    if size:
        file.seek(0)
        yield 0, file.read(HEADER_BYTES).split(b"\n", 1)[0]
