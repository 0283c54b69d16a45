"""Server-side apply: a manager says the fields it wants; the server merges them, remembers who owns what, and tells conflicts.

Pure functions over documents without their ``managedFields``, which are handed over apart (``managers.py``). Rules are those of
Kubernetes' ``managedfields`` and of structured-merge-diff's ``Updater``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from boatyard.machinery.meta.errors import Conflict
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.machinery.patch.field_set import FieldSet, Path, told
from boatyard.machinery.patch.go_form import as_written
from boatyard.machinery.patch.last_applied import KUBECTL, last_applied, remembered, unchanged_fields
from boatyard.machinery.patch.managers import Manager, capped
from boatyard.machinery.patch.removal import pruned
from boatyard.machinery.patch.typed import Changes, compare, field_set, merge
from boatyard.machinery.schema.structural import Structural

BEFORE_FIRST_APPLY = "before-first-apply"
"""Who owns what an object without any entries has, from its first apply on."""
NOBODYS = FieldSet.of(
    ("f:apiVersion",), ("f:kind",), ("f:metadata",), ("f:metadata", "f:name"), ("f:metadata", "f:namespace"),
    ("f:metadata", "f:creationTimestamp"), ("f:metadata", "f:selfLink"), ("f:metadata", "f:uid"), ("f:metadata", "f:clusterName"),
    ("f:metadata", "f:generation"), ("f:metadata", "f:managedFields"), ("f:metadata", "f:resourceVersion"),
)  # fmt: skip
"""What the server sets: nobody owns it."""
_NOTHING = FieldSet()


class Door(NamedTuple):
    """By what way a write comes in."""

    manager: str
    api_version: str
    subresource: str = ""
    reset: tuple[Path, ...] = ()
    """Fields that can't be set this way, and so aren't owned by who tries."""

    closed: tuple[str, ...] = ()
    """The members of the document itself among them, which needn't be compared."""


def merge_apply(
    live: Object | None, managers: list[Manager], applied: Object, door: Door, schema: Structural, force: bool, now: float
) -> tuple[Object, list[Manager]]:
    """The object and its managers after ``applied`` was applied to ``live`` (None: it is created).

    Fields that the manager applied before, doesn't apply now, and that nobody else owns, go. What may not be set by this way is
    merged all the same, for the kind to take back; nobody gets to own it. Nothing is changed in place; the result shares parts with
    both documents, and is ``live`` itself when nothing changes. ``now`` is in seconds since the epoch. Raises Conflict with a cause
    FieldManagerConflict per field that another manager owns with another value, unless ``force``; BadRequest when a keyed list's
    item lacks its key.
    """
    said = field_set(schema, applied).without(*door.reset)
    fields = said - NOBODYS
    base: Object = as_written(schema, live, applied) if live is not None else {}
    if live is not None and not managers:
        managers = updated(None, live, [], door._replace(manager=BEFORE_FIRST_APPLY), schema, now)
    mine = Manager(door.manager, "Apply", door.api_version, door.subresource, fields, rfc3339(now))
    previous = next((other for other in managers if other.identity == mine.identity), None)
    others = [other for other in managers if other.identity != mine.identity]
    result = merge(schema, base, applied)
    if previous is not None and previous.fields == fields:
        mine = mine._replace(time=previous.time)
    elif previous is not None and previous.fields - fields:
        owned = said
        for other in others:
            owned = owned | other.fields
        result = pruned(schema, result, previous.fields, owned) or {}
    settled = others
    if result is base:
        result = live if live is not None else result
    else:
        changes = _compared(schema, base, result, door)
        last = last_applied(live, door.api_version) if door.manager == KUBECTL and not force else None
        allowed = unchanged_fields(schema, last, base) if last is not None else _NOTHING
        settled = _settled(changes, others, force, allowed)
        mine = mine._replace(time=rfc3339(now))
    if door.manager == KUBECTL:
        result = remembered(result, applied)
    return result, capped([*settled, mine] if fields else settled)


def updated(
    before: Object | None, after: Object, managers: list[Manager], door: Door, schema: Structural, now: float
) -> list[Manager]:
    """The managers once ``door.manager`` changed ``before`` (None: there was nothing) into ``after`` by another verb than apply.

    What it changed it owns, alone; what it removed nobody owns.
    """
    changes = _compared(schema, before or {}, after, door)
    taken = (changes.modified | changes.added) - NOBODYS
    mine = Manager(door.manager, "Update", door.api_version, door.subresource, taken, rfc3339(now))
    previous = next((manager for manager in managers if manager.identity == mine.identity), None)
    if previous is not None:
        # What it owned and changed again is its own still.
        fields = (previous.fields - changes.removed) | taken
        mine = (mine if taken else previous)._replace(fields=fields)
        managers = [manager for manager in managers if manager is not previous]
    settled = _settled(changes, managers, True) if managers else managers
    return capped([*settled, mine]) if mine.fields else settled


def _compared(schema: Structural, before: Object, after: Object, door: Door) -> Changes:
    """What a write changed of what it may change."""
    changes = compare(schema, before, after, door.closed)
    return Changes(*(part.without(*door.reset) for part in changes)) if len(door.closed) < len(door.reset) else changes


def _settled(changes: Changes, others: list[Manager], force: bool, allowed: FieldSet = _NOTHING) -> list[Manager]:
    """The other managers after the changes: what was removed nobody owns; what changed they lose, or it is a conflict, unless
    it is ``allowed``."""
    changed = changes.modified | changes.added
    if not force and (conflicts := _conflicts(others, changed, allowed)):
        raise _refusal(conflicts)
    gone = changed | changes.removed
    left: list[Manager] = []
    for other in others:
        fields = other.fields - gone
        if fields is other.fields:
            left.append(other)
        elif fields:
            left.append(other._replace(fields=fields))
    return left


def _conflicts(others: Iterable[Manager], changed: FieldSet, allowed: FieldSet) -> list[tuple[Manager, FieldSet]]:
    found = [(other, lost) for other in others if (lost := other.fields & changed)]
    return [(other, lost) for other, lost in ((other, lost - allowed) for other, lost in found) if lost]


def _refusal(conflicts: list[tuple[Manager, FieldSet]]) -> Conflict:
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": told(path)}
        for manager, lost in sorted(conflicts, key=lambda conflict: str(conflict[0]))
        for path in lost.paths()
    ]
    if len(causes) == 1:
        return Conflict(f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}", {"causes": causes})
    lines: list[str] = []
    for manager, lost in sorted(conflicts, key=lambda conflict: str(conflict[0])):
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {told(path)}" for path in lost.paths()]
    return Conflict(f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines), {"causes": causes})
