"""What a record's value must be, for whoever looks after the store: an object under its own key."""

from __future__ import annotations

import msgspec

from boatyard.machinery.registry import keys
from boatyard.machinery.registry.documents import HEAD
from boatyard.machinery.store.sealer import key_id


class _Metadata(msgspec.Struct):
    name: str
    namespace: str = ""
    uid: str = ""


class _Stored(msgspec.Struct):
    metadata: _Metadata
    apiVersion: str
    kind: str


_decode = msgspec.json.Decoder(_Stored).decode


def wrong(key: str, value: bytes) -> str:
    """What is wrong with a value under a key; empty when nothing is."""
    parts = key.split("/")
    if len(parts) != 6 or parts[:2] != ["", "registry"]:
        return "no key of an object"
    if key_id(value):
        return ""  # Sealed: its own tag proves it to whoever has the key.
    if not value.startswith(HEAD):
        return "its value is no object as they are stored"
    try:
        stored = _decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return f"its value is no object: {error}"
    group = stored.apiVersion.rpartition("/")[0] or "core"
    found = (group, stored.metadata.namespace, stored.metadata.name)
    if found != (parts[2], *keys.place(key)):
        return f"its value is another object: {stored.kind} {stored.metadata.name} in {stored.metadata.namespace or 'no namespace'}"
    return ""
