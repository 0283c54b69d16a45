"""JSON Merge Patch (RFC 7386)."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.objects import copied


def merge_patch(doc: Any, patch: Any) -> Any:
    """The document with the patch's fields replaced and its nulls removed. Lists are replaced whole.

    As a kube-apiserver's library has it, members that are null in objects within a list go too, unless the list takes the place of
    an object; a null item of a list stays.
    """
    if not isinstance(patch, dict):
        return copied(patch) if isinstance(doc, dict) else without_nulls(patch)
    result = {key: copied(value) for key, value in doc.items() if key not in patch} if isinstance(doc, dict) else {}
    for key, value in patch.items():
        if value is not None:
            result[key] = merge_patch(doc.get(key) if isinstance(doc, dict) else None, value)
    return {key: result[key] for key in (*doc, *result) if key in result} if isinstance(doc, dict) else result


def without_nulls(value: Any) -> Any:
    """A copy in which no object has a member that is null."""
    if isinstance(value, dict):
        return {field: without_nulls(inner) for field, inner in value.items() if inner is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def diff(before: Any, after: Any) -> dict[str, Any]:
    """The merge patch that makes ``after`` of ``before`` (both objects); empty when they are equal."""
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if key not in before or (old != value and not (isinstance(old, dict) and isinstance(value, dict))):
            patch[key] = copied(value)
        elif old != value:
            patch[key] = diff(old, value)
    return patch
