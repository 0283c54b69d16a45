"""JSONPath as printer columns use it: fields, indexes, slices, wildcards, unions of names, filters by comparison, ``..``.

The dialect is that of Kubernetes' ``client-go/util/jsonpath``, without ranges and text around the path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

Step: TypeAlias = Callable[[Any], Iterator[Any]]

_FIELD = re.compile(r"(?:\\.|[^.\[\]\\\s])+")
_FILTER = re.compile(r"\?\(\s*@(?P<path>[^\s=!<>]*)\s*(?:(?P<op>==|!=|<=|>=|<|>)\s*(?P<value>.+?))?\s*\)")
_SLICE = re.compile(r"(-?\d*):(-?\d*)(?::(-?\d*))?")
_OPERATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


class JsonPathError(ValueError):
    """The path can't be read; the message says where."""


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A compiled path."""

    text: str
    steps: tuple[Step, ...]

    def find(self, value: Any) -> list[Any]:
        """Every value that the path leads to; none when a part of it is missing."""
        found = [value]
        for step in self.steps:
            found = [result for item in found for result in step(item)]
        return found


@lru_cache(maxsize=1024)
def compiled(text: str) -> JsonPath:
    """``.status.phase``, ``{.status.phase}`` or ``$.status.phase``. Raises JsonPathError."""
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1].strip()
    inner = inner.removeprefix("$")
    steps: list[Step] = []
    at = 0
    while at < len(inner):
        if inner[at] == "[":
            end = _closing(inner, at)
            steps.append(_bracket(inner[at + 1 : end].strip()))
            at = end + 1
            continue
        if inner.startswith("..", at):
            steps.append(_descend)
            at += 2
            if at < len(inner) and inner[at] == "[":
                continue
        elif inner[at] == ".":
            at += 1
            if at < len(inner) and inner[at] == "[":
                continue
        elif at:
            raise JsonPathError(f"{text}: unexpected {inner[at]!r} at {at}")
        if at == len(inner):
            break
        match = _FIELD.match(inner, at)
        if match is None:
            raise JsonPathError(f"{text}: a field name was expected at {at}")
        steps.append(_wildcard if match[0] == "*" else _field(re.sub(r"\\(.)", r"\1", match[0])))
        at = match.end()
    return JsonPath(text, tuple(steps))


def _closing(text: str, start: int) -> int:
    quote, depth = "", 0
    for at in range(start, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
            if not depth:
                return at
    raise JsonPathError(f"{text}: unterminated array")


def _bracket(inner: str) -> Step:
    if inner == "*":
        return _wildcard
    if re.fullmatch(r"-?\d+", inner):
        return _index(int(inner))
    if sliced := _SLICE.fullmatch(inner):
        start, stop, step = (int(part) if part else None for part in sliced.groups())
        if step == 0:
            raise JsonPathError("a slice's step can't be 0")
        return lambda value: iter(value[start:stop:step]) if isinstance(value, list) else iter(())
    if match := _FILTER.fullmatch(inner):
        return _filter(compiled(match["path"]), match["op"], _literal(match["value"]) if match["op"] else None)
    names = [part.strip() for part in inner.split(",")]
    if all(len(part) >= 2 and part[0] == part[-1] and part[0] in "'\"" for part in names):
        fields = [_field(part[1:-1]) for part in names]
        return lambda value: (found for field in fields for found in field(value))
    if re.fullmatch(r"-?\d+(\s*,\s*-?\d+)*", inner):
        indexes = [_index(int(part)) for part in names]
        return lambda value: (found for index in indexes for found in index(value))
    raise JsonPathError(f"[{inner}]: not understood")


def _literal(text: str) -> Any:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise JsonPathError(f"{text}: a string in quotes, a number, true or false was expected") from None


def _field(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _index(index: int) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= index < len(value):
            yield value[index]

    return step


def _wildcard(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _descend(value: Any) -> Iterator[Any]:
    pending = [value]
    while pending:
        item = pending.pop()
        yield item
        pending += reversed(list(_wildcard(item)))


def _filter(path: JsonPath, operation: str | None, expected: Any) -> Step:
    def step(value: Any) -> Iterator[Any]:
        for item in value if isinstance(value, list) else ():
            found = path.find(item)
            if operation is None:
                chosen = bool(found)
            else:
                try:
                    chosen = any(_OPERATIONS[operation](actual, expected) for actual in found)
                except TypeError:
                    chosen = False
            if chosen:
                yield item

    return step
