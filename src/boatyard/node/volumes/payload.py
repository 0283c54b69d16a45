"""The files of configMap, secret, downwardAPI and projected volumes. Pure: references in, bytes and modes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from boatyard.machinery.meta.core import CONFIG_MAPS, SECRETS
from boatyard.machinery.meta.objects import Object, namespace
from boatyard.machinery.meta.resource import Resource
from boatyard.node.containers import downward
from boatyard.node.containers.environment import Reference, Surroundings, container_named, data_of
from boatyard.node.volumes.errors import VolumeError

DEFAULT_MODE = 0o644
KINDS = ("configMap", "secret", "downwardAPI", "projected")


class File(NamedTuple):
    """One file of a volume."""

    content: bytes
    mode: int


class TokenWish(NamedTuple):
    """A ``serviceAccountToken`` projection."""

    path: str
    audience: str
    expiration_seconds: int


def is_payload(volume: Object) -> bool:
    """Whether the volume's files are made by the node."""
    return any(volume.get(kind) is not None for kind in KINDS)


def references(volume: Object) -> list[Reference]:
    """The ConfigMaps and Secrets that a volume shows."""
    return [reference for kind, source in _sources(volume) if (reference := _reference(kind, source)) is not None]


def tokens(volume: Object) -> list[TokenWish]:
    """The service-account tokens that a volume shows."""
    return [
        TokenWish(source["path"], source.get("audience") or "", int(source.get("expirationSeconds") or 3600))
        for kind, source in _sources(volume)
        if kind == "serviceAccountToken"
    ]


def files(volume: Object, around: Surroundings, issued: Mapping[TokenWish, str]) -> dict[str, File]:
    """Relative path to file. Later sources of a projected volume win.

    Raises VolumeError when something that isn't optional is missing, or a path leads out of the volume.
    """
    mode = _default_mode(volume)
    made: dict[str, File] = {}
    for kind, source in _sources(volume):
        for path, content, own_mode in _entries(kind, source, around, issued):
            pure = PurePosixPath(path)
            if pure.is_absolute() or ".." in pure.parts or not pure.parts or pure.parts[0].startswith(".."):
                raise VolumeError(f"path {path!r} must be relative, without '..' and not begin with '..'")
            made[str(pure)] = File(content, mode if own_mode is None else own_mode)
    return made


def _sources(volume: Object) -> Iterator[tuple[str, Object]]:
    for kind in ("configMap", "secret", "downwardAPI"):
        if volume.get(kind) is not None:
            yield kind, volume[kind]
    for source in (volume.get("projected") or {}).get("sources") or ():
        for kind, body in source.items():
            if kind not in ("configMap", "secret", "downwardAPI", "serviceAccountToken"):
                raise VolumeError(f"projected source {kind} is not supported by this node")
            yield kind, body


def _default_mode(volume: Object) -> int:
    for kind in KINDS:
        mode = (volume.get(kind) or {}).get("defaultMode")
        if mode is not None:
            return mode
    return DEFAULT_MODE


def _reference(kind: str, source: Object) -> Reference | None:
    if kind == "configMap":
        return CONFIG_MAPS, source.get("name", "")
    if kind == "secret":
        return SECRETS, source.get("secretName") or source.get("name", "")
    return None


def _entries(
    kind: str, source: Object, around: Surroundings, issued: Mapping[TokenWish, str]
) -> Iterator[tuple[str, bytes, int | None]]:
    if kind == "serviceAccountToken":
        wish = TokenWish(source["path"], source.get("audience") or "", int(source.get("expirationSeconds") or 3600))
        yield wish.path, issued[wish].encode(), None
    elif kind == "downwardAPI":
        for item in source.get("items") or ():
            yield item["path"], _downward(item, around).encode(), item.get("mode")
    else:
        reference = _reference(kind, source)
        if reference is not None:
            yield from _object_entries(reference[0], reference[1], source, around)


def _object_entries(resource: Resource, name: str, source: Object, around: Surroundings) -> Iterator[tuple[str, bytes, int | None]]:
    obj, optional = around.objects.get((resource, name)), bool(source.get("optional"))
    if obj is None:
        if optional:
            return
        raise VolumeError(f'{resource.kind.lower()} "{name}" not found')
    entries = data_of(obj, resource)
    items = source.get("items")
    if not items:
        yield from ((key, content, None) for key, content in entries.items())
        return
    for item in items:
        if item["key"] in entries:
            yield item["path"], entries[item["key"]], item.get("mode")
        elif not optional:
            raise VolumeError(f"references non-existent {resource.kind.lower()} key: {namespace(around.pod)}/{name}: {item['key']}")


def _downward(item: Object, around: Surroundings) -> str:
    if reference := item.get("fieldRef"):
        return downward.field(around.pod, reference.get("fieldPath", ""), around.addresses)
    reference = item.get("resourceFieldRef") or {}
    container = container_named(around.pod, reference.get("containerName", ""))
    return downward.resource(container, reference.get("resource", ""), reference.get("divisor") or "1", around.allocatable)
