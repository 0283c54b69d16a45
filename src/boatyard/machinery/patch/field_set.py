"""Sets of fields: who owns what of an object, as ``metadata.managedFields`` writes it (``FieldsV1``).

A step of a path is ``f:name`` (a field), ``k:{"name":"a"}`` (an item of a list by its keys) or ``v:"x"`` (an item of a set by its
value).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

Path: TypeAlias = tuple[str, ...]
Tree: TypeAlias = dict[str, Any]
"""A node of ``fieldsV1``: the next step -> the node there. A member of the set is ``{}``, or has ``"."`` when more is below it.
Trees are shared by many sets and documents: they are never changed once they are made."""

LEAF: Tree = {}
"""A member with nothing below."""
_DOT = "."

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class FieldSet:
    """A set of paths; the root itself is never a member. Nothing changes it once it is made; results share what they can."""

    __slots__ = ("_text", "_tree")

    def __init__(self, tree: Tree | None = None) -> None:
        self._tree: Tree | None = LEAF if tree is None else tree
        self._text = b""

    @classmethod
    def stored(cls, text: bytes) -> FieldSet:
        """Of ``fieldsV1`` as :attr:`tree` was once written; read when somebody looks."""
        found = cls(None)
        found._tree, found._text = None, text
        return found

    @classmethod
    def from_v1(cls, fields: Tree) -> FieldSet:
        """Of ``fieldsV1`` as anybody may write it. Raises ValueError when it is no such thing."""
        tree = _clean(fields)
        return cls({step: inner for step, inner in tree.items() if step != _DOT} if _DOT in tree else tree)

    @classmethod
    def of(cls, *paths: Path) -> FieldSet:
        """The set of exactly these paths."""
        tree: Tree = {}
        for path in paths:
            only: Tree = LEAF
            for step in reversed(path):
                only = {step: only}
            tree = _union(tree, only)
        return cls(tree)

    @property
    def tree(self) -> Tree:
        """``fieldsV1``, read-only. Equal sets have equal trees."""
        if self._tree is None:
            self._tree = _decode(self._text)
        return self._tree

    def __bool__(self) -> bool:
        return bool(self._tree) if self._tree is not None else len(self._text) > 2

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSet) and (self is other or self.tree == other.tree)

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: FieldSet) -> FieldSet:
        mine, more = self.tree, other.tree
        if not more:
            return self
        if not mine:
            return other
        both = _union(mine, more)
        return self if both is mine else FieldSet(both)

    def __and__(self, other: FieldSet) -> FieldSet:
        return FieldSet(_common_below(self.tree, other.tree))

    def __sub__(self, other: FieldSet) -> FieldSet:
        if not other:
            return self
        mine = self.tree
        left = _less_below(mine, other.tree)
        return self if left is mine else FieldSet(left)

    def has_below(self, path: Path) -> bool:
        """Whether the set has the path or anything below it."""
        node = self.tree
        for step in path:
            if step not in node:
                return False
            node = node[step]
        return True

    def without(self, *paths: Path) -> FieldSet:
        """The set without these paths and all below them."""
        tree = self.tree
        for path in paths:
            tree = _without(tree, path)
        return self if tree is self.tree else FieldSet(tree)

    def paths(self) -> Iterator[Path]:
        """Every member: those of a level first, in order, then what is below each."""
        return _paths(self.tree, ())


def escaped(text: str) -> str:
    """JSON as Go writes it inside of a step: fit to stand in HTML."""
    if "<" in text or ">" in text or "&" in text:
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return text


def _clean(node: object) -> Tree:
    """A node of anybody's ``fieldsV1`` as ours are: a member with nothing below is ``{}``."""
    if not isinstance(node, dict):
        raise ValueError("fieldsV1 holds something else than objects")
    below: Tree = {}
    for step, inner in node.items():
        if step == _DOT:
            below[_DOT] = LEAF
        elif step[:2] in ("f:", "i:"):
            below[step] = _clean(inner)
        elif step[:2] in ("k:", "v:"):
            below[escaped(step)] = _clean(inner)
        else:
            raise ValueError(f"fieldsV1 has a step of no known kind: {step}")
    return LEAF if len(below) == 1 and _DOT in below else below


def _both(left: Tree, right: Tree) -> Tree:
    """The union of two nodes; ``left`` itself when ``right`` adds nothing."""
    if left is right:
        return left
    if not left:
        return left if not right else right if _DOT in right else {_DOT: LEAF, **right}
    if not right:
        return left if _DOT in left else {_DOT: LEAF, **left}
    return _union(left, right)


def _union(left: Tree, right: Tree) -> Tree:
    both = left
    for step, inner in right.items():
        mine = left.get(step)
        joined = inner if mine is None else _both(mine, inner)
        if joined is not mine:
            if both is left:
                both = dict(left)
            both[step] = joined
    return both


def _less(left: Tree, right: Tree) -> Tree | None:
    """One node less another; None when nothing is left, ``left`` itself when nothing goes."""
    if not left:
        return None if not right or _DOT in right else left
    if not right:
        if _DOT not in left:
            return left
        return {step: inner for step, inner in left.items() if step != _DOT} or None
    rest = _less_below(left, right)
    if rest is left:
        return left
    if len(rest) == 1 and _DOT in rest:
        return LEAF
    return rest or None


def _less_below(left: Tree, right: Tree) -> Tree:
    rest = left
    for step, inner in right.items():
        mine = left.get(step)
        if mine is None:
            continue
        kept = None if step == _DOT else _less(mine, inner)
        if kept is not mine:
            if rest is left:
                rest = dict(left)
            if kept is None:
                del rest[step]
            else:
                rest[step] = kept
    return rest


def _common(left: Tree, right: Tree) -> Tree | None:
    """What two nodes have in common, None when it is nothing."""
    below = _common_below(left, right)
    if (not left or _DOT in left) and (not right or _DOT in right):
        return {_DOT: LEAF, **below} if below else LEAF
    return below or None


def _common_below(left: Tree, right: Tree) -> Tree:
    if len(right) < len(left):
        left, right = right, left
    below: Tree = {}
    for step, inner in left.items():
        other = right.get(step)
        if other is not None and step != _DOT and (both := _common(inner, other)) is not None:
            below[step] = both
    return below


def _without(tree: Tree, path: Path) -> Tree:
    step, rest = path[0], path[1:]
    inner = tree.get(step)
    if inner is None:
        return tree
    left = None
    if rest:
        # A member that has nothing below is not what leads to nothing.
        left = _without(inner, rest)
        if left is inner:
            return tree
        left = LEAF if len(left) == 1 and _DOT in left else left or None
    changed = dict(tree)
    if left is None:
        del changed[step]
    else:
        changed[step] = left
    return changed


def _paths(tree: Tree, path: Path) -> Iterator[Path]:
    steps = sorted(step for step in tree if step != _DOT)
    yield from ((*path, step) for step in steps if not tree[step] or _DOT in tree[step])
    for step in steps:
        yield from _paths(tree[step], (*path, step))


def told(path: Path) -> str:
    """A path as conflicts name it: ``.spec.containers[name="a"].image``."""
    return "".join(_step(step) for step in path)


def _step(step: str) -> str:
    kind, _, rest = step.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "k":
        return "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in sorted(json.loads(rest).items())) + "]"
    if "\\u00" in rest:
        rest = json.dumps(json.loads(rest), ensure_ascii=False)
    return f"[={rest}]" if kind == "v" else f"[{rest}]"
