"""Rules for where a volume's files come from, one kind of source at a time."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quantity import parse_quantity
from boatyard.machinery.registry.core.environment import IN_VOLUME, validate_field_reference, validate_resource_reference
from boatyard.machinery.registry.core.local_paths import validate_file_path, validate_local_path

HOST_PATH_TYPES = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
_NEEDS = {
    "awsElasticBlockStore": ("volumeID",),
    "azureDisk": ("diskName", "diskURI"),
    "azureFile": ("secretName", "shareName"),
    "cephfs": ("monitors",),
    "cinder": ("volumeID",),
    "configMap": ("name",),
    "csi": ("driver",),
    "flexVolume": ("driver",),
    "gcePersistentDisk": ("pdName",),
    "gitRepo": ("repository",),
    "glusterfs": ("endpoints", "path"),
    "hostPath": ("path",),
    "iscsi": ("targetPortal", "iqn"),
    "nfs": ("server", "path"),
    "persistentVolumeClaim": ("claimName",),
    "portworxVolume": ("volumeID",),
    "quobyte": ("volume",),
    "rbd": ("monitors", "image"),
    "scaleIO": ("gateway", "system", "volumeName"),
    "secret": ("secretName",),
    "storageos": ("volumeName",),
    "vsphereVolume": ("volumePath",),
}
"""What must not be empty, or there is nothing else wrong with such a source but what is below."""
_CALLED = {"gcePersistentDisk": "persistentDisk"}
"""Kinds that have another name in messages."""
_MODE_TOLD = "must be a number between 0 and 0777 (octal), both inclusive"
_BYTE = 255
_SHORTEST_TOKEN_SECONDS, _LONGEST_TOKEN_SECONDS = 600, 2**32
_TWICE = "conflicting duplicate paths"


def validate_source(kind: str, source: Object, where: str) -> Iterator[FieldError]:
    """Everything wrong with the source of a volume. ``where`` is the volume's path."""
    at = f"{where}.{_CALLED.get(kind, kind)}"
    for field in _NEEDS.get(kind, ()):
        if not source.get(field):
            yield required(f"{at}.{field}")
    if kind == "emptyDir":
        if (size := source.get("sizeLimit")) is not None and parse_quantity(size) < 0:
            yield forbidden(f"{at}.sizeLimit", "SizeLimit field must be a valid resource quantity")
    elif kind == "hostPath":
        yield from _host_path(source, at)
    elif kind in ("secret", "configMap"):
        yield from _items(source, at)
    elif kind == "projected":
        yield from _mode(source, "defaultMode", at)
        yield from _projected(source.get("sources") or [], at)
    elif kind == "downwardAPI":
        yield from _mode(source, "defaultMode", at)
        for file in source.get("items") or ():
            yield from _shown(file, at)
    elif kind == "csi":
        driver = source.get("driver", "")
        yield from invalid_each(f"{at}.driver", driver, names.dns1123_subdomain(driver))
        if (secret := source.get("nodePublishSecretRef")) is not None and not secret.get("name"):
            yield required(f"{at}.nodePublishSecretRef.name")
    elif kind == "nfs":
        if not (path := source.get("path", "")).startswith("/"):
            yield invalid(f"{at}.path", path, "must be an absolute path")
    elif kind == "gitRepo":
        yield from validate_local_path(source.get("directory") or "", f"{at}.directory")
    else:
        yield from _disks(kind, source, at)


def _disks(kind: str, source: Object, at: str) -> Iterator[FieldError]:
    """Disks elsewhere."""
    if kind == "iscsi" and not 0 <= (unit := source.get("lun", 0)) <= _BYTE:
        yield invalid(f"{at}.lun", unit, f"must be between 0 and {_BYTE}, inclusive")
    if kind in ("awsElasticBlockStore", "gcePersistentDisk") and not 0 <= (partition := source.get("partition", 0)) <= _BYTE:
        yield invalid(f"{at}.partition", partition, f"must be between 1 and {_BYTE}, inclusive")
    if kind == "fc" and bool(source.get("targetWWNs")) == bool(source.get("wwids")):
        yield required(f"{at}.targetWWNs", "must specify either targetWWNs or wwids, but not both")
    if kind == "flocker" and not source.get("datasetName") and not source.get("datasetUUID"):
        yield required(at, "one of datasetName and datasetUUID is required")
    if kind == "quobyte" and not source.get("registry"):
        yield required(f"{at}.registry", "must be a host:port pair or multiple pairs separated by commas")


def _host_path(source: Object, at: str) -> Iterator[FieldError]:
    """A directory or file of the host."""
    path, kind = source.get("path", ""), source.get("type") or ""
    if not path:
        return
    if ".." in path.split("/"):
        yield invalid(f"{at}.path", path, "must not contain '..'")
    if kind not in HOST_PATH_TYPES:
        yield unsupported(f"{at}.type", kind, HOST_PATH_TYPES)


def _shown(file: Object, at: str) -> Iterator[FieldError]:
    """A file that shows a field or a resource of the pod; as Kubernetes has it, without telling which one."""
    path, field, resource = file.get("path", ""), file.get("fieldRef"), file.get("resourceFieldRef")
    if not path:
        yield required(f"{at}.path")
    yield from validate_file_path(path, f"{at}.path")
    if field is not None:
        yield from validate_field_reference(field, IN_VOLUME, f"{at}.fieldRef")
        if resource is not None:
            yield invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
    elif resource is not None:
        yield from validate_resource_reference(resource, IN_VOLUME, f"{at}.resourceFieldRef")
    else:
        yield required(at, "one of fieldRef and resourceFieldRef is required")
    yield from _mode(file, "mode", at)


def _projected(sources: list[Object], at: str) -> Iterator[FieldError]:
    taken: set[str] = set()

    def place(path: str, told: str) -> Iterator[FieldError]:
        if path and path in taken:
            yield invalid(at, told, _TWICE)
        taken.add(path)

    for index, projection in enumerate(sources):
        where = f"{at}.sources[{index}]"
        for kind in ("secret", "configMap"):
            if (found := projection.get(kind)) is not None:
                if not found.get("name"):
                    yield required(f"{where}.{kind}.name")
                yield from _items(found, f"{where}.{kind}")
                for item in found.get("items") or ():
                    yield from place(item.get("path", ""), found.get("name", ""))
        for file in (projection.get("downwardAPI") or {}).get("items") or ():
            yield from _shown(file, f"{where}.downwardAPI")
            yield from place(file.get("path", ""), file.get("path", ""))
        if (token := projection.get("serviceAccountToken")) is not None:
            yield from _token(token, at, f"{where}.serviceAccountToken")
            yield from place(token.get("path", ""), token.get("path", ""))
        if len(projection) > 1:
            yield forbidden(where, "may not specify more than 1 volume type per source")


def _token(token: Object, at: str, where: str) -> Iterator[FieldError]:
    seconds, path = token.get("expirationSeconds", _SHORTEST_TOKEN_SECONDS), token.get("path", "")
    if seconds < _SHORTEST_TOKEN_SECONDS:
        yield invalid(f"{where}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    if seconds > _LONGEST_TOKEN_SECONDS:
        yield invalid(f"{where}.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")
    if not path:
        yield required(f"{at}.path")
    yield from validate_file_path(path, f"{at}.path")


def _items(source: Object, at: str) -> Iterator[FieldError]:
    yield from _mode(source, "defaultMode", at)
    for index, item in enumerate(source.get("items") or ()):
        where = f"{at}.items[{index}]"
        if not item.get("key"):
            yield required(f"{where}.key")
        if not item.get("path"):
            yield required(f"{where}.path")
        yield from validate_file_path(item.get("path", ""), f"{where}.path")
        yield from _mode(item, "mode", where)


def _mode(source: Object, field: str, at: str) -> Iterator[FieldError]:
    mode = source.get(field)
    if mode is not None and not 0 <= mode <= 0o777:
        yield invalid(f"{at}.{field}", mode, _MODE_TOLD)
