"""From a msgspec model to an OpenAPI v3 schema of its fields."""

from __future__ import annotations

from typing import Any

import msgspec
import msgspec.inspect as inspect

from boatyard.machinery.schema.kind import CORE
from boatyard.machinery.schema.structural import Schema

_CONSTRAINTS = {"min_length": ("minLength", "minItems", "minProperties"), "max_length": ("maxLength", "maxItems", "maxProperties")}


def schema_of(type_: Any) -> Schema:
    """The structural schema of a type. Raises TypeError for a type that has none (a union of objects, a recursive struct)."""
    return _schema(inspect.type_info(type_), ())


def core_types(schema: Schema, path: str = "") -> dict[str, str]:
    """Take the marks of core types out of ``schema`` (in place) and return them: path -> name (``[]``: a list's items)."""
    found: dict[str, str] = {}
    if name := schema.pop(CORE, None):
        found[path] = name
    for key, child in (schema.get("properties") or {}).items():
        found |= core_types(child, f"{path}.{key}" if path else key)
    if isinstance(items := schema.get("items"), dict):
        found |= core_types(items, f"{path}[]")
    return found


def _schema(info: inspect.Type, inside: tuple[type, ...]) -> Schema:
    extra: dict[str, Any] = {}
    while isinstance(info, inspect.Metadata):
        extra = {**(info.extra_json_schema or {}), **extra}
        info = info.type
    schema = _bare(info, inside)
    if CORE in extra:
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {**{key: extra.pop(key) for key in ("description",) if key in extra}, **schema, **extra}


def _bare(info: inspect.Type, inside: tuple[type, ...]) -> Schema:
    match info:
        case inspect.StructType():
            return _struct(info, inside)
        case inspect.StrType():
            return {"type": "string", **_bounds(info, 0), **({"pattern": info.pattern} if info.pattern else {})}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.IntType():
            return {"type": "integer", "format": "int64", **_range(info)}
        case inspect.FloatType():
            return {"type": "number", **_range(info)}
        case inspect.DateTimeType():
            return {"type": "string", "format": "date-time"}
        case inspect.LiteralType():
            return {"type": "string" if isinstance(info.values[0], str) else "integer", "enum": list(info.values)}
        case inspect.EnumType():
            return {"type": "string", "enum": [member.value for member in info.cls]}
        case inspect.AnyType() | inspect.RawType():
            return {"x-kubernetes-preserve-unknown-fields": True}
        case inspect.DictType():
            if isinstance(info.value_type, inspect.AnyType):
                return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            return {"type": "object", "additionalProperties": _schema(info.value_type, inside), **_bounds(info, 2)}
        case inspect.ListType() | inspect.VarTupleType() | inspect.SetType() | inspect.FrozenSetType():
            return {"type": "array", "items": _schema(info.item_type, inside), **_bounds(info, 1)}
        case inspect.UnionType():
            return _union(info, inside)
    raise TypeError(f"{type(info).__name__} has no structural schema")


def _union(info: inspect.UnionType, inside: tuple[type, ...]) -> Schema:
    parts = [part for part in info.types if not isinstance(part, inspect.NoneType)]
    if len(parts) == 1:
        return _schema(parts[0], inside)
    if {type(part) for part in parts} == {inspect.IntType, inspect.StrType}:
        return {"x-kubernetes-int-or-string": True}
    raise TypeError("a field may be of one type (or of none, or int | str)")


def _struct(info: inspect.StructType, inside: tuple[type, ...]) -> Schema:
    if info.cls in inside:
        raise TypeError(f"{info.cls.__name__} contains itself: a structural schema is finite")
    schema: Schema = {"type": "object"}
    if own := info.cls.__dict__.get("__doc__"):
        schema["description"] = " ".join(own.split())
    properties: dict[str, Schema] = {}
    for field in info.fields:
        properties[field.encode_name] = child = _schema(field.type, (*inside, info.cls))
        if field.default is not msgspec.NODEFAULT and field.default not in (None, "", 0, False, ()) and _is_plain(field.default):
            child["default"] = field.default
    if properties:
        schema["properties"] = properties
    if required := [field.encode_name for field in info.fields if field.required]:
        schema["required"] = required
    return schema


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool))


def _bounds(info: Any, which: int) -> Schema:
    return {names[which]: getattr(info, name) for name, names in _CONSTRAINTS.items() if getattr(info, name) is not None}


def _range(info: inspect.IntType | inspect.FloatType) -> Schema:
    found: Schema = {}
    for name, keyword, exclusive in (("ge", "minimum", ""), ("gt", "minimum", "exclusiveMinimum"),
                                     ("le", "maximum", ""), ("lt", "maximum", "exclusiveMaximum")):  # fmt: skip
        if (bound := getattr(info, name)) is not None:
            found[keyword] = bound
            if exclusive:
                found[exclusive] = True
    if info.multiple_of is not None:
        found["multipleOf"] = info.multiple_of
    return found
