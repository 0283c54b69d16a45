"""Rules for a pod's volumes that their types don't hold."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, forbidden, invalid_each, required
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.label_selectors import validate_labels
from boatyard.machinery.registry.core.storage import validate_claim_spec
from boatyard.machinery.registry.core.volume_sources import validate_source

_FIRST = ("emptyDir", "hostPath", "secret", "persistentVolumeClaim", "downwardAPI", "configMap", "projected")
"""The order in which kinds of volumes are looked at, when there are several in one."""


def validate_volumes(volumes: list[Object], where: str, usable: dict[str, Object]) -> Iterator[FieldError]:
    """Everything wrong with ``spec.volumes``; those that are fine go into ``usable``, by name."""
    taken: set[str] = set()
    for index, volume in enumerate(volumes):
        wrong = list(_volume(volume, f"{where}[{index}]", taken))
        yield from wrong
        if not wrong:
            usable[volume["name"]] = volume


def _volume(volume: Object, at: str, taken: set[str]) -> Iterator[FieldError]:
    name = volume.get("name", "")
    sources = sorted(
        (key for key in volume if key != "name"), key=lambda kind: _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
    )
    if not sources:
        yield required(at, "must specify a volume type")
    for extra in sources[1:]:
        yield forbidden(f"{at}.{extra}", "may not specify more than 1 volume type")
    if sources[:1] == ["ephemeral"]:
        yield from _ephemeral(volume["ephemeral"].get("volumeClaimTemplate"), f"{at}.ephemeral.volumeClaimTemplate")
    elif sources:
        yield from validate_source(sources[0], volume[sources[0]], at)
    if not name:
        yield required(f"{at}.name")
    else:
        yield from invalid_each(f"{at}.name", name, names.dns1123_label(name))
    if name in taken:
        yield duplicate(f"{at}.name", name)
    taken.add(name)


def _ephemeral(template: Object | None, at: str) -> Iterator[FieldError]:
    if template is None:
        yield required(at)
        return
    metadata = template.get("metadata") or {}
    yield from validate_labels(metadata.get("labels"), f"{at}.metadata.labels")
    for key in metadata.get("annotations") or {}:
        yield from invalid_each(f"{at}.metadata.annotations", key, names.qualified_name(key.lower()))
    for field in ("name", "generateName", "namespace"):
        if metadata.get(field):
            yield forbidden(f"{at}.metadata.{field}", "cannot be set")
    yield from validate_claim_spec(template.get("spec") or {}, f"{at}.spec")
