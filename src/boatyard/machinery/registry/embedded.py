"""Objects that stand inside of custom ones (``x-kubernetes-embedded-resource``): they have a kind and metadata of their own.

Kubernetes' rules: apiextensions-apiserver's ``schema/objectmeta``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import invalid, required
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import metadata
from boatyard.machinery.registry.core import normal
from boatyard.machinery.registry.core.types import core_type, is_type_error
from boatyard.machinery.schema.structural import Structural


def settle(schema: Structural, obj: Object) -> tuple[list[FieldError], list[str]]:
    """Bring the metadata of embedded objects, in place, into the form in which metadata is kept: what of it can't be read, and the
    paths of its unknown fields."""
    wrong: list[FieldError] = []
    unknown: list[str] = []
    types = core_type("v1.ObjectMeta")
    for at, found in _embedded(schema, obj, ""):
        for field in ("apiVersion", "kind"):
            if field in found and not isinstance(found[field], str):
                wrong.append(invalid(f"{at}.{field}", found[field], "must be a string"))
        if "metadata" not in found:
            continue
        meta = {} if found["metadata"] is None else found["metadata"]
        if not isinstance(meta, dict):
            wrong.append(invalid(f"{at}.metadata", meta, "must be an object"))
            continue
        found["metadata"] = meta
        unknown += [f"{at}.metadata.{path}" for path in types.prune(meta)]
        normal.tidy(types, meta)
        wrong += [
            FieldError(f"{at}.metadata.{error.path}", error.type, error.message)
            for error in types.validate(meta)
            if is_type_error(error)
        ]
    return wrong, unknown


def validate(schema: Structural, obj: Object) -> list[FieldError]:
    """What is wrong with embedded objects as such, after :func:`settle`."""
    wrong: list[FieldError] = []
    for at, found in _embedded(schema, obj, ""):
        wrong += _version_and_kind(found, at)
        if "metadata" in found:
            wrong += metadata.embedded(found["metadata"], f"{at}.metadata")
    return wrong


def _version_and_kind(found: Object, at: str) -> Iterator[FieldError]:
    for field in ("apiVersion", "kind"):
        value = found.get(field)
        if value is None:
            yield required(f"{at}.{field}")
        elif not value:
            yield invalid(f"{at}.{field}", value, "must not be empty")
        elif field == "apiVersion" and value.count("/") > 1:
            yield invalid(f"{at}.apiVersion", value, f"unexpected GroupVersion string: {value}")
        elif field == "kind" and (told := names.dns1035_label(value.lower())):
            yield invalid(f"{at}.kind", value, f"may have mixed case, but should otherwise match: {','.join(told)}")


def _embedded(node: Structural, value: Any, path: str) -> Iterator[tuple[str, Object]]:
    """Where they stand, and what they are."""
    if isinstance(value, dict):
        if node.embedded:
            yield path, value
        for key, inner in value.items():
            if isinstance(inner, (dict, list)) and (child := node.child(key)) is not None:
                yield from _embedded(child, inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and "items" in node.schema:
        for index, inner in enumerate(value):
            yield from _embedded(node.items, inner, f"{path}[{index}]")
