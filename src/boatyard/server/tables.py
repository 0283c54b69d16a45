"""Tables and partial metadata: what ``kubectl get`` shows, computed here so that every kubectl shows the same.

The columns of Kubernetes' own kinds are in ``columns/``, a file per kind; those of custom kinds are the
``additionalPrinterColumns`` of their definition; everything else has Name and Age.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import islice
from pkgutil import iter_modules
from typing import Any, NamedTuple

import msgspec

from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import documents
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.runtime.world import World
from boatyard.machinery.store.store import Record
from boatyard.server import columns
from boatyard.server.call import Call
from boatyard.server.columns import scales
from boatyard.server.columns.custom import custom_columns
from boatyard.server.media import Form

PIECE = 100
"""Rows made at a time."""


class Columns(NamedTuple):
    """The columns of a kind: their definitions (name, type, format, priority, description), and an object's cells."""

    definitions: list[dict[str, Any]]
    cells: Callable[[Object, float], list[Any]]
    """From an object and now (seconds since the epoch)."""


def included(call: Call) -> str:
    """How much of each object its row in a Table holds: ``None``, ``Metadata`` or ``Object``. Raises BadRequest."""
    include = call.query.get("includeObject") or "Metadata"
    if include not in ("None", "Metadata", "Object"):
        told = f'includeObject: Invalid value: "{include}": must be \'Metadata\', \'Object\', \'None\', or empty'
        raise BadRequest(f"Unable to convert to Table as requested: {told}")
    return include


class Tables:
    """Turns objects into tables."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._columns: dict[tuple[str, str], tuple[Any, Columns]] = {}
        self._core = _discovered()

    def list(self, form: Form, kind: Kind, items: list[Object], metadata: dict[str, Any], include: str) -> Object:
        """A list as a Table or a PartialObjectMetadataList."""
        version = f"meta.k8s.io/{form.version}"
        if form.transform != "Table":
            partial = [_partial(item, form.version) for item in items]
            return {"kind": "PartialObjectMetadataList", "apiVersion": version, "metadata": metadata, "items": partial}
        return self._table(form, kind, items, metadata, include)

    def pieces(self, form: Form, kind: Kind, records: Iterable[Record], include: str) -> Iterator[bytes]:
        """The rows (or the items) of such a list as JSON, some at a time, without the brackets around them."""
        left, comma = iter(records), b""
        while some := [documents.decode(record.value, record.modified) for record in islice(left, PIECE)]:
            table = self.list(form, kind, some, {}, include)
            yield comma + msgspec.json.encode(table["rows" if form.transform == "Table" else "items"])[1:-1]
            comma = b","

    def one(self, form: Form, kind: Kind, obj: Object, include: str, *, columns: bool = True) -> Object:
        """One object; ``columns`` says whether to send the definitions (a watch does so once)."""
        if form.transform != "Table":
            return _partial(obj, form.version)
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        table = self._table(form, kind, [obj], metadata, include)
        if not columns:
            table["columnDefinitions"] = []
        return table

    def bookmark(self, form: Form, obj: Object) -> Object:
        """A BOOKMARK's object."""
        if form.transform != "Table":
            return _partial(obj, form.version)
        row = {"cells": [], "object": _partial(obj, form.version)}
        return {
            "kind": "Table", "apiVersion": f"meta.k8s.io/{form.version}",
            "metadata": {"resourceVersion": obj["metadata"]["resourceVersion"]}, "columnDefinitions": [], "rows": [row],
        }  # fmt: skip

    def _table(self, form: Form, kind: Kind, items: list[Object], metadata: dict[str, Any], include: str) -> Object:
        columns, now = _SCALE if items and items[0].get("kind") == "Scale" else self._of(kind), self._world.now()
        rows: list[dict[str, Any]] = []
        for item in items:
            row: dict[str, Any] = {"cells": columns.cells(item, now), "object": None}
            if include == "Metadata":
                row["object"] = _partial(item, form.version)
            elif include == "Object":
                row["object"] = item
            rows.append(row)
        return {
            "kind": "Table", "apiVersion": f"meta.k8s.io/{form.version}", "metadata": metadata,
            "columnDefinitions": columns.definitions, "rows": rows,
        }  # fmt: skip

    def _of(self, kind: Kind) -> Columns:
        key = (kind.resource.group, kind.resource.plural)
        core = self._core.get(key)
        if core is not None:
            return core
        known = self._columns.get(key)
        if known is None or known[0] is not kind:
            known = self._columns[key] = (kind, _custom(kind))
        return known[1]


_AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_SCALE = Columns(scales.COLUMNS, scales.cells)


def _custom(kind: Kind) -> Columns:
    if kind.custom is not None:
        return Columns(*custom_columns(kind.custom.get("additionalPrinterColumns") or [_AGE]))
    return Columns(columns.definitions("Name", "Created At"), _plain)


def _plain(obj: Object, now: float) -> list[Any]:
    return [obj["metadata"].get("name", ""), obj["metadata"].get("creationTimestamp", "")]


def _discovered() -> dict[tuple[str, str], Columns]:
    """Every module of ``columns/`` that names a ``RESOURCE``."""
    found: dict[tuple[str, str], Columns] = {}
    for module_info in sorted(iter_modules(columns.__path__), key=lambda m: m.name):
        module = import_module(f"{columns.__name__}.{module_info.name}")
        resource = getattr(module, "RESOURCE", None)
        if resource is not None:
            found[resource.group, resource.plural] = Columns(module.COLUMNS, module.cells)
    return found


def _partial(obj: Object, version: str) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}", "metadata": obj["metadata"]}
