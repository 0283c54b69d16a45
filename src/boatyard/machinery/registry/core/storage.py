"""Rules for claims and volumes that their types don't hold."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quantity import parse_quantity
from boatyard.machinery.registry.core.label_selectors import validate_label_selector
from boatyard.machinery.registry.core.volume_sources import validate_source

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
_NOT_SOURCES = (
    "capacity", "accessModes", "claimRef", "persistentVolumeReclaimPolicy", "storageClassName", "mountOptions", "volumeMode",
    "nodeAffinity", "volumeAttributesClassName",
)  # fmt: skip


def validate_claim(obj: Object, old: Object | None) -> Iterator[FieldError]:
    """A PersistentVolumeClaim."""
    spec = obj.get("spec") or {}
    yield from validate_claim_spec(spec)
    if old is None:
        return
    before, status = old.get("spec") or {}, old.get("status") or {}
    if _claim_frozen(spec, before, status) != _claim_frozen(before, before, status):
        yield forbidden(
            "spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
    asked, capacity = _storage(spec), parse_quantity((status.get("capacity") or {}).get("storage", "0"))
    if asked < _storage(before) and asked <= capacity:
        yield forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")
    if spec.get("volumeMode") != before.get("volumeMode"):
        yield invalid("volumeMode", spec.get("volumeMode"), "field is immutable")


def validate_claim_spec(spec: Object, path: str = "spec") -> Iterator[FieldError]:
    """What a claim asks for, wherever it stands."""
    yield from _access_modes(spec, path, "at least 1 access mode is required")
    if selector := spec.get("selector"):
        yield from validate_label_selector(selector, f"{path}.selector")
    if name := spec.get("storageClassName"):
        yield from invalid_each(f"{path}.storageClassName", name, names.dns1123_subdomain(name))
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if size is None:
        yield required(f"{path}.resources[storage]")
    elif parse_quantity(size) <= 0:
        yield invalid(f"{path}.resources[storage]", size, "must be greater than zero")


def _storage(spec: Object) -> Decimal:
    return parse_quantity(((spec.get("resources") or {}).get("requests") or {}).get("storage", "0"))


def _claim_frozen(spec: Object, before: Object, status: Object) -> Object:
    """What stays: a claim without a class may be given one, one without a volume too; a bound one may become larger."""
    loose = ["volumeName"] if not before.get("volumeName") else []
    if not before.get("storageClassName") and spec.get("storageClassName"):
        loose.append("storageClassName")
    frozen = {key: value for key, value in spec.items() if key not in loose}
    if status.get("phase") != "Bound":
        return frozen
    resources = frozen.get("resources") or {}
    if requests := resources.get("requests"):
        kept = {key: value for key, value in requests.items() if key != "storage"}
        frozen["resources"] = {**resources, "requests": kept}
    if frozen.get("volumeAttributesClassName") is not None:
        del frozen["volumeAttributesClassName"]
    return frozen


def validate_volume(obj: Object, old: Object | None) -> Iterator[FieldError]:
    """A PersistentVolume."""
    spec = obj.get("spec") or {}
    yield from _access_modes(spec, "spec")
    size = (spec.get("capacity") or {}).get("storage")
    if not spec.get("capacity"):
        yield required("spec.capacity")
    if size is None:
        yield unsupported("spec.capacity", spec.get("capacity") or {}, ("storage",))
    elif parse_quantity(size) <= 0:
        yield invalid("spec.capacity[storage]", size, "must be greater than zero")
    policy = spec.get("persistentVolumeReclaimPolicy")
    if policy and policy not in RECLAIM_POLICIES:
        yield unsupported("spec.persistentVolumeReclaimPolicy", policy, RECLAIM_POLICIES)
    sources = [key for key in spec if key not in _NOT_SOURCES]
    if not sources:
        yield required("spec", "must specify a volume type")
    for extra in sources[1:]:
        yield forbidden(f"spec.{extra}", "may not specify more than 1 volume type")
    if "hostPath" in sources:
        yield from validate_source("hostPath", spec["hostPath"], "spec")
    if "local" in sources:
        if not spec["local"].get("path"):
            yield required("spec.local.path")
        if not spec.get("nodeAffinity"):
            yield required("spec.nodeAffinity", "Local volume requires node affinity")
    if old is not None:
        before = old.get("spec") or {}
        if any(spec.get(key) != before.get(key) for key in {*sources, *(key for key in before if key not in _NOT_SOURCES)}):
            yield forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")
        if spec.get("volumeMode") != before.get("volumeMode"):
            yield invalid("spec.volumeMode", spec.get("volumeMode"), "field is immutable")


def _access_modes(spec: Object, path: str, told: str = "") -> Iterator[FieldError]:
    modes = spec.get("accessModes") or []
    if not modes:
        yield required(f"{path}.accessModes", told)
    for mode in modes:
        if mode not in ACCESS_MODES:
            yield unsupported(f"{path}.accessModes", mode, ACCESS_MODES)
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        yield forbidden(f"{path}.accessModes", "may not use ReadWriteOncePod with other access modes")
