"""A live object as Go's encoder writes it, where a part of it is compared whole with what somebody applies.

What is applied is taken as it stands; what is live has passed through Go's types, whose structs are never absent and whose empty
lists are null. So a list of structs that is applied without their always-written members isn't the one that is there.
"""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.patch.typed import ABSENT, Type, type_of
from boatyard.machinery.schema.structural import Structural


def as_written(schema: Structural, live: Object, applied: Object) -> Object:
    """``live``, for a comparison with ``applied``; itself where there is no difference, which is nearly always."""
    return _map_as_written(type_of(schema), live, applied)


def _map_as_written(type: Type, live: Object, applied: Object) -> Object:
    result = live
    for key, value in applied.items():
        if value.__class__ is not list and value.__class__ is not dict:
            continue
        mine = live.get(key, ABSENT)
        if not mine or mine is ABSENT:
            found = None if value == [] and type.written.get(key, ABSENT) is None else mine
        else:
            child = type.child(key)[1]
            found = _as_written(child, mine, value) if child.unlike else mine
        if found is not mine:
            if result is live:
                result = dict(live)
            result[key] = found
    return result


def _as_written(type: Type, live: Any, applied: Any) -> Any:
    if isinstance(live, dict) and isinstance(applied, dict) and type.merges:
        return _map_as_written(type, live, applied)
    if isinstance(live, list) and isinstance(applied, list) and type.keyed:
        wanted = type.indexed(applied)
        items = [_item_as_written(type, item, wanted.get(type.step(item, index))) for index, item in enumerate(live)]
        return items if any(new is not old for new, old in zip(items, live, strict=True)) else live
    return _whole(type, live)


def _item_as_written(type: Type, item: Any, applied: Any) -> Any:
    return item if applied is None else _as_written(type.items, item, applied)


def _whole(type: Type, value: Any) -> Any:
    """All of a value as it is written."""
    if not type.fills:
        return value
    if isinstance(value, dict):
        found = {key: _whole(type.child(key)[1], inner) for key, inner in value.items()}
        for key, zero in type.written.items():
            if key not in found or (zero is None and found[key] == []):
                found[key] = _whole(type.child(key)[1], zero)
        return found if found != value else value
    if isinstance(value, list):
        items = [_whole(type.items, item) for item in value]
        return items if items != value else value
    return value
