"""Fields that a JSON body has twice: the last one counts, and whoever sent them should hear of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from boatyard.machinery.schema.structural import Structural

_KEY = re.compile(rb'"\s*:')


def duplicates(data: bytes, value: Any, schema: Structural | None = None) -> list[str]:
    """Paths of the fields that ``data``, decoded to ``value``, has more than once; ``a.b[0].c``, in their order. With a ``schema``
    only those that it knows: of the others it is enough to say that they are unknown.

    Most bodies are told by counting: text that looks like a key is never less than there are keys.
    """
    if len(_KEY.findall(data)) == _keys(value):
        return []
    return list(_repeated(json.loads(data, object_pairs_hook=_Pairs), "", schema, told=schema is None))


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
