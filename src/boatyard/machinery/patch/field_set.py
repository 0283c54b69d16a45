"""Sets of fields: who owns what of an object, as ``metadata.managedFields`` writes it (``FieldsV1``).

A step of a path is ``f:name`` (a field), ``k:{"name":"a"}`` (an item of a list by its keys) or ``v:"x"`` (an item of a set by its
value).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str, ...]


class FieldSet:
    """A set of paths, as a tree; not to be changed once it is made. ``member`` says whether the path that leads here is in the set
    itself.

    What was read from ``fieldsV1`` is taken apart only as far as somebody looks: most writes touch little of what others own.
    """

    __slots__ = ("_below", "_v1", "member")

    def __init__(self, member: bool = False, below: dict[str, FieldSet] | None = None) -> None:
        self.member = member
        self._below: dict[str, FieldSet] | None = below if below is not None else {}
        self._v1: dict[str, Any] | None = None

    @classmethod
    def from_v1(cls, fields: dict[str, Any]) -> FieldSet:
        """Read ``fieldsV1``. The root itself is never a member."""
        return cls._read({step: inner for step, inner in fields.items() if step != "."}, False)

    @classmethod
    def _read(cls, fields: dict[str, Any], member: bool) -> FieldSet:
        found = cls(member)
        if fields and fields.keys() != {"."}:
            found._below, found._v1 = None, fields
        return found

    @property
    def below(self) -> dict[str, FieldSet]:
        """What is in the set below this path, by the next step."""
        if self._below is None:
            assert self._v1 is not None
            self._below = {
                step: self._read(inner, not inner or "." in inner) for step, inner in self._v1.items() if step != "."
            }
        return self._below

    def to_v1(self) -> dict[str, Any]:
        """``fieldsV1``, read-only; steps in order, so that equal sets are equal texts."""
        if self._v1 is None:
            told: dict[str, Any] = {".": {}} if self.member and self.below else {}
            for step in sorted(self.below):
                told[step] = self.below[step].to_v1()
            self._v1 = told
        return self._v1

    @classmethod
    def of(cls, *paths: Path) -> FieldSet:
        """The set of exactly these paths."""
        root = cls()
        for path in paths:
            node = root
            for step in path:
                node = node.below.setdefault(step, cls())
            node.member = True  # still being made
        return root

    def __bool__(self) -> bool:
        return self.member or self._below is None or bool(self._below)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSet) and self.member == other.member and self.to_v1() == other.to_v1()

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: FieldSet) -> FieldSet:
        below = dict(self.below)
        for step, inner in other.below.items():
            below[step] = below[step] | inner if step in below else inner
        return FieldSet(self.member or other.member, below)

    def __and__(self, other: FieldSet) -> FieldSet:
        below = {step: both for step, inner in self.below.items() if step in other.below and (both := inner & other.below[step])}
        return FieldSet(self.member and other.member, below)

    def __sub__(self, other: FieldSet) -> FieldSet:
        less = self.member and other.member
        below: dict[str, FieldSet] = {}
        for step, inner in self.below.items():
            left = inner - other.below[step] if step in other.below else inner
            less = less or left is not inner
            if left:
                below[step] = left
        return FieldSet(self.member and not other.member, below) if less else self

    def without(self, *paths: Path) -> FieldSet:
        """The set without these paths and all below them."""
        result = self
        for path in paths:
            result = result._without(path)
        return result

    def _without(self, path: Path) -> FieldSet:
        step, *rest = path
        if step not in self.below:
            return self
        below = {name: inner for name, inner in self.below.items() if name != step}
        if rest and (left := self.below[step]._without(tuple(rest))):
            below[step] = left
        return FieldSet(self.member, below)

    def only(self, step: str) -> FieldSet:
        """What of the set is below one first step."""
        return FieldSet(False, {step: self.below[step]} if step in self.below else {})

    def paths(self, path: Path = ()) -> Iterator[Path]:
        """Every member: those of a level first, in order, then what is below each."""
        if self.member and not path:
            yield path
        steps = sorted(self.below)
        yield from ((*path, step) for step in steps if self.below[step].member)
        for step in steps:
            yield from self.below[step].paths((*path, step))


def told(path: Path) -> str:
    """A path as conflicts name it: ``.spec.containers[name="a"].image``."""
    return "".join(_step(step) for step in path)


def _step(step: str) -> str:
    kind, _, rest = step.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "k":
        return "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in sorted(json.loads(rest).items())) + "]"
    return f"[={rest}]" if kind == "v" else f"[{rest}]"
