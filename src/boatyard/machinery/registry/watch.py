"""watch: changes after a revision, as a selection of objects sees them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import NamedTuple, TypeAlias

import msgspec

from boatyard.machinery.meta.errors import Gone
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry import documents, keys
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.list import reached
from boatyard.machinery.registry.selection import Selection
from boatyard.machinery.store.store import Change, Compacted, Record, Sink

PAGE_BYTES = 64 * 1024
"""What is there is read so much at a time, as a slow watcher keeps it in memory. The first page is of …"""
FIRST_PAGE, LONGEST_PAGE = 10, 200
"""… objects; later ones go by how long the objects of the one before were."""


class RecordEvent(NamedTuple):
    """One event. ``value`` is the stored document (empty for a BOOKMARK), ``revision`` its resourceVersion in the event."""

    type: str
    value: bytes
    revision: int

    def json(self, resource: Resource) -> bytes:
        """The object as JSON with its resourceVersion. ``resource`` is what was watched: a BOOKMARK says only that."""
        if self.type == "BOOKMARK":
            return msgspec.json.encode(self.object(resource))
        return documents.with_revision(self.value, self.revision)

    def object(self, resource: Resource) -> Object:
        """The object with its resourceVersion, without its managed fields, read-only: all watchers of this process are shown the
        same one."""
        if self.type == "BOOKMARK":
            metadata = {"resourceVersion": str(self.revision)}
            return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}
        return documents.shared(self.value, self.revision)


Span: TypeAlias = tuple[int, str, int, str]
"""The first and the last of some changes, by revision and key."""


class Batch:
    """Events that came together: some of what is there, changes of a span of revisions, or a BOOKMARK."""

    __slots__ = ("_changes", "_events", "_selection", "span", "there")

    def __init__(
        self, events: list[RecordEvent] | None = None, *, changes: Sequence[Change] | None = None,
        selection: Selection | None = None, there: bool = False,
    ) -> None:  # fmt: skip
        self.there = there
        """More of what is there follows at once."""
        self._events, self._changes, self._selection = events, changes, selection
        self.span: Span | None = None
        """For one prefix and selection, batches of one span are the same. None for what isn't made of changes."""
        if changes:
            self.span = (changes[0].revision, changes[0].key, changes[-1].revision, changes[-1].key)

    @property
    def events(self) -> list[RecordEvent]:
        """The events; made when asked for, since who has seen a batch of the same span needn't."""
        if self._events is None:
            assert self._changes is not None and self._selection is not None
            found = (seen(change, self._selection) for change in self._changes)
            self._events = [event for event in found if event]
        return self._events


SinkOf: TypeAlias = Callable[[Callable[[Sequence[Change]], Batch]], Sink]
"""Makes a sink, given what makes a batch of changes: the same for all watchers of one kind, namespace and selection, so one of
them may make it for all."""


def watch(
    ledger: Ledger, kind: Kind, namespace: str | None, selection: Selection, *, resource_version: str = "", bookmarks: bool = True,
    initial_end: bool = False, sink: SinkOf | None = None,
) -> AsyncGenerator[Batch, None]:  # fmt: skip
    """Events after ``resource_version``; without one, or from "0", ADDED for what is there and then what changes.

    With ``initial_end`` a BOOKMARK follows what is there. Raises Gone when the revision is compacted away or this watcher fell too
    far behind, ServerTimeout when it lies in the future. A slow watcher costs itself only: what is there is read as it takes it.
    Changes are offered to the ``sink`` first, while the watcher waits for the next batch.
    """
    after, now = reached(ledger, resource_version or "0"), ledger.store.revision
    there = not after or initial_end
    prefix = keys.prefix(kind.resource, namespace)
    return _batches(ledger, prefix, selection, now if there else after, bookmarks, there, initial_end, sink)


async def _batches(
    ledger: Ledger, prefix: str, selection: Selection, after: int, bookmarks: bool, there: bool, initial_end: bool,
    sink: SinkOf | None,
) -> AsyncGenerator[Batch, None]:  # fmt: skip
    def batch_of(changes: Sequence[Change]) -> Batch:
        return Batch(changes=changes, selection=selection)

    try:
        for page in _what_is_there(ledger, prefix, after) if there else ():
            found = [record for record in page if not selection or selection.matches(record.key, record.value)]
            yield Batch([RecordEvent("ADDED", record.value, record.modified) for record in found], there=True)
        if there:
            yield Batch([RecordEvent("BOOKMARK", b"", after)] if initial_end else [])
        async with aclosing(ledger.store.watch(prefix, after, selection.route, sink and sink(batch_of))) as batches:
            async for changes in batches:
                if changes:
                    yield batch_of(changes)
                elif bookmarks:
                    yield Batch([RecordEvent("BOOKMARK", b"", max(after, ledger.store.revision))])
    except Compacted as error:
        raise Gone(f"too old resource version: {error.revision} ({error.oldest})") from error


def _what_is_there(ledger: Ledger, prefix: str, revision: int) -> Iterator[list[Record]]:
    """Pages as of a revision."""
    last, limit = "", FIRST_PAGE
    while True:
        page = ledger.store.range(prefix, after=last, limit=limit, revision=revision, count=False)
        yield page.records
        if not page.remaining:
            return
        last = page.records[-1].key
        size = sum([len(record.value) for record in page.records])
        limit = max(1, min(LONGEST_PAGE, PAGE_BYTES * len(page.records) // size))


def seen(change: Change, selection: Selection) -> RecordEvent | None:
    """What a change looks like to who sees only a selection: objects enter (ADDED) and leave (DELETED) it."""
    if not selection:
        type = "DELETED" if change.deleted else "ADDED" if change.previous is None else "MODIFIED"
        return RecordEvent(type, change.value, change.revision)
    before = change.previous is not None and selection.matches(change.key, change.previous)
    now = not change.deleted and selection.matches(change.key, change.value)
    if now:
        return RecordEvent("MODIFIED" if before else "ADDED", change.value, change.revision)
    if before and change.previous is not None:
        return RecordEvent("DELETED", change.previous, change.revision)
    return None
