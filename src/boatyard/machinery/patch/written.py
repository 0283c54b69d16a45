"""Members that Go's encoder writes though nobody set them (:data:`~boatyard.machinery.schema.structural.WRITTEN`).

A kube-apiserver carries a JSON patch out on the text of the object, where they are: ``remove /rules`` is possible for a role
without rules. Ours aren't in stored documents.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from boatyard.machinery.meta.objects import copied
from boatyard.machinery.schema.structural import WRITTEN, Structural

Put: TypeAlias = list[tuple[dict[str, Any], str, Any]]
"""What was put where: object, member, value."""


def put(types: Structural, value: Any) -> Put:
    """Put them, in place, wherever the types of ``value`` have them."""
    found: Put = []
    _put(types, value, found)
    return found


def taken(found: Put) -> None:
    """Take those away again, in place, that still say nothing."""
    for parent, member, zero in reversed(found):
        if member in parent and type(parent[member]) is type(zero) and parent[member] == zero:
            del parent[member]


def _put(types: Structural, value: Any, found: Put) -> None:
    if isinstance(value, list):
        for item in value if "items" in types.schema else ():
            _put(types.items, item, found)
        return
    if not isinstance(value, dict):
        return
    for member, zero in (types.schema.get(WRITTEN) or {}).items():
        if member not in value:
            value[member] = copied(zero)
            found.append((value, member, zero))
    for member, inner in value.items():
        child = types.child(member)
        if child is not None:
            _put(child, inner, found)
