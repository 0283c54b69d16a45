"""Rules for a pod's volumes that their types don't hold."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, forbidden, invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quantity import parse_quantity
from boatyard.machinery.registry.core.containers import validate_local_path

HOST_PATH_TYPES = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")


_FIRST = ("emptyDir", "hostPath", "secret", "persistentVolumeClaim", "downwardAPI", "configMap", "projected")
"""The order in which kinds of volumes are looked at, when there are several in one."""


def validate_volumes(volumes: list[Object], where: str, usable: set[str]) -> Iterator[FieldError]:
    """Everything wrong with ``spec.volumes``; the names of those that are fine go into ``usable``."""
    taken: set[str] = set()
    for index, volume in enumerate(volumes):
        wrong = list(_volume(volume, f"{where}[{index}]", taken))
        yield from wrong
        if not wrong:
            usable.add(volume["name"])


def _volume(volume: Object, at: str, taken: set[str]) -> Iterator[FieldError]:
    name = volume.get("name", "")
    sources = sorted(
        (key for key in volume if key != "name"), key=lambda kind: _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
    )
    if not sources:
        yield required(at, "must specify a volume type")
    for extra in sources[1:]:
        yield forbidden(f"{at}.{extra}", "may not specify more than 1 volume type")
    if sources:
        yield from _source(sources[0], volume[sources[0]], f"{at}.{sources[0]}")
    if not name:
        yield required(f"{at}.name")
    else:
        yield from invalid_each(f"{at}.name", name, names.dns1123_label(name))
    if name in taken:
        yield duplicate(f"{at}.name", name)
    taken.add(name)


def validate_host_path(source: Object, at: str) -> Iterator[FieldError]:
    """A directory or file of the host."""
    path, kind = source.get("path", ""), source.get("type") or ""
    if not path:
        yield required(f"{at}.path")
        return
    if ".." in path.split("/"):
        yield invalid(f"{at}.path", path, "must not contain '..'")
    if kind not in HOST_PATH_TYPES:
        yield unsupported(f"{at}.type", kind, HOST_PATH_TYPES)


def _source(kind: str, source: Object, at: str) -> Iterator[FieldError]:
    if kind == "emptyDir":
        if (size := source.get("sizeLimit")) is not None and parse_quantity(size) < 0:
            yield forbidden(f"{at}.sizeLimit", "SizeLimit field must be a valid resource quantity")
    elif kind == "hostPath":
        yield from validate_host_path(source, at)
    elif kind == "secret":
        if not source.get("secretName"):
            yield required(f"{at}.secretName")
        yield from _items(source, at)
    elif kind == "configMap":
        if not source.get("name"):
            yield required(f"{at}.name")
        yield from _items(source, at)
    elif kind == "persistentVolumeClaim":
        if not source.get("claimName"):
            yield required(f"{at}.claimName")
    elif kind == "projected":
        yield from _mode(source, at)
        for index, projection in enumerate(source.get("sources") or ()):
            yield from _projection(projection, f"{at}.sources[{index}]")
    elif kind == "downwardAPI":
        yield from _mode(source, at)


def _projection(projection: Object, at: str) -> Iterator[FieldError]:
    for kind in list(projection)[1:]:
        yield forbidden(f"{at}.{kind}", "may not specify more than 1 volume type")
    for kind in ("secret", "configMap"):
        if (found := projection.get(kind)) is not None:
            if not found.get("name"):
                yield required(f"{at}.{kind}.name")
            yield from _items(found, f"{at}.{kind}")
    if (token := projection.get("serviceAccountToken")) is not None:
        if token.get("expirationSeconds", 3600) < 600:
            yield invalid(
                f"{at}.serviceAccountToken.expirationSeconds",
                token["expirationSeconds"],
                "may not specify a duration less than 10 minutes",
            )
        if not token.get("path"):
            yield required(f"{at}.serviceAccountToken.path")


def _items(source: Object, at: str) -> Iterator[FieldError]:
    yield from _mode(source, at)
    for index, item in enumerate(source.get("items") or ()):
        where = f"{at}.items[{index}]"
        if not item.get("key"):
            yield required(f"{where}.key")
        if not item.get("path"):
            yield required(f"{where}.path")
        else:
            yield from validate_local_path(item["path"], f"{where}.path")


def _mode(source: Object, at: str) -> Iterator[FieldError]:
    mode = source.get("defaultMode")
    if mode is not None and not 0 <= mode <= 0o777:
        yield invalid(f"{at}.defaultMode", mode, "must be a number between 0 and 0777 (octal), both inclusive")
