"""Values read with their types: which fields they have, how two of them differ, how one is merged into another.

Rules are those of Kubernetes' structured-merge-diff. Where no type is declared, maps merge and lists are taken whole. Go's structs
are never absent: where a type of Kubernetes' own says which of its members are always written (``x-boatyard-written``), one that a
document leaves out is there with its zero value.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec

from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.patch.field_set import LEAF, FieldSet, Tree, escaped
from boatyard.machinery.schema.structural import ANYTHING, WRITTEN, Structural

ABSENT: Any = object()
"""No value at all, which isn't null."""
_DOT = "."
_CONTAINERS = (dict, list)
_sorted_text = msgspec.json.Encoder(order="sorted").encode


class Changes(NamedTuple):
    """How one value differs from another."""

    removed: FieldSet
    modified: FieldSet
    added: FieldSet


class Type:
    """What this room wants to know of a node of a schema, looked up once."""

    __slots__ = (
        "_fills",
        "_go",
        "_items",
        "_unlike",
        "additional",
        "children",
        "declared",
        "defaults",
        "keyed",
        "map_keys",
        "merges",
        "node",
        "set",
        "written",
    )  # fmt: skip

    def __init__(self, node: Structural, go: bool) -> None:
        go = go and not node.foreign
        self.node, self._go = node, go
        self.merges = not (node.type == "object" and node.atomic)
        """Its maps are merged field by field."""
        self.keyed = node.type == "array" and not node.atomic
        self.set = node.list_type == "set"
        self.map_keys = node.map_keys
        self.declared: Collection[str] = node.properties
        self.written: Mapping[str, Any] = node.schema.get(WRITTEN) or {} if go else {}
        self.additional = type_of(node.additional, go) if node.additional is not None else None
        self.children: dict[str, tuple[str, Type]] = {}
        if node.embedded:
            self.declared = {"apiVersion", "kind", "metadata", *node.properties}
            metadata = node.embedded_metadata
            self.children["metadata"] = ("f:metadata", type_of(metadata, go) if metadata else _ANYTHING)
        self._items: Type | None = None
        self.defaults: dict[str, Any] | None = None
        self._fills: bool | None = None
        self._unlike: bool | None = None

    def child(self, key: str) -> tuple[str, Type]:
        """The step to a field, and its type."""
        found = self.children.get(key)
        if found is None:
            if key not in self.declared:
                return f"f:{key}", self.additional or _ANYTHING
            node = self.node.child(key) or ANYTHING
            found = self.children[key] = (f"f:{key}", type_of(node, self._go))
        return found

    @property
    def items(self) -> Type:
        """The type of a list's items."""
        if self._items is None:
            self._items = type_of(self.node.items, self._go)
        return self._items

    @property
    def fills(self) -> bool:
        """Whether here or anywhere below are members that are always written and may be left out of a document."""
        if self._fills is None:
            self._fills = True  # until it is known: a type may hold itself
            own = self.written.keys() - self.node.schema.get("required", ())
            self._fills = self._go and (bool(own) or any(one.fills for one in self._below()))
        return self._fills

    @property
    def unlike(self) -> bool:
        """Whether here or anywhere below something is compared whole that Go may write otherwise than it was said."""
        if self._unlike is None:
            self._unlike = True
            if not self.merges or (self.node.listed and not self.keyed):
                self._unlike = self.fills
            else:
                lists = any(zero is None and self.child(key)[1].node.listed for key, zero in self.written.items())
                self._unlike = self._go and (lists or any(one.unlike for one in self._below()))
        return self._unlike

    def _below(self) -> Iterator[Type]:
        for key in self.declared:
            yield self.child(key)[1]
        if self.additional is not None:
            yield self.additional
        if self.node.listed:
            yield self.items

    def step(self, item: Any, index: int) -> str:
        """The step to an item: by its keys (a key's default counts, and in Go's structs its zero), by its value, or, when neither
        is there, by its place."""
        if self.set:
            return f"v:{_text(item)}"
        keys: dict[str, Any] = {}
        for key in self.map_keys:
            value = item.get(key) if isinstance(item, dict) else None
            if value is None:
                value = self._default_keys[key] if isinstance(item, dict) else None
            if value is not None:
                keys[key] = value
        return f"k:{_text(keys)}" if keys else f"i:{index}"

    @property
    def _default_keys(self) -> dict[str, Any]:
        """By which values of its keys an item is known that says nothing of them."""
        if self.defaults is None:
            declared, zeros = self.node.items.properties, self.items.written
            self.defaults = {name: declared.get(name, {}).get("default", zeros.get(name)) for name in self.map_keys}
        return self.defaults

    def indexed(self, items: list[Any]) -> dict[str, Any]:
        """Items by their step; of several with the same only the first."""
        found: dict[str, Any] = {}
        for index, item in enumerate(items):
            found.setdefault(self.step(item, index), item)
        return found


def type_of(node: Structural, go: bool = True) -> Type:
    found = node.types.get(go)
    if found is None:
        found = node.types[go] = Type(node, go)
    return found


_ANYTHING = type_of(ANYTHING)


def field_set(node: Structural, value: Any, *, strict: bool = True) -> FieldSet:
    """The fields that a document sets, as an applier owns them. ``strict`` raises BadRequest when a keyed list's item lacks a
    key or two items have the same."""
    return FieldSet(_fields(type_of(node), value, "", strict))


def _fields(type: Type, value: Any, path: str, strict: bool) -> Tree:
    """What is set below a value."""
    below: Tree = {}
    if isinstance(value, dict):
        if not type.merges:
            return below
        for key, inner in value.items():
            step, child = type.child(key)
            if (isinstance(inner, dict) and inner and child.merges) or (isinstance(inner, list) and child.keyed):
                found = _fields(child, inner, f"{path}.{key}", strict)
                if key not in type.declared:
                    below[step] = {_DOT: LEAF, **found} if found else LEAF
                elif found:
                    below[step] = found
            else:
                below[step] = LEAF
    elif isinstance(value, list) and type.keyed:
        items = type.items
        for index, item in enumerate(value):
            step = type.step(item, index)
            if strict and step.startswith("i:"):
                raise BadRequest(f"{path}: element {index}: {_why_not(type.node, item)}")
            if step in below:
                if strict:
                    raise BadRequest(f"{path}: duplicate entries for key {step[2:]}")
                below[step] = LEAF
                continue
            found = _fields(items, item, f"{path}[{index}]", strict) if isinstance(item, (dict, list)) else LEAF
            below[step] = {_DOT: LEAF, **found} if found else LEAF
    return below


_Difference: TypeAlias = tuple[Tree | None, Tree | None, Tree | None]
"""What is removed, modified and added at and below one place; None for nothing."""


def compare(node: Structural, old: Any, new: Any, leave_out: Collection[str] = ()) -> Changes:
    """What of ``new`` isn't in ``old`` and the other way round, but for the fields ``leave_out`` of the document itself."""
    removed, modified, added = _maps(type_of(node), old, new, leave_out)
    return Changes(FieldSet(removed), FieldSet(modified), FieldSet(added))


def _pair(type: Type, old: Any, new: Any) -> _Difference:
    """The difference of two values that aren't equal."""
    if old is ABSENT:
        return None, None, _all(type, new)
    if new is ABSENT:
        return _all(type, old), None, None
    shape = new if old is None else old
    if isinstance(shape, dict) and type.merges and (new is None or isinstance(new, dict)):
        # Null and nothing differ as values do.
        return _maps(type, old or {}, new or {}) if old or new else (None, LEAF, None)
    if isinstance(shape, list) and type.keyed and (new is None or isinstance(new, list)):
        return _lists(type, old or [], new or []) if old or new else (None, LEAF, None)
    # Where one is a map or a keyed list and the other isn't, what was in the one goes and what is in the other comes.
    return _below(_all(type, old)), LEAF, _below(_all(type, new))


def _joined(differences: list[tuple[str, _Difference]]) -> _Difference:
    """The difference of two maps or lists, of the differences below them by their steps."""
    removed: Tree = {}
    modified: Tree = {}
    added: Tree = {}
    for step, (gone, other, come) in differences:
        if gone is not None:
            removed[step] = gone
        if other is not None:
            modified[step] = other
        if come is not None:
            added[step] = come
    return removed or None, modified or None, added or None


def _maps(type: Type, old: dict[str, Any], new: dict[str, Any], leave_out: Collection[str] = ()) -> _Difference:
    found: list[tuple[str, _Difference]] = []
    changed = [(key, left, right) for key, left in old.items() if left != (right := new.get(key, ABSENT))]
    changed += [(key, ABSENT, right) for key, right in new.items() if key not in old]
    written = type.written
    if written:
        changed = _written(written, changed)
    for key, left, right in changed:
        if key in leave_out:
            continue
        step, child = type.children.get(key) or type.child(key)
        found.append((step, _pair(child, left, right)))
    return _joined(found)


def _written(written: Mapping[str, Any], changed: list[tuple[str, Any, Any]]) -> list[tuple[str, Any, Any]]:
    """The changed members, those that are always written with their zero value instead of nothing."""
    found: list[tuple[str, Any, Any]] = []
    for key, left, right in changed:
        if key in written:
            zero = written[key]
            # A list without entries isn't stored by Kubernetes: what is there is null, what is said isn't.
            left = zero if left is ABSENT or (zero is None and left == []) else left
            right = zero if right is ABSENT else right
            if left == right:
                continue
        found.append((key, left, right))
    return found


def _lists(type: Type, old: list[Any], new: list[Any]) -> _Difference:
    found: list[tuple[str, _Difference]] = []
    before, after, items = _gathered(type, old), _gathered(type, new), type.items
    for step in {**before, **after}:
        lefts, rights = before.get(step, ()), after.get(step, ())
        if lefts == rights:
            continue
        if len(lefts) < 2 and len(rights) < 2:
            difference = _pair(items, lefts[0] if lefts else ABSENT, rights[0] if rights else ABSENT)
        # Items that are there several times are one field, nothing of which is told apart.
        elif len(lefts) > 1 and len(rights) > 1:
            difference = None, LEAF, None
        elif len(lefts) > 1:
            difference = LEAF, None, _all(items, rights[0]) if rights else None
        else:
            difference = _all(items, lefts[0]) if lefts else None, None, LEAF
        found.append((step, difference))
    return _joined(found)


def _gathered(type: Type, items: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for index, item in enumerate(items):
        step = type.step(item, index)
        if step[0] == "i" and (written := type.items.written):
            # Of a struct that says nothing Go writes the zero of its keys.
            step = f"k:{_text({key: written[key] for key in type.map_keys if key in written})}"
        found.setdefault(step, []).append(item)
    return found


def _below(tree: Tree) -> Tree | None:
    return {step: inner for step, inner in tree.items() if step != _DOT} or None


def _all(type: Type, value: Any) -> Tree:
    """A value and everything in it."""
    if value.__class__ is dict:
        if not type.merges:
            return LEAF
        below: Tree = {_DOT: LEAF}
        children = type.children
        for key, inner in value.items():
            step, child = children.get(key) or type.child(key)
            below[step] = _all(child, inner) if inner and inner.__class__ in _CONTAINERS else LEAF
        for key, zero in type.written.items():
            if key not in value:
                step, child = type.child(key)
                below[step] = _all(child, zero)
        return below if len(below) > 1 else LEAF
    if type.keyed and value and value.__class__ is list:
        items = type.items
        below = {_DOT: LEAF}
        for step, found in _gathered(type, value).items():
            below[step] = _all(items, found[0]) if len(found) == 1 else LEAF
        return below
    return LEAF


def merge(node: Structural, live: Any, applied: Any) -> Any:
    """``applied`` laid over ``live``; what only ``live`` has stays. Neither is changed; the result shares parts with both, and is
    ``live`` itself where nothing changes."""
    return _merge(type_of(node), live, applied)


def _merge(type: Type, live: Any, applied: Any) -> Any:
    if live is ABSENT or live is None:
        return applied
    if applied is ABSENT:
        return live
    if applied is None:
        # Null says nothing of what is inside of what is merged.
        return live if (type.merges if isinstance(live, dict) else type.keyed) else None
    if isinstance(applied, dict) and type.merges and isinstance(live, dict):
        both = live
        for key, value in applied.items():
            mine = live.get(key, ABSENT)
            merged = value
            if isinstance(value, (dict, list)) or (value is None and mine and mine.__class__ in _CONTAINERS):
                merged = _merge(type.child(key)[1], mine, value)
            elif mine == value and mine is not ABSENT and (mine is not None or value is None):
                continue
            if merged is not mine:
                if both is live:
                    both = dict(live)
                both[key] = merged
        return both
    if isinstance(applied, list) and type.keyed and isinstance(live, list):
        return _merge_lists(type, live, applied)
    return live if live == applied else applied


def _merge_lists(type: Type, live: list[Any], applied: list[Any]) -> list[Any]:
    """Items of ``applied`` in its order; the others keep their place among those that both have."""
    items, right = type.items, type.indexed(applied)
    lefts, rights = [type.step(item, index) for index, item in enumerate(live)], list(right)
    left: dict[str, Any] = {}
    for step, item in zip(lefts, live, strict=True):
        # Items that are there twice are left alone, or replaced by the one that is applied.
        left[step] = None if step in left else item
    shared = [step for step in rights if step in left]
    done: set[str] = set()
    result: list[Any] = []
    i = j = 0
    while i < len(lefts) or j < len(rights):
        if i < len(lefts) and j < len(rights):
            step = lefts[i]
            if step == rights[j]:
                result.append(_merge(items, left[step], right[step]))
                done.add(step)
                i, j, shared = i + 1, j + 1, shared[1:]
                continue
            if step in right and shared and shared[0] != step:
                i += 1
                continue
        if i < len(lefts):
            step = lefts[i]
            if step not in right:
                result.append(live[i])
                i += 1
                continue
            if step in done:
                i += 1
        if j < len(rights):
            step = rights[j]
            result.append(_merge(items, left.get(step, ABSENT), right[step]))
            done.add(step)
            j += 1
            if shared and shared[0] == step:
                shared = shared[1:]
    return live if result == live else result


def _why_not(node: Structural, item: Any) -> str:
    if not isinstance(item, dict):
        return "associative list with keys may not have non-map elements"
    missing = [key for key in node.map_keys if item.get(key) is None]
    return (
        f"associative list with keys has an element that omits key field {json.dumps(missing[0])} (and doesn't have default value)"
    )


def _text(value: Any) -> str:
    return escaped(_sorted_text(value).decode())
