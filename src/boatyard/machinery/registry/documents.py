"""How an object lies in the store: compact JSON that begins with ``{"metadata":{``, where ``managedFields`` come first if there are
any, and has no ``resourceVersion``.

The resourceVersion is the revision of the record itself, so it can't disagree with it; it is put into the bytes on the way out,
without decoding them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.store.store import Record

HEAD = b'{"metadata":{'
"""How the bytes begin."""
_AFTER_HEAD = len(HEAD)
PIECE_BYTES = 60 * 1024
_MANAGED = HEAD + b'"managedFields":['
_AFTER_MANAGED = len(_MANAGED)

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class _Metadata(msgspec.Struct):
    labels: dict[str, str] | None = None


class _Labelled(msgspec.Struct):
    metadata: _Metadata


_decode_labelled = msgspec.json.Decoder(_Labelled).decode


def encode(obj: Object) -> bytes:
    """The bytes to store. ``metadata`` must have a name."""
    stored: Object = {}
    rest = {field: value for field, value in obj["metadata"].items() if field != "resourceVersion"}
    if managers := rest.pop("managedFields", None):
        rest = {"managedFields": managers, **rest}
    stored["metadata"] = rest
    for field, value in obj.items():
        if field != "metadata":
            stored[field] = value
    return _encode(stored)


def decode(value: bytes, revision: int) -> Object:
    """The object, fresh, with its resourceVersion."""
    obj: Object = _decode(value)
    obj["metadata"]["resourceVersion"] = str(revision)
    return obj


def parted(value: bytes, revision: int) -> tuple[bytes, Object]:
    """The text of the managed fields (empty when there are none), and the object without them, fresh.

    Most of what reads an object doesn't ask who owns what of it, and making nothing of that half of the text costs nothing.
    """
    if value.startswith(_MANAGED):
        # Within a string no quote follows a comma unescaped, and fields hold no lists: this is where the entries end.
        end = value.index(b'],"', _AFTER_MANAGED) + 1
        return value[_AFTER_MANAGED - 1 : end], decode(HEAD + value[end + 1 :], revision)
    obj = decode(value, revision)
    managers = obj["metadata"].pop("managedFields", None)
    return (_encode(managers) if managers else b""), obj


@lru_cache(maxsize=64)
def shared(value: bytes, revision: int) -> Object:
    """The object without its managed fields, read-only: who watches the same things in one process sees the same objects, and keeps
    them for long."""
    return parted(value, revision)[1]


def with_revision(value: bytes, revision: int) -> bytes:
    """The object's JSON with its resourceVersion."""
    return b'%s"resourceVersion":"%d",%s' % (HEAD, revision, value[_AFTER_HEAD:])


def joined(records: Iterable[Record]) -> Iterator[bytes]:
    """The records' JSON with their resourceVersions and commas between, in pieces of about 64 KiB: memory that is used again is
    several times as fast as fresh megabytes."""
    parts: list[bytes] = []
    size = 0
    comma = b""
    for record in records:
        parts += (b'%s{"metadata":{"resourceVersion":"%d",' % (comma, record.modified), record.value[_AFTER_HEAD:])
        comma = b","
        size += len(record.value)
        if size >= PIECE_BYTES:
            yield b"".join(parts)
            parts.clear()
            size = 0
    if parts:
        yield b"".join(parts)


@lru_cache(maxsize=16)
def labels(value: bytes) -> dict[str, str]:
    """Only the labels, read-only: much cheaper than the whole object. A few are remembered, as whoever watches asks in turn."""
    return _decode_labelled(value).metadata.labels or {}


@lru_cache(maxsize=256)
def field_reader(path: str) -> Callable[[bytes], Any]:
    """Reads the value below a dotted path, None where there is none, without making anything of the rest of the document. A few are
    remembered, as whoever watches asks in turn."""
    shape: Any = Any
    for step in reversed(path.split(".")):
        below = shape if shape is Any else shape | None
        shape = msgspec.defstruct("_Field", [("value", below, None)], rename={"value": step})
    read = msgspec.json.Decoder(shape).decode
    depth = path.count(".") + 1

    @lru_cache(maxsize=16)
    def field(value: bytes) -> Any:
        try:
            found: Any = read(value)
        except msgspec.ValidationError:  # something else stands where a step of the path should be
            return None
        for _ in range(depth):
            if found is None:
                return None
            found = found.value
        return found

    return field


def fresh(obj: Any) -> Any:
    """A deep copy of JSON-like data. Raises TypeError for what JSON can't hold."""
    return _decode(_encode(obj))
