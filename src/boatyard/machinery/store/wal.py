"""What SQLite's write-ahead log should hold and doesn't (https://sqlite.org/walformat.html).

SQLite takes the log up to the first frame that isn't whole and forgets the rest without a word: right for the torn end that a power
cut leaves, wrong when the medium lost what had been synced. The two can be told apart. A transaction is synced before the next one
begins, so a power cut leaves the frames of at most one transaction beyond the last whole one; the ends of two mean that the first
of them had been acknowledged. Damage to the very last transaction can't be told from a power cut; nor can etcd's log.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

_HEADER, _FRAME_HEADER = 32, 24
_MAGIC = 0x377F0682
_FRAMES_AT = 16
"""Where the shared-memory header has the number of valid frames."""


def valid_frames(shared_memory: int) -> int:
    """How many frames of the log SQLite takes for good, from the ``-shm`` file; right after it read the log."""
    return struct.unpack("=I", os.pread(shared_memory, 4, _FRAMES_AT))[0]


def lost(log: Path, valid: int) -> str:
    """What of the log is lost beyond its ``valid`` frames; empty when nothing is. Raises OSError."""
    with open(log, "rb") as file:
        header = file.read(_HEADER)
        size = os.fstat(file.fileno()).st_size
        if size <= _HEADER:
            return ""
        magic, _, page_size, _, salt_1, salt_2, sum_1, sum_2 = struct.unpack(">8I", header)
        if magic & ~1 != _MAGIC or _sum(header[:24], big_endian=bool(magic & 1)) != (sum_1, sum_2):
            return "the first bytes of its write-ahead log are not what was written; the commits in it can't be read"
        step = _FRAME_HEADER + page_size
        ends = 0
        for offset in range(_HEADER + valid * step, size - step + 1, step):
            file.seek(offset)
            _, pages_after_commit, first, second = struct.unpack(">4I", file.read(16))
            ends += bool(pages_after_commit) and (first, second) == (salt_1, salt_2)
    if ends < 2:
        return ""
    return f"its write-ahead log breaks off after frame {valid}, and at least {ends - 1} commits that were acknowledged follow"


def _sum(data: bytes, *, big_endian: bool) -> tuple[int, int]:
    words = struct.unpack(f"{'>' if big_endian else '<'}{len(data) // 4}I", data)
    first = second = 0
    for one, two in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second
