"""Records that were read or written lately: what every request looks up (who calls, its namespace) is read once, not each time."""

from __future__ import annotations

from collections.abc import Sequence

from boatyard.machinery.store.store import Change, Record

BYTES = 8 * 1024 * 1024
LARGEST = 64 * 1024
"""Longer values aren't kept."""
_OVERHEAD = 300
"""About what a record costs besides its value."""


class Recent:
    """By key. Follows what is published, so that it never tells less than watchers know."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._bytes = 0

    def get(self, key: str) -> Record | None:
        """The record, if it is among them."""
        return self._records.get(key)

    def keep(self, record: Record) -> None:
        """A record as it was just read."""
        if len(record.value) > LARGEST:
            return
        self._records[record.key] = record
        self._bytes += len(record.value) + _OVERHEAD
        while self._bytes > BYTES:
            self._drop(next(iter(self._records)))

    def follow(self, changes: Sequence[Change]) -> None:
        """What was published. A record read since is newer already."""
        for change in changes:
            found = self._records.get(change.key)
            if found is None or found.modified >= change.revision:
                continue
            self._drop(change.key)
            if not change.deleted:
                self.keep(Record(change.key, change.value, change.created, change.revision))

    def _drop(self, key: str) -> None:
        self._bytes -= len(self._records.pop(key).value) + _OVERHEAD
