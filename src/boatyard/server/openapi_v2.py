"""``/openapi/v2``, for kubectl before 1.29: it explains and validates from nothing else, and takes it as protobuf only.

Made from the v3 documents. Holds what those versions read: every definition with its ``x-kubernetes-*`` marks, and the PATCH
operations, whose parameters tell that the server validates. Field numbers are those of gnostic's ``OpenAPIv2.proto``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_V3, _V2 = "#/components/schemas/", "#/definitions/"


def accepted(accept: str) -> bool:
    """Whether a client takes this form."""
    return "proto-openapi.spec.v2" in accept


def document(v3_documents: Iterable[dict[str, Any]]) -> bytes:
    """One document of all groups."""
    definitions: dict[str, bytes] = {}
    paths: dict[str, bytes] = {}
    for v3 in v3_documents:
        for name, schema in v3["components"]["schemas"].items():
            if name not in definitions:
                definitions[name] = _schema(schema)
        for path, item in v3["paths"].items():
            if "patch" in item:
                paths[path] = _field(8, _operation(item["patch"]))
    return b"".join(
        (
            _field(1, "2.0"),
            _field(2, _field(1, "Boatyard") + _field(2, "unversioned")),
            _field(8, b"".join(_field(2, _named(path, paths[path])) for path in sorted(paths))),
            _field(9, b"".join(_field(1, _named(name, definitions[name])) for name in sorted(definitions))),
        )
    )


def _operation(operation: dict[str, Any]) -> bytes:
    parts: list[bytes] = [_field(7, type) for type in operation["requestBody"]["content"]]
    for parameter in operation["parameters"]:
        query = _field(2, "query") + _field(4, parameter["name"]) + _field(6, parameter["schema"]["type"])
        # Parameter of ParametersItem, its NonBodyParameter, and of that the kind for queries.
        parts.append(_field(8, _field(1, _field(2, _field(3, query)))))
    return b"".join((*parts, *_marks(operation, 13)))


def _schema(schema: dict[str, Any]) -> bytes:
    reference = _reference(schema)
    if reference:
        return _field(1, reference) + (_field(4, schema["description"]) if schema.get("description") else b"")
    parts: list[bytes] = []
    for number, keyword in ((2, "format"), (4, "description")):
        if schema.get(keyword):
            parts.append(_field(number, schema[keyword]))
    parts += [_field(19, name) for name in schema.get("required", ())]
    parts += [_field(20, _any(value)) for value in schema.get("enum", ())]
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        parts.append(_field(21, _field(1, _schema(more))))
    type = "string" if schema.get("x-kubernetes-int-or-string") else schema.get("type")
    if type:
        parts.append(_field(22, _field(1, type)))
    if type == "array":
        parts.append(_field(23, _field(1, _schema(schema.get("items") or {}))))
    if schema.get("properties"):
        named = (_field(1, _named(name, _schema(child))) for name, child in schema["properties"].items())
        parts.append(_field(25, b"".join(named)))
    return b"".join((*parts, *_marks(schema, 31)))


def _reference(schema: dict[str, Any]) -> str:
    """The definition that a schema is, also when it is written as the only part of ``allOf`` to leave room for a description."""
    told = schema.get("$ref")
    if told is None and len(schema.get("allOf", ())) == 1 and "type" not in schema:
        told = schema["allOf"][0].get("$ref")
    return told.replace(_V3, _V2) if told else ""


def _marks(holder: dict[str, Any], number: int) -> list[bytes]:
    return [_field(number, _named(key, _any(value))) for key, value in holder.items() if key.startswith("x-kubernetes-")]


def _any(value: Any) -> bytes:
    """JSON is YAML, which is what readers expect here."""
    return _field(2, msgspec.json.encode(value) + b"\n")


def _named(name: str, value: bytes) -> bytes:
    return _field(1, name) + _field(2, value)


def _field(number: int, value: bytes | str) -> bytes:
    """A length-delimited field."""
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
