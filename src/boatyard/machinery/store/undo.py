"""Reading the undo log: pure functions from rows of ``history`` and current records to events and to past values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from boatyard.machinery.store.statements import POSITION_BITS
from boatyard.machinery.store.store import Change, Damaged, Record


class Undo(NamedTuple):
    """A row of ``history``: what a key was before a change."""

    position: int
    key: str
    previous: bytes | None
    created: int
    modified: int
    deleted: int

    @property
    def revision(self) -> int:
        """The revision of the change."""
        return self.position >> POSITION_BITS


def changes(rows: list[Undo], current: Mapping[str, Record]) -> list[Change]:
    """The events that the rows tell of, in order. A change's value is what the key's next change found, or what is there now.

    Raises Damaged when there is no such value."""
    told: list[Change] = []
    values: dict[str, bytes | None] = {key: record.value for key, record in current.items()}
    births: dict[str, int] = {key: record.created for key, record in current.items()}
    for row in reversed(rows):
        value = row.previous if row.deleted else values.get(row.key)
        created = row.created if row.deleted else births.get(row.key, row.revision)
        if value is None:
            raise Damaged(f"the history of {row.key} has a gap after revision {row.revision}: `boatyard store check` tells more")
        told.append(Change(row.key, value, row.previous, row.revision, created, bool(row.deleted)))
        values[row.key] = row.previous
        births[row.key] = row.created
    told.reverse()
    return told


def as_of(current: Iterable[Record], rows: list[Undo]) -> list[Record]:
    """The records, in key order, as they were before the rows' changes."""
    records = {record.key: record for record in current}
    for row in reversed(rows):
        if row.previous is None:
            records.pop(row.key, None)
        else:
            records[row.key] = Record(row.key, row.previous, row.created, row.modified)
    return [records[key] for key in sorted(records)]
