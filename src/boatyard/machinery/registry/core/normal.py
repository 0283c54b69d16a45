"""The form in which Kubernetes keeps its own objects, which pass through Go's types on every write."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quantity import canonical_quantity
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.meta.timestamps import canonical_micro_time, canonical_time
from boatyard.machinery.registry.core.types import core_schema
from boatyard.machinery.schema.structural import Structural

_ZEROS: dict[str, Callable[[], Any]] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": int, "boolean": bool
}  # fmt: skip
_TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool}


def canonical_base64(value: str) -> str:
    """The same bytes, in one line; what is none as it is."""
    try:
        return base64.b64encode(base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)).decode()
    except ValueError:
        return value


def normalize(resource: Resource, obj: Object) -> None:
    """Bring a document, in place, into the form in which Kubernetes keeps it: nulls, and optional lists and maps without entries,
    are absent, and so are empty texts, zeros and falses where Go leaves them out; quantities and times are canonical; an integral
    number where an integer is wanted is one. What is wrong stays."""
    tidy(core_schema(resource), obj)


def tidy(node: Structural, obj: Object) -> None:
    """:func:`normalize` for any part of them: ``node`` is its type."""
    _normalize(node, obj)


def _normalize(node: Structural, obj: Any) -> None:
    if isinstance(obj, dict):
        for key in list(obj):
            child = node.child(key)
            value = obj[key]
            if child is None:
                continue
            if value is None and child is node.additional and child.type == "string":
                obj[key] = ""
            elif value is None or (not value and node.omits(key) and isinstance(value, _TYPES.get(child.type, ()))):
                del obj[key]
            elif isinstance(value, (dict, list)):
                _normalize(child, value)
                entries = child.listed if isinstance(value, list) else child.additional is not None
                if not value and entries and node.additional is None and node.may_lack(key):
                    del obj[key]
            else:
                obj[key] = _scalar(child, value)
    elif isinstance(obj, list) and "items" in node.schema:
        items = node.items
        for index, value in enumerate(obj):
            if value is None:
                # Go's decoder leaves the zero of its type there.
                value = obj[index] = _ZEROS[items.type]() if items.type in _ZEROS else None
            if isinstance(value, (dict, list)):
                _normalize(items, value)
            elif value is not None:
                obj[index] = _scalar(items, value)


_CANONICAL: dict[str, Callable[[str], str]] = {
    "byte": canonical_base64, "micro-time": canonical_micro_time, "quantity": canonical_quantity, "time": canonical_time
}  # fmt: skip


def _scalar(node: Structural, value: Any) -> Any:
    canonical = _CANONICAL.get(node.schema.get("format", ""))
    if canonical is not None and (isinstance(value, str) or (canonical is canonical_quantity and not isinstance(value, bool))):
        try:
            return canonical(value)
        except ValueError:
            return value
    if node.type == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
