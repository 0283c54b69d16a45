"""Server-side apply: a manager says the fields it wants; the server merges them, remembers who owns what, and tells conflicts.

Ownership is tracked from an object's first apply on. What was there before belongs to the manager ``before-first-apply``, but
for what kubectl applied by itself before (``last_applied.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from boatyard.machinery.meta.errors import Conflict
from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.meta.timestamps import parse_time, rfc3339
from boatyard.machinery.patch.field_set import FieldSet, Path, told
from boatyard.machinery.patch.last_applied import CLIENT_SIDE, KUBECTL, last_applied, owned_fields, remember, unchanged_fields
from boatyard.machinery.patch.typed import Changes, compare, field_set, merge, without
from boatyard.machinery.schema.structural import Structural

BEFORE_FIRST_APPLY = "before-first-apply"
MAX_UPDATERS = 10
"""Entries of other verbs beyond this many are joined, the oldest first, under ``ancient-changes``."""
ANCIENT = "ancient-changes"

_SERVER_SET: tuple[Path, ...] = (
    ("f:apiVersion",), ("f:kind",), ("f:metadata", "f:name"), ("f:metadata", "f:namespace"), ("f:metadata", "f:creationTimestamp"),
    ("f:metadata", "f:selfLink"), ("f:metadata", "f:uid"), ("f:metadata", "f:generation"), ("f:metadata", "f:managedFields"),
    ("f:metadata", "f:resourceVersion"),
)  # fmt: skip
"""Nobody owns these."""
_NOTHING = FieldSet()


@dataclass(frozen=True, slots=True)
class Manager:
    """One entry of ``metadata.managedFields``."""

    name: str
    operation: str
    """Apply or Update."""
    api_version: str
    subresource: str
    fields: FieldSet
    time: str = ""

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes it one manager; an applier stays the same from version to version."""
        return (self.operation, self.name, self.subresource, "" if self.operation == "Apply" else self.api_version)

    def __str__(self) -> str:
        name = f'"{self.name}"' + (f' with subresource "{self.subresource}"' if self.subresource else "")
        return f"{name} using {self.api_version}" if self.operation == "Update" else name


def merge_apply(
    live: Object | None, applied: Object, manager: str, schema: Structural, force: bool, now: float, subresource: str = "",
    reset: Iterable[Path] = (),
) -> Object:  # fmt: skip
    """The object after ``manager`` applied ``applied`` (in normal form) to ``live`` (None: it is created).

    Fields that the manager applied before, doesn't apply now, and that nobody else owns, go. ``reset`` are fields that this call
    can't set (``("f:status",)`` on the object itself): they are left out. Nothing changed: the result equals ``live``. ``now`` is
    in seconds since the epoch. Raises Conflict with a cause FieldManagerConflict per field that another manager owns with another
    value, unless ``force``; BadRequest when a keyed list's item lacks its key.
    """
    reset = tuple(reset)
    unowned = (*_SERVER_SET, *reset)
    wanted = _bare(applied)
    for path in reset:
        wanted = without(schema, wanted, path)
    fields = _owned(field_set(schema, wanted), unowned)
    base = _bare(live) if live is not None else {}
    last = last_applied(live)
    managers = managers_of(live) if live is not None else []
    if live is not None and not managers:
        managers = _before(schema, base, last, wanted["apiVersion"], now)
    mine = Manager(manager, "Apply", wanted["apiVersion"], subresource, fields, rfc3339(now))
    previous = next((other for other in managers if other.identity == mine.identity), None)
    others = [other for other in managers if other.identity != mine.identity]
    result = merge(schema, base, wanted)
    same = previous is not None and previous.fields == fields
    if previous is not None and not same:
        owned = fields
        for other in others:
            owned = owned | other.fields
        for path in list((previous.fields - fields).paths()):
            if not _leads_somewhere(owned, path):
                result = without(schema, result, path)
    allowed = unchanged_fields(schema, last, base) if manager == KUBECTL and last is not None else _NOTHING
    settled = _settle(compare(schema, base, result), others, force, unowned, allowed)
    result = copied(result)
    if manager == KUBECTL:
        remember(result, wanted)
    if live is not None and same and settled == others and result == base:
        return copied(live)
    return _with_managers(result, [*settled, mine] if fields else settled)


def update_managers(
    before: Object, after: Object, manager: str, schema: Structural, now: float, subresource: str = "", reset: Iterable[Path] = ()
) -> Object:
    """``after`` with managed fields as they are once ``manager`` changed ``before`` into it by a verb other than apply.

    What the manager changed it owns, alone; what it removed nobody owns. An object that nobody ever applied isn't tracked. Managed
    fields that the caller wrote itself replace those of ``before``; one empty entry (``[{}]``) clears them.
    """
    asked = after.get("metadata", {}).get("managedFields")
    result = _bare(after)
    if asked == [{}]:
        return result
    managers = managers_of(after) if asked and not subresource else managers_of(before)
    if not managers:
        return result
    base = _bare(before)
    unowned = (*_SERVER_SET, *reset)
    changes = compare(schema, base, result)
    taken = _owned(changes.modified | changes.added, unowned)
    managers = _settle(changes, managers, True, unowned)
    if taken:
        mine = Manager(manager, "Update", result["apiVersion"], subresource, taken, rfc3339(now))
        kept: list[Manager] = []
        for other in managers:
            if other.identity == mine.identity:
                mine = replace(mine, fields=mine.fields | other.fields)
            else:
                kept.append(other)
        managers = _capped([*kept, mine])
    return _with_managers(result, managers)


def managers_of(obj: Object) -> list[Manager]:
    """The entries of ``metadata.managedFields``; those that can't be read are left out."""
    found: list[Manager] = []
    for entry in obj.get("metadata", {}).get("managedFields") or ():
        if entry.get("fieldsType", "FieldsV1") == "FieldsV1" and entry.get("operation") in ("Apply", "Update"):
            fields = FieldSet.from_v1(entry.get("fieldsV1") or {})
            found.append(
                Manager(
                    entry.get("manager", ""), entry["operation"], entry.get("apiVersion", ""), entry.get("subresource", ""), fields,
                    entry.get("time") or "",
                )
            )  # fmt: skip
    return found


def _before(schema: Structural, base: Object, last: Object | None, api_version: str, now: float) -> list[Manager]:
    """Who owns what of an object that nobody applied here yet: what a client says it applied, and all the rest."""
    rest = _owned(field_set(schema, base), _SERVER_SET)
    applied = rest & owned_fields(schema, last) if last is not None else _NOTHING
    found = ((CLIENT_SIDE, applied), (BEFORE_FIRST_APPLY, rest - applied))
    return [Manager(name, "Update", api_version, "", fields, rfc3339(now)) for name, fields in found if fields]


def _settle(
    changes: Changes, others: list[Manager], force: bool, unowned: tuple[Path, ...], allowed: FieldSet = _NOTHING
) -> list[Manager]:
    """The other managers after the changes: what was removed nobody owns; what changed they lose, or it is a conflict, unless
    it is ``allowed``."""
    changed = _owned(changes.modified | changes.added, unowned)
    conflicts = [(other, lost) for other in others if (lost := (other.fields & changed) - allowed)]
    if conflicts and not force:
        raise _conflict(conflicts)
    left = [replace(other, fields=other.fields - changed - changes.removed) for other in others]
    return [other for other in left if other.fields]


def _conflict(conflicts: list[tuple[Manager, FieldSet]]) -> Conflict:
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


def _owned(fields: FieldSet, unowned: tuple[Path, ...]) -> FieldSet:
    left = fields.without(*unowned)
    metadata = left.below.get("f:metadata")
    if metadata is None:
        return left
    below = {step: inner for step, inner in left.below.items() if step != "f:metadata"}
    if metadata.below:
        below["f:metadata"] = FieldSet(False, metadata.below)
    return FieldSet(False, below)


def _leads_somewhere(fields: FieldSet, path: Path) -> bool:
    """Whether the set has the path or anything below it."""
    node = fields
    for step in path:
        if step not in node.below:
            return False
        node = node.below[step]
    return True


def _bare(obj: Object) -> Object:
    """The object without its managed fields; it shares everything else."""
    metadata = obj.get("metadata")
    if not metadata or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {field: value for field, value in metadata.items() if field != "managedFields"}}


def _with_managers(obj: Object, managers: list[Manager]) -> Object:
    if not managers:
        return _bare(obj)
    return {**obj, "metadata": {**obj.get("metadata", {}), "managedFields": _written(managers)}}


def _capped(managers: list[Manager]) -> list[Manager]:
    updaters = sorted((m for m in managers if m.operation == "Update"), key=lambda m: (_epoch(m.time), m.name))
    surplus = updaters[: max(0, len(updaters) - MAX_UPDATERS)]
    if not surplus:
        return managers
    joined = next((m for m in managers if m.name == ANCIENT), None)
    oldest = [m for m in updaters if m.name != ANCIENT][: len(surplus) + (joined is None)]
    fields = joined.fields if joined else FieldSet()
    for manager in oldest:
        fields = fields | manager.fields
    ancient = Manager(ANCIENT, "Update", oldest[-1].api_version, "", fields, oldest[-1].time)
    return [m for m in managers if m not in oldest and m is not joined] + [ancient]


def _epoch(time: str) -> float:
    try:
        return parse_time(time)
    except ValueError:
        return 0.0


def _written(managers: list[Manager]) -> list[dict[str, Any]]:
    ordered = sorted(managers, key=lambda m: (m.operation, _epoch(m.time), m.name, m.api_version, m.subresource))
    return [
        {
            "manager": m.name, "operation": m.operation, "apiVersion": m.api_version, **({"time": m.time} if m.time else {}),
            "fieldsType": "FieldsV1", "fieldsV1": m.fields.to_v1(), **({"subresource": m.subresource} if m.subresource else {}),
        }
        for m in ordered
    ]  # fmt: skip
