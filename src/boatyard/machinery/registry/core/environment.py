"""Rules for a container's environment, and for fields and resources of the pod itself that it and volumes may show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quantity import parse_quantity

_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")
_SUBSCRIPTED = ("metadata.annotations", "metadata.labels")
_READABLE = (
    *_SUBSCRIPTED, "metadata.name", "metadata.namespace", "metadata.uid", "spec.host", "spec.nodeName", "spec.restartPolicy",
    "spec.serviceAccountName", "spec.schedulerName", "status.phase", "status.hostIP", "status.hostIPs", "status.podIP",
    "status.podIPs",
)  # fmt: skip
_RESOURCES = tuple(
    f"{side}.{name}" for side in ("limits", "requests") for name in ("cpu", "ephemeral-storage", "memory")
)  # fmt: skip
_HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")
_BYTES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")


class Showing(NamedTuple):
    """Where a pod is shown to its containers."""

    fields: tuple[str, ...]
    of_named_containers: bool
    """The container whose resources are shown has to be named."""


IN_ENVIRONMENT = Showing(
    (
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
        "status.hostIPs", "status.podIP", "status.podIPs",
    ),
    of_named_containers=False,
)  # fmt: skip
IN_VOLUME = Showing((*_SUBSCRIPTED, "metadata.name", "metadata.namespace", "metadata.uid"), of_named_containers=True)


def validate_environment(container: Object, where: str) -> Iterator[FieldError]:
    """``env`` and ``envFrom``."""
    for index, variable in enumerate(container.get("env") or ()):
        path, name = f"{where}.env[{index}]", variable.get("name", "")
        if not name:
            yield required(f"{path}.name")
        else:
            yield from invalid_each(f"{path}.name", name, names.environment_name(name))
        if (source := variable.get("valueFrom")) is not None:
            yield from _value_from(source, variable.get("value"), f"{path}.valueFrom")
    for index, source in enumerate(container.get("envFrom") or ()):
        yield from _whole(source, f"{where}.envFrom", index)


def _value_from(source: Object, value: str | None, at: str) -> Iterator[FieldError]:
    kinds = [kind for kind in _SOURCES if source.get(kind) is not None]
    if "fieldRef" in kinds:
        yield from validate_field_reference(source["fieldRef"], IN_ENVIRONMENT, f"{at}.fieldRef")
    if "resourceFieldRef" in kinds:
        yield from validate_resource_reference(source["resourceFieldRef"], IN_ENVIRONMENT, f"{at}.resourceFieldRef")
    for kind in ("configMapKeyRef", "secretKeyRef"):
        if kind in kinds:
            yield from _key(source[kind], f"{at}.{kind}")
    if not kinds:
        yield invalid(at, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`")
    elif value:
        yield invalid(at, "", "may not be specified when `value` is not empty")
    elif len(kinds) > 1:
        yield invalid(at, "", "may not have more than one field specified at a time")


def _key(reference: Object, at: str) -> Iterator[FieldError]:
    name, key = reference.get("name", ""), reference.get("key", "")
    yield from invalid_each(f"{at}.name", name, names.dns1123_subdomain(name))
    if not key:
        yield required(f"{at}.key")
    else:
        yield from invalid_each(f"{at}.key", key, names.config_key(key))


def _whole(source: Object, where: str, index: int) -> Iterator[FieldError]:
    """All keys of a config map or a secret."""
    at = f"{where}[{index}]"
    if prefix := source.get("prefix"):
        yield from invalid_each(f"{at}.prefix", prefix, names.environment_name(prefix))
    kinds = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
    for kind in kinds:
        if name := source[kind].get("name", ""):
            yield from invalid_each(f"{at}.{kind}.name", name, names.dns1123_subdomain(name))
        else:
            yield required(f"{at}.{kind}.name")
    if not kinds:
        yield invalid(where, "", "must specify one of: `configMapRef` or `secretRef`")
    elif len(kinds) > 1:
        yield invalid(where, "", "may not have more than one field specified at a time")


def validate_field_reference(reference: Object, showing: Showing, at: str) -> Iterator[FieldError]:
    """A field of the pod (``validateObjectFieldSelector``)."""
    path, version = reference.get("fieldPath", ""), reference.get("apiVersion")
    if not path:
        yield required(f"{at}.fieldPath")
        return
    field, subscript = _split(path)
    if version != "v1":
        wrong = f"unsupported pod version: {version}"
    elif subscript is not None and field not in _SUBSCRIPTED:
        wrong = f"field label does not support subscript: {path}"
    elif subscript is None and path not in _READABLE:
        wrong = f"field label not supported: {path}"
    elif subscript is not None:
        told = names.qualified_name(subscript.lower() if field == "metadata.annotations" else subscript)
        yield from invalid_each(at, subscript, told)
        return
    else:
        shown = "spec.nodeName" if path == "spec.host" else path
        if shown not in showing.fields:
            yield unsupported(f"{at}.fieldPath", shown, showing.fields)
        return
    yield invalid(f"{at}.fieldPath", path, f"error converting fieldPath: {wrong}")


def _split(path: str) -> tuple[str, str | None]:
    """``metadata.labels['key']`` as its field and its key."""
    field, opening, rest = path.partition("['")
    return (field, rest.removesuffix("']")) if opening and field and rest.endswith("']") else (path, None)


def validate_resource_reference(reference: Object, showing: Showing, at: str) -> Iterator[FieldError]:
    """A request or limit of a container (``validateContainerResourceFieldSelector``)."""
    name = reference.get("resource", "")
    if showing.of_named_containers and not reference.get("containerName"):
        yield required(f"{at}.containerName")
    elif not name:
        yield required(f"{at}.resource")
    elif name not in _RESOURCES and not name.startswith(_HUGE_PAGES):
        yield unsupported(f"{at}.resource", name, _RESOURCES)
    divisor, kind = str(reference.get("divisor", "0")), name.partition(".")[2]
    if parse_quantity(divisor) == 0:
        return
    if kind == "cpu":
        allowed, told = ("1m", "1"), "only divisor's values 1m and 1 are supported with the cpu resource"
    else:
        words = {"memory": "memory", "ephemeral-storage": "local ephemeral storage"}
        what = "hugepages" if kind.startswith("hugepages-") else words.get(kind)
        if what is None:
            return
        allowed, told = _BYTES, f"only divisor's values {', '.join(_BYTES)} are supported with the {what} resource"
    if divisor not in allowed:
        yield invalid(f"{at}.divisor", name, told)
