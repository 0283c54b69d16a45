"""Strategic merge patch: lists merge by key where the type says so, and directives say the rest.

Follows apimachinery's ``strategicpatch`` (``mergeMap``, ``mergeSlice``, ``normalizeElementOrder``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.schema.structural import ANYTHING, Structural

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
DELETE_PREFIX = "$deleteFromPrimitiveList/"
ORDER_PREFIX = "$setElementOrder/"


def strategic_patch(doc: Object, patch: Any, types: Structural) -> Object:
    """The document after the patch. Raises BadRequest when a directive is unknown or a list's item lacks its merge key."""
    if not isinstance(patch, dict):
        raise BadRequest("error decoding patch: a strategic merge patch is an object")
    return _map(copied(doc), copied(patch), types)


def _map(live: Object, patch: Object, types: Structural) -> Object:
    directive = patch.pop(DIRECTIVE, None)
    if directive == "replace":
        return patch  # as it stands: with its nulls
    if directive == "delete":
        return {}
    if directive is not None:
        raise BadRequest(f"unknown patch type: {directive}")
    _retain(live, patch)
    _in_order(live, patch, types)
    for key, value in patch.items():
        deleting = key.startswith(DELETE_PREFIX)
        field = key.removeprefix(DELETE_PREFIX)
        if value is None:
            live.pop(field, None)
        elif field not in live or live[field] is None:
            if not deleting and not _is_directive(value):
                live[field] = without_directives(value)
        elif deleting:
            live[field] = [item for item in live[field] if item not in value]
        else:
            live[field] = _value(live[field], value, types.child(field) or ANYTHING)
    return live


def _value(live: Any, value: Any, types: Structural) -> Any:
    if isinstance(live, dict) and isinstance(value, dict):
        return without_directives(value) if "replace" in types.patch_strategies else _map(live, value, types)
    if isinstance(live, list) and isinstance(value, list):
        return _list(live, value, types) if "merge" in types.patch_strategies else without_directives(value)
    return without_directives(value)


def _retain(live: Object, patch: Object) -> None:
    keys = patch.pop(RETAIN_KEYS, None)
    if keys is None:
        return
    named = {key.removeprefix(ORDER_PREFIX).removeprefix(DELETE_PREFIX) for key, value in patch.items() if value is not None}
    if extra := sorted(named - set(keys)):
        raise BadRequest(f"{RETAIN_KEYS} directive doesn't name the patch's own field {extra[0]}")
    for key in [key for key in live if key not in keys]:
        del live[key]


def _in_order(live: Object, patch: Object, types: Structural) -> None:
    """Merge the lists whose order the patch sets, and take them out of the patch."""
    for directive in [key for key in patch if key.startswith(ORDER_PREFIX)]:
        order, field = patch.pop(directive), directive.removeprefix(ORDER_PREFIX)
        if not isinstance(order, list):
            raise BadRequest(f"{directive} must be a list")
        node = types.child(field) or ANYTHING
        before, change = live.get(field), patch.pop(field, None)
        if change is None and field in patch:
            live.pop(field, None)
        elif isinstance(before, list) or change is not None:
            merged = before
            if not isinstance(before, list):
                merged = without_directives(change)
            elif change is not None:
                merged = _value(before, change, node)
            if isinstance(merged, list):
                live[field] = _sorted(merged, order, before if isinstance(before, list) else [], _identity(node))


def _list(live: list[Any], patch: list[Any], types: Structural) -> list[Any]:
    if {isinstance(item, dict) for item in (*live, *patch)} == {True, False}:
        raise BadRequest("list element types are not identical")
    if not any(isinstance(item, dict) for item in patch):
        merged = list(live)
        for item in patch:
            if item not in merged:
                merged.append(item)
        return _sorted(merged, patch, live, _itself)
    key = types.patch_merge_key
    if not key:
        raise BadRequest("cannot merge lists without merge key for this type")
    ordinary: list[Object] = []
    replace = False
    for item in patch:
        directive = item.get(DIRECTIVE)
        if directive == "replace":
            replace = True
        elif directive == "delete":
            live = [old for old in live if old.get(key) != _key_of(item, key)]
        elif directive is not None:
            raise BadRequest(f"unknown patch type: {directive}")
        else:
            ordinary.append(item)
    if replace:
        return ordinary
    merged = list(live)
    for item in ordinary:
        value = _key_of(item, key)
        index = next((index for index, old in enumerate(merged) if old.get(key) == value), None)
        if index is None:
            merged.append(without_directives(item))
        else:
            merged[index] = _map(merged[index], item, types.items)
    return _sorted(merged, ordinary, live, _identity(types))


def _key_of(item: Any, key: str) -> Any:
    if not isinstance(item, dict) or key not in item:
        raise BadRequest(f"map: {item} does not contain declared merge key: {key}")
    return item[key]


def _itself(item: Any) -> Any:
    return item


def _identity(types: Structural) -> Callable[[Any], Any]:
    key = types.patch_merge_key
    return (lambda item: item.get(key) if isinstance(item, dict) else item) if key else _itself


def _sorted(merged: list[Any], order: list[Any], before: list[Any], identity: Callable[[Any], Any]) -> list[Any]:
    """Items of ``order`` in its order, the others in the order they had, woven together by where they stood before."""
    wanted, was = [identity(item) for item in order], [identity(item) for item in before]
    ours = sorted((item for item in merged if identity(item) in wanted), key=lambda item: wanted.index(identity(item)))
    rest = [item for item in merged if identity(item) not in wanted]
    rest.sort(key=lambda item: was.index(identity(item)) if identity(item) in was else len(was))
    result: list[Any] = []
    while ours and rest:
        left, right = identity(rest[0]), identity(ours[0])
        first = left in was and right in was and was.index(left) < was.index(right)
        result.append(rest.pop(0) if first else ours.pop(0))
    return result + rest + ours


def without_directives(value: Any) -> Any:
    """What a patch's value is where there is nothing to merge it with: no nulls, nothing with a ``$patch``. Other directives stay,
    as members that no type has."""
    if isinstance(value, dict):
        return {
            key: without_directives(inner)
            for key, inner in value.items()
            if inner is not None and key != DIRECTIVE and not _is_directive(inner)
        }
    if isinstance(value, list):
        return [without_directives(item) for item in value if not _is_directive(item)]
    return value


def _is_directive(value: Any) -> bool:
    return isinstance(value, dict) and DIRECTIVE in value
