"""Values read with their types: which fields they have, how two of them differ, how one is merged into another.

Rules are those of Kubernetes' structured-merge-diff. Where no type is declared, maps merge and lists are taken whole.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import msgspec

from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.patch.field_set import FieldSet, Path
from boatyard.machinery.schema.structural import ANYTHING, Structural

ABSENT: Any = object()
"""No value at all, which isn't null."""


class Changes(NamedTuple):
    """How one value differs from another."""

    removed: FieldSet
    modified: FieldSet
    added: FieldSet


def field_set(node: Structural, value: Any) -> FieldSet:
    """The fields that a document sets, as an applier owns them. Raises BadRequest when a keyed list's item lacks a key or two items
    have the same."""
    return FieldSet(False, _fields(node, value, "").below)


def _fields(node: Structural, value: Any, path: str) -> FieldSet:
    if _is_map(node, value):
        below: dict[str, FieldSet] = {}
        for key, inner in value.items():
            child = node.child(key) or ANYTHING
            found = _fields(child, inner, f"{path}.{key}")
            if inner is None or inner == {} or key not in node.properties:
                found = FieldSet(True, found.below)
            if found:
                below[f"f:{key}"] = found
        return FieldSet(False, below)
    if _is_keyed(node, value):
        below = {}
        for index, item in enumerate(value):
            step = _element(node, item, index)
            if step.startswith("i:"):
                raise BadRequest(f"{path}: element {index}: {_why_not(node, item)}")
            if step in below:
                raise BadRequest(f"{path}: duplicate entries for key {step[2:]}")
            below[step] = FieldSet(True, _fields(node.items, item, f"{path}[{index}]").below)
        return FieldSet(False, below)
    return FieldSet(True)


def compare(node: Structural, old: Any, new: Any) -> Changes:
    """What of ``new`` isn't in ``old`` and the other way round."""
    found = _compare(node, old, new)
    return Changes(*(FieldSet(False, part.below) for part in found))


_NONE = FieldSet()
_SAME = Changes(_NONE, _NONE, _NONE)


def _compare(node: Structural, old: Any, new: Any) -> Changes:
    if old == new:
        return _SAME
    if old is ABSENT:
        return Changes(_NONE, _NONE, _all(node, new))
    if new is ABSENT:
        return Changes(_all(node, old), _NONE, _NONE)
    shape = new if old is None else old
    if _is_map(node, shape) and isinstance(new or {}, dict):
        old, new = old or {}, new or {}
        pairs = {f"f:{key}": (node.child(key) or ANYTHING, old.get(key, ABSENT), new.get(key, ABSENT)) for key in {**old, **new}}
    elif _is_keyed(node, shape) and isinstance(new or [], list):
        before, after = _indexed(node, old or []), _indexed(node, new or [])
        pairs = {step: (node.items, before.get(step, ABSENT), after.get(step, ABSENT)) for step in {**before, **after}}
    else:
        # Where one is a map or a keyed list and the other isn't, what was in the one goes and what is in the other comes.
        gone, come = FieldSet(False, _all(node, old).below), FieldSet(False, _all(node, new).below)
        return Changes(gone, FieldSet(True), come)
    parts: tuple[dict[str, FieldSet], ...] = ({}, {}, {})
    for step, (child, left, right) in pairs.items():
        for into, found in zip(parts, _compare(child, left, right), strict=True):
            if found:
                into[step] = found
    return Changes(*(FieldSet(False, part) for part in parts))


def _all(node: Structural, value: Any) -> FieldSet:
    """A value and everything in it."""
    below: dict[str, FieldSet] = {}
    if _is_map(node, value):
        below = {f"f:{key}": _all(node.child(key) or ANYTHING, inner) for key, inner in value.items()}
    elif _is_keyed(node, value):
        below = {step: _all(node.items, item) for step, item in _indexed(node, value).items()}
    return FieldSet(True, below)


def merge(node: Structural, live: Any, applied: Any) -> Any:
    """``applied`` laid over ``live``; what only ``live`` has stays. Neither is changed; the result shares parts with both."""
    if live is ABSENT or live is None:
        return applied
    if applied is ABSENT:
        return live
    if _is_map(node, applied) and isinstance(live, dict):
        both = dict(live)
        for key, value in applied.items():
            both[key] = merge(node.child(key) or ANYTHING, live.get(key, ABSENT), value)
        return both
    if _is_keyed(node, applied) and isinstance(live, list):
        return _merge_lists(node, live, applied)
    return applied


def _merge_lists(node: Structural, live: list[Any], applied: list[Any]) -> list[Any]:
    """Items of ``applied`` in its order; the others keep their place among those that both have."""
    left, right = _indexed(node, live), _indexed(node, applied)
    lefts, rights = list(left), list(right)
    shared = [step for step in rights if step in left]
    done: set[str] = set()
    result: list[Any] = []
    i = j = 0
    while i < len(lefts) or j < len(rights):
        if i < len(lefts) and j < len(rights):
            step = lefts[i]
            if step == rights[j]:
                result.append(merge(node.items, left[step], right[step]))
                done.add(step)
                i, j, shared = i + 1, j + 1, shared[1:]
                continue
            if step in right and shared and shared[0] != step:
                i += 1
                continue
        if i < len(lefts):
            step = lefts[i]
            if step not in right:
                result.append(left[step])
                i += 1
                continue
            if step in done:
                i += 1
        if j < len(rights):
            step = rights[j]
            result.append(merge(node.items, left.get(step, ABSENT), right[step]))
            done.add(step)
            j += 1
            if shared and shared[0] == step:
                shared = shared[1:]
    return result


def without(node: Structural, value: Any, path: Path) -> Any:
    """``value`` without what is at ``path``, and without the maps and lists that are empty then. ``value`` stays as it is; the
    result shares parts with it."""
    step, rest = path[0], path[1:]
    key: Any = step[2:]
    if step.startswith("f:"):
        if not isinstance(value, dict) or key not in value:
            return value
        child = node.child(key) or ANYTHING
    else:
        if not isinstance(value, list):
            return value
        key = next((index for index, item in enumerate(value) if _element(node, item, index) == step), None)
        if key is None:
            return value
        child = node.items
    if rest:
        inner = without(child, value[key], rest)
        if inner not in ({}, []):
            if inner is value[key]:
                return value
            changed = value.copy()
            changed[key] = inner
            return changed
    changed = value.copy()
    del changed[key]
    return changed


def _is_map(node: Structural, value: Any) -> bool:
    return isinstance(value, dict) and not (node.type == "object" and node.atomic)


def _is_keyed(node: Structural, value: Any) -> bool:
    return isinstance(value, list) and node.type == "array" and not node.atomic


def _indexed(node: Structural, items: list[Any]) -> dict[str, Any]:
    """Items by their step; of several with the same only the first."""
    found: dict[str, Any] = {}
    for index, item in enumerate(items):
        found.setdefault(_element(node, item, index), item)
    return found


def _element(node: Structural, item: Any, index: int) -> str:
    """The step to an item: by its keys (a key's default counts), by its value, or, when neither is there, by its place."""
    if node.list_type == "set":
        return f"v:{_text(item)}"
    keys: dict[str, Any] = {}
    for key in node.map_keys:
        value = item.get(key) if isinstance(item, dict) else None
        if value is None:
            value = node.items.properties.get(key, {}).get("default")
        if value is not None:
            keys[key] = value
    return f"k:{_text(keys)}" if keys else f"i:{index}"


def _why_not(node: Structural, item: Any) -> str:
    if not isinstance(item, dict):
        return "associative list with keys may not have non-map elements"
    missing = [key for key in node.map_keys if item.get(key) is None]
    return (
        f"associative list with keys has an element that omits key field {json.dumps(missing[0])} (and doesn't have default value)"
    )


def _text(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
