"""What an applier no longer applies goes from the object, unless somebody else owns it.

Rules of ``prune`` in structured-merge-diff's ``Updater``: a declared field goes with all that is in it when nobody owns anything of
it any more; what of it somebody owns stays, and so do maps and lists that are empty then: as null.
"""

from __future__ import annotations

from typing import Any

from boatyard.machinery.patch.field_set import LEAF, FieldSet, Tree
from boatyard.machinery.patch.typed import Type, field_set, type_of
from boatyard.machinery.schema.structural import Structural

_DOT = "."


def pruned(schema: Structural, merged: Any, last: FieldSet, owned: FieldSet) -> Any:
    """``merged`` without what ``last`` has and nobody owns. ``owned`` is what everybody owns now. ``merged`` stays as it is; the
    result shares parts with it, and is ``merged`` itself when nothing goes."""
    root = type_of(schema)
    before = _declared(root, last)
    everything = _fields(schema, merged)
    left = _without(root, merged, before.tree)
    left = _without(root, merged, (everything - (_fields(schema, left) | _declared(root, owned))).tree)
    return _without(root, merged, ((everything - _fields(schema, left)) & before).tree)


def _fields(schema: Structural, value: Any) -> FieldSet:
    return _declared(type_of(schema), field_set(schema, value, strict=False))


def _declared(type: Type, fields: FieldSet) -> FieldSet:
    """The set, and with it every declared field that has something of it below."""
    return FieldSet(_with_declared(type, fields.tree))


def _with_declared(type: Type, tree: Tree) -> Tree:
    found: Tree = {}
    for step, inner in tree.items():
        if not inner or step == _DOT:
            found[step] = inner
            continue
        kind, key = step[:2], step[2:]
        below = _with_declared(type.child(key)[1] if kind == "f:" else type.items, inner)
        found[step] = {_DOT: LEAF, **below} if kind == "f:" and key in type.declared else below
    return found


def _without(type: Type, value: Any, tree: Tree) -> Any:
    """``value`` without the members of a set; null when nothing is left of it."""
    if not tree:
        return value
    if isinstance(value, dict):
        return _map_without(type, value, tree) if type.merges else None
    if isinstance(value, list):
        return _list_without(type, value, tree) if type.keyed else None
    return value


def _map_without(type: Type, value: dict[str, Any], tree: Tree) -> Any:
    kept: dict[str, Any] = {}
    changed = False
    for key, inner in value.items():
        step, child = type.child(key)
        gone = tree.get(step)
        if gone is None:
            kept[key] = inner
        elif not gone or _DOT in gone:
            changed = True
        else:
            kept[key] = left = _without(child, inner, gone)
            changed = changed or left is not inner
    return (kept or None) if changed else value


def _list_without(type: Type, value: list[Any], tree: Tree) -> Any:
    kept: list[Any] = []
    changed = False
    for index, item in enumerate(value):
        gone = tree.get(type.step(item, index))
        if gone is None:
            kept.append(item)
        elif not gone or _DOT in gone:
            changed = True
        else:
            left = _without(type.items, item, gone)
            kept.append(left)
            changed = changed or left is not item
    return (kept or None) if changed else value
