"""Just enough protobuf to read what kubectl sends in no other form (1.32 and later: generators, reviews, options of deletion).

A body is ``k8s\\0`` and a ``runtime.Unknown`` around the object. Kinds not in :mod:`protobuf_kinds` are refused, and so is a field
that its table doesn't know: nothing is dropped silently. Answers are never protobuf: clients that send it take JSON as well.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from boatyard.machinery.meta.errors import BadRequest, UnsupportedMediaType
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.server.protobuf_kinds import KINDS, Field, Message

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_UNKNOWN: Message = {
    1: Field("typeMeta", {1: Field("apiVersion", "string"), 2: Field("kind", "string")}),
    2: Field("raw", "raw"), 3: Field("contentEncoding", "string"), 4: Field("contentType", "string"),
}  # fmt: skip
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
DEEPEST = 20


def decode(data: bytes) -> dict[str, Any]:
    """The object as JSON would say it. Raises BadRequest when it is broken, UnsupportedMediaType when we don't read that kind."""
    if not data.startswith(_MAGIC):
        raise BadRequest("the body is not Kubernetes' protobuf: it must begin with k8s\\0")
    envelope = _message(memoryview(data)[len(_MAGIC) :], _UNKNOWN, "")
    type_meta = envelope.get("typeMeta", {})
    api_version, kind = type_meta.get("apiVersion", ""), type_meta.get("kind", "")
    # Clients write the version that they were built with into options; they are the same in all.
    message = KINDS.get(kind)
    if message is None or envelope.get("contentEncoding"):
        raise UnsupportedMediaType(
            f"protobuf is not supported for {kind or 'this body'} ({api_version}); send application/json or application/yaml"
        )
    return {"apiVersion": api_version, "kind": kind, **_message(memoryview(envelope.get("raw", b"")), message, kind)}


def _message(data: memoryview, message: Message, path: str, depth: int = 0) -> dict[str, Any]:
    if depth > DEEPEST:
        raise BadRequest(f"protobuf: {path} is nested too deeply")
    found: dict[str, Any] = {}
    for number, wire, raw in _fields(data, path):
        field = message.get(number)
        if field is None:
            told = f"protobuf: field {number} of {path or 'the envelope'} is not supported; send application/json"
            raise UnsupportedMediaType(told)
        value = _value(field, wire, raw, f"{path}.{field.name}", depth)
        if field.many == "list":
            found.setdefault(field.name, []).append(value)
        elif field.many == "map":
            found.setdefault(field.name, {})[value.get("key", "")] = value.get("value", field.empty)
        elif not field.name:
            found.update(value)
        elif value is not None and value != "":
            # Protobuf writes empty strings where JSON leaves the field out.
            found[field.name] = value
    return found


def _value(field: Field, wire: int, raw: Any, path: str, depth: int) -> Any:
    expected = _VARINT if field.type in ("int", "bool", "int?", "bool?") else _BYTES
    if wire != expected:
        raise BadRequest(f"protobuf: {path} has wire type {wire}")
    if field.many == "map":
        entry: Message = {1: Field("key", "string"), 2: Field("value", field.type)}
        return _message(raw, entry, path, depth + 1)
    if isinstance(field.type, dict):
        return _message(raw, field.type, path, depth + 1)
    if field.type in ("int?", "bool?") and not raw:
        return None
    if field.type in ("bool", "bool?"):
        return bool(raw)
    if field.type in ("int", "int?"):
        return raw - (1 << 64) if raw >> 63 else raw
    if field.type == "bytes":
        return base64.b64encode(raw).decode()
    if field.type == "raw":
        return bytes(raw)
    if field.type == "time":
        # A zero time is an empty message: the field isn't set.
        seconds = _message(raw, {1: Field("seconds", "int"), 2: Field("nanos", "int")}, path, depth + 1).get("seconds", 0)
        return rfc3339(seconds) if seconds else None
    if field.type == "int-or-string":
        which = _message(raw, {1: Field("text", "bool"), 2: Field("int", "int"), 3: Field("string", "string")}, path, depth + 1)
        return which.get("string", "") if which.get("text") else which.get("int") or None
    if field.type == "json":
        return _json(_message(raw, {1: Field("raw", "raw")}, path, depth + 1).get("raw", b""), path)
    if field.type == "strings":
        return _message(raw, {1: Field("items", "string", "list")}, path, depth + 1).get("items", [])
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        raise BadRequest(f"protobuf: {path} is not UTF-8") from None


def _json(data: bytes, path: str) -> Any:
    try:
        return msgspec.json.decode(data) if data else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"protobuf: {path} is not JSON: {error}") from None


def _fields(data: memoryview, path: str) -> Iterator[tuple[int, int, Any]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at, path)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(data, at, path)
            yield number, wire, value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at, path)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise BadRequest(f"protobuf: {path} has the unknown wire type {wire}")
        if at + size > len(data):
            raise BadRequest(f"protobuf: {path or 'the body'} ends too early")
        yield number, wire, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int, path: str) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise BadRequest(f"protobuf: {path or 'the body'} holds a broken number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value & ((1 << 64) - 1), at
        shift += 7
