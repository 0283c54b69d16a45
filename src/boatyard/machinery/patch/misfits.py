"""What of an applied document its schema has no place for: no more than that is asked of it before it is merged.

As ``validate`` of structured-merge-diff, with types as kube-openapi's ``schemaconv`` reads them: a text with a format may be any
scalar, null may stand anywhere, and what is below something that keeps unknown fields may have them too.
"""

from __future__ import annotations

from typing import Any

from boatyard.machinery.schema.structural import Structural

_TEXTS = ("", "byte")
"""Formats of texts that are nothing but texts."""


def misfits(node: Structural, value: Any) -> list[str]:
    """Each with its path; unknown fields, and values of another sort than is declared."""
    found: list[str] = []
    _look(node, value, "", False, found)
    return found


def _look(node: Structural, value: Any, path: str, free: bool, found: list[str]) -> None:
    if value is None:
        return
    if isinstance(value, dict):
        if node.type in ("", "object"):
            _look_inside(node, value, path, free, found)
        else:
            found.append(f"{path}: expected {_expected(node)}, got a map")
    elif isinstance(value, list):
        if node.type == "array":
            for index, item in enumerate(value):
                if node.list_type == "set" and (item is None or isinstance(item, dict | list)):
                    found.append(f"{path}[{index}]: a set has scalars only")
                _look(node.items, item, f"{path}[{index}]", free, found)
        elif node.type:
            found.append(f"{path}: expected {_expected(node)}, got a list")
    elif not _is_scalar(node, value):
        found.append(f"{path}: expected {_expected(node)}, got {value!r}")


def _look_inside(node: Structural, value: dict[str, Any], path: str, free: bool, found: list[str]) -> None:
    free = free or bool(node.schema.get("x-kubernetes-preserve-unknown-fields"))
    open_ended = free or not node.properties
    for key, inner in value.items():
        child = node.child(key)
        if child is not None:
            # Kubernetes' own types say for themselves what they have.
            _look(child, inner, f"{path}.{key}", free and not child.ranged, found)
        elif not open_ended and not (node.embedded and key in ("apiVersion", "kind", "metadata")):
            found.append(f"{path}.{key}: field not declared in schema")


def _is_scalar(node: Structural, value: Any) -> bool:
    match node.type:
        case "object" | "array":
            return False
        case "integer" | "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "string" if node.schema.get("format", "") in _TEXTS:
            return isinstance(value, str)
    return True


def _expected(node: Structural) -> str:
    return {"object": "a map", "array": "a list", "string": "a text"}.get(node.type, node.type)
