"""JSON Merge Patch (RFC 7386)."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.objects import copied


def merge_patch(doc: Any, patch: Any) -> Any:
    """The document with the patch's fields replaced and its nulls removed. Lists are replaced whole."""
    if not isinstance(patch, dict):
        return copied(patch)
    result = {key: copied(value) for key, value in doc.items() if key not in patch} if isinstance(doc, dict) else {}
    for key, value in patch.items():
        if value is not None:
            result[key] = merge_patch(doc.get(key) if isinstance(doc, dict) else None, value)
    return {key: result[key] for key in (*doc, *result) if key in result} if isinstance(doc, dict) else result


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
