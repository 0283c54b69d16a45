"""Rules for where a container finds the volumes of its pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid, not_found, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.local_paths import validate_local_path

_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_RECURSIONS = ("Disabled", "Enabled", "IfPossible")
Volumes = Mapping[str, Object]
"""The volumes of a pod that are fine, by name."""


def validate_mounts(container: Object, volumes: Volumes, where: str) -> Iterator[FieldError]:
    """``volumeMounts`` and ``volumeDevices``."""
    mounts, devices = container.get("volumeMounts") or [], container.get("volumeDevices") or []
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        yield from _mount(mount, volumes, f"{where}.volumeMounts[{index}]", paths)
        if devices:
            yield from _apart(mount, "mountPath", devices, "devicePath", "volumeDevices", f"{where}.volumeMounts[{index}]")
        yield from _below(mount, f"{where}.volumeMounts", index)
        privileged = bool((container.get("securityContext") or {}).get("privileged"))
        yield from _shared(mount, privileged, f"{where}.volumeMounts")
    if devices:
        yield from _devices(devices, mounts, volumes, f"{where}.volumeDevices")


def _mount(mount: Object, volumes: Volumes, at: str, paths: set[str]) -> Iterator[FieldError]:
    name, target = mount.get("name", ""), mount.get("mountPath", "")
    if not name:
        yield required(f"{at}.name")
    if name not in volumes:
        yield not_found(f"{at}.name", name)
    if not target:
        yield required(f"{at}.mountPath")
    if target in paths:
        yield invalid(f"{at}.mountPath", target, "must be unique")
    paths.add(target)


def _apart(own: Object, path: str, others: list[Object], their_path: str, where: str, at: str) -> Iterator[FieldError]:
    """What is mounted isn't a device too, nor at the same place."""
    name, place = own.get("name", ""), own.get(path, "")
    if any(other.get("name", "") == name for other in others):
        yield invalid(f"{at}.name", name, f"must not already exist in {where}")
    if any(other.get(their_path, "") == place for other in others):
        yield invalid(f"{at}.{path}", place, f"must not already exist as a path in {where}")


def _below(mount: Object, where: str, index: int) -> Iterator[FieldError]:
    for field in ("subPath", "subPathExpr"):
        if below := mount.get(field):
            yield from validate_local_path(below, f"{where}.{field}")
    if mount.get("subPath") and mount.get("subPathExpr"):
        told = "subPathExpr and subPath are mutually exclusive"
        yield invalid(f"{where}[{index}].subPathExpr", mount["subPathExpr"], told)


def _shared(mount: Object, privileged: bool, where: str) -> Iterator[FieldError]:
    """As Kubernetes has it: without telling of which mount."""
    propagation, recursion = mount.get("mountPropagation"), mount.get("recursiveReadOnly")
    if propagation is not None and propagation not in _PROPAGATIONS:
        yield unsupported(f"{where}.mountPropagation", propagation, _PROPAGATIONS)
    if propagation == "Bidirectional" and not privileged:
        told = "Bidirectional mount propagation is available only to privileged containers"
        yield forbidden(f"{where}.mountPropagation", told)
    at = f"{where}.recursiveReadOnly"
    if recursion in ("Enabled", "IfPossible"):
        if not mount.get("readOnly"):
            yield forbidden(at, "may only be specified when readOnly is true")
        if propagation not in (None, "None"):
            yield forbidden(at, "may only be specified when mountPropagation is None or not specified")
    elif recursion not in (None, "Disabled"):
        yield unsupported(at, recursion, _RECURSIONS)


def _devices(devices: list[Object], mounts: list[Object], volumes: Volumes, where: str) -> Iterator[FieldError]:
    taken: set[str] = set()
    paths: set[str] = set()
    for index, device in enumerate(devices):
        at, name, path = f"{where}[{index}]", device.get("name", ""), device.get("devicePath", "")
        if not name:
            yield required(f"{at}.name")
        if name in taken:
            yield invalid(f"{at}.name", name, "must be unique")
        if name not in volumes:
            yield not_found(f"{at}.name", name)
        elif not {"persistentVolumeClaim", "ephemeral"}.intersection(volumes[name]):
            told = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            yield invalid(f"{at}.name", name, told)
        if not path:
            yield required(f"{at}.devicePath")
        if path in paths:
            yield invalid(f"{at}.devicePath", path, "must be unique")
        if ".." in path.split("/"):
            yield invalid(f"{at}.devicePath", path, "can not contain backsteps ('..')")
        else:
            paths.add(path)
        yield from _apart(device, "devicePath", mounts, "mountPath", "volumeMounts", at)
        if name:
            taken.add(name)
