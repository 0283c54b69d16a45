"""watch: changes after a revision, as a selection of objects sees them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

import msgspec

from boatyard.machinery.meta.errors import Gone, ServerTimeout
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry import documents, keys
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.list import parse_revision
from boatyard.machinery.registry.selection import Selection
from boatyard.machinery.store.store import Change, Compacted


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
        """The object, fresh, with its resourceVersion."""
        if self.type == "BOOKMARK":
            metadata = {"resourceVersion": str(self.revision)}
            return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}
        return documents.decode(self.value, self.revision)


def watch(
    ledger: Ledger, kind: Kind, namespace: str | None, selection: Selection, *, resource_version: str = "", bookmarks: bool = True,
    initial_end: bool = False,
) -> AsyncGenerator[RecordEvent, None]:  # fmt: skip
    """Events after ``resource_version``; without one, or from "0", ADDED for what is there and then what changes.

    With ``initial_end`` a BOOKMARK follows what is there. Raises Gone when the revision is compacted away or this watcher fell too
    far behind, ServerTimeout when it lies in the future. A slow watcher costs itself only.
    """
    prefix = keys.prefix(kind.resource, namespace)
    after = parse_revision(resource_version or "0")
    if after > ledger.store.revision:
        raise ServerTimeout(f"Too large resource version: {after}, current: {ledger.store.revision}", {"retryAfterSeconds": 1})
    initial: list[RecordEvent] = []
    if not after or initial_end:
        page = ledger.store.range(prefix)
        after = page.revision
        chosen = [record for record in page.records if not selection or selection.matches(record.key, record.value)]
        initial = [RecordEvent("ADDED", record.value, record.modified) for record in chosen]
        if initial_end:
            initial.append(RecordEvent("BOOKMARK", b"", after))
    return _events(ledger, prefix, initial, selection, after, bookmarks)


async def _events(
    ledger: Ledger, prefix: str, initial: list[RecordEvent], selection: Selection, after: int, bookmarks: bool
) -> AsyncGenerator[RecordEvent, None]:
    try:
        async with aclosing(ledger.store.watch(prefix, after, selection.route)) as batches:  # type: ignore[type-var]
            for event in initial:
                yield event
            async for changes in batches:
                for change in changes:
                    event = seen(change, selection)
                    if event:
                        yield event
                if bookmarks and not changes:
                    yield RecordEvent("BOOKMARK", b"", max(after, ledger.store.revision))
    except Compacted as error:
        raise Gone(f"too old resource version: {error.revision} ({error.oldest})") from error


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
