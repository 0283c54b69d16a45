"""Rules for config maps and secrets that their types don't hold."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid, invalid_each, required, too_long
from boatyard.machinery.meta.objects import Object, annotations

MAX_BYTES = 1024 * 1024
_NEEDS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
"""Type of a secret -> the keys it must have."""
ACCOUNT_NAME = "kubernetes.io/service-account.name"


def validate_config_map(obj: Object, old: Object | None) -> Iterator[FieldError]:
    """A ConfigMap."""
    texts, binaries = obj.get("data") or {}, obj.get("binaryData") or {}
    size = 0
    for field, entries in (("data", texts), ("binaryData", binaries)):
        for key, value in entries.items():
            yield from invalid_each(f"{field}[{key}]", key, names.config_key(key))
            if field == "data" and key in binaries:
                yield invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
            size += len(value.encode()) if field == "data" else _decoded_bytes(value)
    if size > MAX_BYTES:
        yield too_long("", MAX_BYTES)
    yield from _immutable(obj, old, ("data", "binaryData"))


def validate_secret(obj: Object, old: Object | None) -> Iterator[FieldError]:
    """A Secret whose ``stringData`` is merged in."""
    data, kind = obj.get("data") or {}, obj.get("type") or ""
    size = 0
    for key, value in data.items():
        yield from invalid_each(f"data[{key}]", key, names.config_key(key))
        size += _decoded_bytes(value)
    if size > MAX_BYTES:
        yield too_long("data", MAX_BYTES)
    for key in _NEEDS.get(kind, ()):
        if key not in data:
            yield required(f"data[{key}]")
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        yield required("data[username]")
        yield required("data[password]")
    if kind == "kubernetes.io/service-account-token" and not annotations(obj).get(ACCOUNT_NAME):
        yield required(f"metadata.annotations[{ACCOUNT_NAME}]")
    if old is not None and (old.get("type") or "") != kind:
        yield invalid("type", kind, "field is immutable")
    yield from _immutable(obj, old, ("data",))


def _decoded_bytes(text: str) -> int:
    return len(text) * 3 // 4


def _immutable(obj: Object, old: Object | None, fields: tuple[str, ...]) -> Iterator[FieldError]:
    if old is None or not old.get("immutable"):
        return
    if not obj.get("immutable"):
        yield forbidden("immutable", "field is immutable when `immutable` is set")
    for field in fields:
        if (obj.get(field) or {}) != (old.get(field) or {}):
            yield forbidden(field, "field is immutable when `immutable` is set")
