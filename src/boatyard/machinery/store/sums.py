"""A checksum for every row: SQLite doesn't notice a bit that flips inside a value, and a wrong value must never be handed out."""

from __future__ import annotations

from zlib import crc32


def current_sum(key: str, value: bytes, created: int, modified: int) -> int:
    """The ``sum`` of a row of ``current``."""
    return crc32(value, crc32(f"{key}\0{created}\0{modified}".encode()))


def history_sum(position: int, key: str, previous: bytes | None, created: int, modified: int, deleted: int) -> int:
    """The ``sum`` of a row of ``history``. Nothing before and an empty value before differ."""
    head = f"{position}\0{key}\0{created}\0{modified}\0{int(deleted)}\0{previous is None}"
    return crc32(previous or b"", crc32(head.encode()))
