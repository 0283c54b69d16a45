"""Who manages an object: the entries of ``metadata.managedFields``, read, kept few and written.

As apimachinery's ``managedfields``; times are kept as they are written, in whole seconds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import parse_time
from boatyard.machinery.patch.field_set import FieldSet

MAX_UPDATERS = 10
"""Entries of other verbs than apply beyond this many are joined, the oldest first, under ``ancient-changes``."""
ANCIENT = "ancient-changes"
REMEMBERED = 2048
"""Sets of fields whose text was read not long ago: objects of one maker have the same ones, and each has them for long."""


class Manager(NamedTuple):
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


class _Entry(msgspec.Struct):
    """An entry as it is stored."""

    manager: str = ""
    operation: str = ""
    apiVersion: str = ""
    time: str | None = ""
    fieldsV1: msgspec.Raw = msgspec.Raw(b"{}")
    subresource: str = ""


_decode = msgspec.json.Decoder(list[_Entry]).decode


@lru_cache(maxsize=REMEMBERED)
def _fields_of(text: bytes) -> FieldSet:
    return FieldSet.stored(text)


def managers_in(text: bytes) -> list[Manager]:
    """Of ``managedFields`` as they lie in a stored document; of two of one manager the later."""
    if not text:
        return []
    found = [
        Manager(e.manager, e.operation, e.apiVersion, e.subresource, _fields_of(bytes(e.fieldsV1)), e.time or "")
        for e in _decode(text)
    ]
    if len(found) > 1 and not all(manager.time for manager in found):
        # Only a write through scale leaves an entry without a time, and there may be two of its manager then.
        found = list({manager.identity: manager for manager in found}.values())
    return found


def managers_sent(entries: Any) -> list[Manager]:
    """Of ``managedFields`` as a client sends them; of two of one manager the later. None at all when one of them can't be read:
    who doesn't understand them must not take them away."""
    found: dict[tuple[str, ...], Manager] = {}
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("operation") not in ("Apply", "Update") or not entry.get("apiVersion"):
            return []
        if entry.get("fieldsType") != "FieldsV1":
            return []
        try:
            fields = FieldSet.from_v1(entry.get("fieldsV1") or {})
        except ValueError:
            return []
        manager = Manager(
            entry.get("manager") or "", entry["operation"], entry["apiVersion"], entry.get("subresource") or "", fields,
            entry.get("time") or "",
        )  # fmt: skip
        found[manager.identity] = manager
    return list(found.values())


def managers_of(obj: Object) -> list[Manager]:
    """The entries of a document of ours."""
    return managers_sent(obj["metadata"].get("managedFields")) if "metadata" in obj else []


def written(managers: list[Manager]) -> list[dict[str, Any]]:
    """``managedFields``: appliers first, then by time and name. It shares the fields with ``managers``: not to be changed."""
    if len(managers) > 1:
        managers = sorted(managers, key=lambda m: (m.operation, _epoch(m.time), m.name, m.api_version, m.subresource))
    return [
        {
            "manager": m.name, "operation": m.operation, "apiVersion": m.api_version, **({"time": m.time} if m.time else {}),
            "fieldsType": "FieldsV1", "fieldsV1": m.fields.tree, **({"subresource": m.subresource} if m.subresource else {}),
        }
        for m in managers
    ]  # fmt: skip


def same_owners(left: list[Manager], right: list[Manager]) -> bool:
    """Whether both own the same, whenever they took it."""
    if len(left) != len(right):
        return False
    others = {manager.identity: manager for manager in right}
    for manager in left:
        other = others.get(manager.identity)
        if other is None or other.api_version != manager.api_version or other.fields != manager.fields:
            return False
    return True


def capped(managers: list[Manager]) -> list[Manager]:
    """No more than so many updaters: the oldest of a version are joined, and keep the time of the youngest that was joined."""
    updaters = [manager for manager in managers if manager.operation == "Update"]
    count = len(updaters)
    if count <= MAX_UPDATERS:
        return managers
    kept = {manager.identity: manager for manager in managers}
    first: dict[str, Manager] = {}
    for manager in sorted(updaters, key=lambda m: (_epoch(m.time), _identifier(m))):
        if count <= MAX_UPDATERS:
            break
        version = manager.api_version
        if version not in first:
            first[version] = manager
            continue
        bucket = Manager(ANCIENT, "Update", version, "", FieldSet(), manager.time)
        joined = kept.get(bucket.identity)
        if joined is None:
            joined = kept.pop(first[version].identity)
        if manager.identity != bucket.identity:
            joined = joined._replace(fields=joined.fields | manager.fields)
            del kept[manager.identity]
        kept[bucket.identity] = bucket._replace(fields=joined.fields)
        count -= 1
    return list(kept.values())


def _identifier(manager: Manager) -> bytes:
    """By what Kubernetes orders those of one second."""
    told = {"manager": manager.name, "operation": manager.operation, "apiVersion": manager.api_version}
    return msgspec.json.encode({**told, "subresource": manager.subresource} if manager.subresource else told)


@lru_cache(maxsize=REMEMBERED)
def _epoch(time: str) -> int:
    try:
        return int(parse_time(time))
    except ValueError:
        return 0
