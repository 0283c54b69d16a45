"""Random structural schemas, values for them, and the kinds that they define: the same on every run."""

from __future__ import annotations

from random import Random
from typing import Any

Schema = dict[str, Any]
_WORDS = ("alpha", "beta", "gamma", "delta", "count", "name")
_SCALARS: tuple[Schema, ...] = (
    {"type": "string"},
    {"type": "string", "nullable": True},
    {"type": "string", "enum": ["a", "b"]},
    {"type": "integer"},
    {"type": "string", "minLength": 1, "maxLength": 4, "pattern": "^[a-z]*$"},
    {"type": "boolean"},
    {"type": "boolean", "default": True},
    {"type": "integer", "minimum": 1, "maximum": 9},
    {"type": "integer", "default": 3},
    {"type": "integer", "format": "int32"},
    {"type": "number", "minimum": 0, "exclusiveMinimum": True},
    {"type": "number", "multipleOf": 2},
    {"type": "integer", "multipleOf": 3},
    {"type": "string", "default": "a"},
    {"x-kubernetes-int-or-string": True},
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "ipv4"},
    {"type": "string", "format": "uuid"},
    {"type": "string", "format": "byte"},
    {"type": "string", "format": "date"},
    {"type": "string", "format": "cidr"},
    {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
    {"type": "string", "anyOf": [{"pattern": "^a"}, {"minLength": 3}]},
    {"type": "string", "not": {"enum": ["b"]}},
    {"type": "integer", "oneOf": [{"minimum": 5}, {"multipleOf": 2}]},
    {"type": "string", "allOf": [{"maxLength": 3}, {"pattern": "a"}]},
    {"x-kubernetes-preserve-unknown-fields": True},
)
_VALUES: dict[str, tuple[Any, ...]] = {
    "string": ("a", "b", "abc", "", "2020-01-01T00:00:00Z", "1.2.3.4", "YWJj", "2020-01-01", "10.0.0.0/8"),
    "integer": (1, 3, 6, 0, -1, 20),
    "number": (0.5, 1, 2.5, 0),
    "boolean": (True, False),
    "": (5, "5%", {"a": 1}, [1]),
}
WRONG: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**40,
    2**70,
    "",
    "x",
    "xxxxxxxx",
    [],
    {},
    [None],
    {"a": None},
    [1, 1],
    ["a", "a"],
    [{}],
    {"": 1},
)


def schema(draw: Random, depth: int = 0) -> Schema:
    """One that is structural."""
    which = draw.randrange(10 if depth < 3 else 5)
    if which < 5:
        return dict(draw.choice(_SCALARS))
    if which < 7:
        return _list(draw, depth)
    if which == 7:
        found: Schema = {"type": "object", "additionalProperties": schema(draw, depth + 1)}
        return found | draw.choice(({}, {"maxProperties": 2}, {"minProperties": 1}))
    return fields(draw, depth + 1)


def fields(draw: Random, depth: int) -> Schema:
    """An object with fields."""
    names = draw.sample(_WORDS, draw.randint(1, 4))
    found: Schema = {"type": "object", "properties": {name: schema(draw, depth) for name in names}}
    if draw.randrange(3) == 0:
        found["required"] = draw.sample(names, 1)
    if draw.randrange(5) == 0 and "required" not in found:
        found["default"] = {}
    if draw.randrange(5) == 0:
        found["x-kubernetes-preserve-unknown-fields"] = True
    if draw.randrange(6) == 0:
        found["nullable"] = True
    if draw.randrange(6) == 0:
        found["x-kubernetes-map-type"] = "atomic"
    return found


def _list(draw: Random, depth: int) -> Schema:
    how = draw.choice(("atomic", "set", "map", ""))
    if how == "map":
        items = {"type": "object", "required": ["key"], "properties": {"key": {"type": "string"}, "more": schema(draw, depth + 1)}}
        return {"type": "array", "items": items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key"]}
    if how == "set":
        return {"type": "array", "items": {"type": draw.choice(("string", "integer"))}, "x-kubernetes-list-type": "set"}
    found = {"type": "array", "items": schema(draw, depth + 1), **({"x-kubernetes-list-type": how} if how else {})}
    return found | draw.choice(({}, {"maxItems": 2}, {"minItems": 1}))


def value(draw: Random, node: Schema) -> Any:
    """One that the schema mostly takes."""
    if "enum" in node:
        return draw.choice(node["enum"])
    kind = node.get("type", "")
    if kind == "array":
        items = [value(draw, node["items"]) for _ in range(draw.randint(1, 2))]
        if node.get("x-kubernetes-list-type") == "map":
            return [{**item, "key": key} for item, key in zip(items, "ab", strict=False)]
        return items
    if kind == "object":
        known = node.get("properties") or {}
        found = {name: value(draw, part) for name, part in known.items() if draw.randrange(2) or name in node.get("required", ())}
        if isinstance(part := node.get("additionalProperties"), dict):
            found["k"] = value(draw, part)
        return found
    return draw.choice(_VALUES[kind])


def wrong(draw: Random, node: Schema) -> Any:
    """One that it mostly doesn't take: somewhere inside of it something else stands."""
    inside = [name for name, part in (node.get("properties") or {}).items() if part]
    if inside and draw.randrange(3):
        name = draw.choice(inside)
        return {**value(draw, node), name: wrong(draw, node["properties"][name])}
    if node.get("type") == "array" and draw.randrange(2):
        return [*value(draw, node), wrong(draw, node["items"])]
    return draw.choice(WRONG)
