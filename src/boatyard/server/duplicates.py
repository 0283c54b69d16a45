"""Fields that a JSON body has twice: the last one counts, or what both say, and whoever sent them should hear of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from boatyard.machinery.schema.structural import Structural

_KEY = re.compile(rb'"\s*:')


def duplicates(data: bytes, value: Any, schema: Structural | None = None) -> list[str]:
    """Paths of the fields that ``data``, decoded to ``value``, has more than once; ``a.b[0].c``, in their order. With a ``schema``
    only those that it knows: of the others it is enough to say that they are unknown.

    Most bodies are told by counting: text that looks like a key is as much in the value written anew, but for what is there more
    than once; where quotes are written in another way, it is never less than there are keys.
    """
    looks = len(_KEY.findall(data))
    if (b"\\u" not in data and looks == len(_KEY.findall(msgspec.json.encode(value)))) or looks == _keys(value):
        return []
    return list(_repeated(json.loads(data, object_pairs_hook=_Pairs), "", schema, told=schema is None))


def merged(data: bytes, schema: Structural) -> bytes:
    """JSON that has each field once, as Go reads it into types of its own: one after the other into the same place, so that of an
    object, a map or an item of a list what the later one doesn't say stays as the earlier one said."""
    return json.dumps(_plain(json.loads(data, object_pairs_hook=_Pairs), schema)).encode()


def _plain(value: Any, node: Structural | None) -> Any:
    if isinstance(value, _Pairs):
        found: dict[str, Any] = {}
        for name, inner in value:
            below = node and node.child(name)
            said = _plain(inner, below)
            found[name] = _onto(found[name], said, below) if name in found and below is not None else said
        return found
    return [_plain(inner, node and node.items) for inner in value] if isinstance(value, list) else value


def _onto(before: Any, said: Any, node: Structural) -> Any:
    if isinstance(before, dict) and isinstance(said, dict):
        return {**before, **{name: _below(before, name, value, node) for name, value in said.items()}}
    if isinstance(before, list) and isinstance(said, list):
        kept = [_onto(old, new, node.items) for old, new in zip(before, said, strict=False)]
        return kept + said[len(kept) :]
    return before if said is None and isinstance(before, dict) and node.additional is None else said


def _below(before: dict[str, Any], name: str, said: Any, node: Structural) -> Any:
    below = node.child(name)
    return _onto(before[name], said, below) if name in before and below is not None and node.additional is None else said


class _Pairs(list[tuple[str, Any]]):
    """An object's fields, all of them."""


def _keys(value: Any) -> int:
    count, left = 0, [value]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            count += len(value)
            left.extend(inner for inner in value.values() if isinstance(inner, dict | list))
        else:
            left.extend(inner for inner in value if isinstance(inner, dict | list))
    return count


def _repeated(value: Any, path: str, node: Structural | None, *, told: bool) -> Iterator[str]:
    """``told``: whether what nobody declared is told, too."""
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for name, inner in value:
            at, below = f"{path}.{name}" if path else name, node and node.child(name)
            if below is None and not told:
                continue
            if name in seen:
                yield at
            seen.add(name)
            yield from _repeated(inner, at, below, told=told)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _repeated(inner, f"{path}[{index}]", node and node.items, told=told)
