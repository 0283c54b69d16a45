"""Rules for containers that their types don't hold (Kubernetes' ``core/validation``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, forbidden, invalid, invalid_each, not_found, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quantity import parse_quantity

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
TERMINATION_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_ENVIRONMENT_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_OPTIONAL_ZERO = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def validate_containers(spec: Object, volumes: set[str], path: str) -> Iterator[FieldError]:
    """Everything wrong with a pod's containers. ``volumes`` are the names that mounts may use."""
    taken: set[str] = set()
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    host_network = bool(spec.get("hostNetwork"))
    for index, container in enumerate(spec.get("containers") or ()):
        where = f"{path}.containers[{index}]"
        yield from _container(container, volumes, where, host_network)
        yield from _taken(container, where, taken)
        yield from _probes(container, where)
        if container.get("restartPolicy") and not container.get("restartPolicyRules"):
            yield forbidden(f"{where}.restartPolicy", "may not be set for non-init containers")
    for index, container in enumerate(spec.get("initContainers") or ()):
        where = f"{path}.initContainers[{index}]"
        yield from _container(container, volumes, where, host_network)
        yield from _taken(container, where, taken)
        yield from _initialiser(container, where)


def _initialiser(container: Object, where: str) -> Iterator[FieldError]:
    if container.get("restartPolicy") == "Always":
        yield from _probes(container, where)
        return
    for field in ("lifecycle", *_PROBES):
        if container.get(field) is not None:
            yield forbidden(f"{where}.{field}", "may not be set for init containers without restartPolicy=Always")


def _taken(container: Object, where: str, taken: set[str]) -> Iterator[FieldError]:
    if name := container.get("name", ""):
        if name in taken:
            yield duplicate(f"{where}.name", name)
        taken.add(name)


def _container(container: Object, volumes: set[str], where: str, host_network: bool) -> Iterator[FieldError]:
    name, image = container.get("name", ""), container.get("image", "")
    if not name:
        yield required(f"{where}.name")
    else:
        yield from invalid_each(f"{where}.name", name, names.dns1123_label(name))
    if not image:
        yield required(f"{where}.image")
    elif image != image.strip():
        yield invalid(f"{where}.image", image, "must not have leading or trailing whitespace")
    if (policy := container.get("terminationMessagePolicy")) not in TERMINATION_MESSAGE_POLICIES:
        yield unsupported(f"{where}.terminationMessagePolicy", policy, TERMINATION_MESSAGE_POLICIES)
    yield from _ports(container.get("ports") or [], f"{where}.ports", host_network)
    yield from _environment(container, where)
    yield from _mounts(container.get("volumeMounts") or [], volumes, f"{where}.volumeMounts")
    yield from validate_resources(container.get("resources") or {}, f"{where}.resources")
    yield from _lifecycle(container.get("lifecycle") or {}, f"{where}.lifecycle")


def _ports(ports: list[Object], where: str, host_network: bool) -> Iterator[FieldError]:
    named: set[str] = set()
    for index, port in enumerate(ports):
        number, name, host = port.get("containerPort", 0), port.get("name"), port.get("hostPort", 0)
        if name:
            if wrong := names.port_name(name):
                yield from invalid_each(f"{where}[{index}].name", name, wrong)
            elif name in named:
                yield duplicate(f"{where}[{index}].name", name)
            named.add(name)
        if not number:
            yield required(f"{where}[{index}].containerPort")
        else:
            yield from invalid_each(f"{where}[{index}].containerPort", number, names.port_number(number))
        if host:
            yield from invalid_each(f"{where}[{index}].hostPort", host, names.port_number(host))
            if host_network and host != number:
                yield invalid(f"{where}[{index}].hostPort", host, "must match `containerPort` when `hostNetwork` is true")


def _environment(container: Object, where: str) -> Iterator[FieldError]:
    for index, variable in enumerate(container.get("env") or ()):
        path, name = f"{where}.env[{index}]", variable.get("name", "")
        if not name:
            yield required(f"{path}.name")
        else:
            yield from invalid_each(f"{path}.name", name, names.environment_name(name))
        source = variable.get("valueFrom")
        if source is None:
            continue
        kinds = [kind for kind in _ENVIRONMENT_SOURCES if source.get(kind)]
        if not kinds:
            told = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
            yield invalid(f"{path}.valueFrom", "", told)
        elif variable.get("value"):
            yield invalid(f"{path}.valueFrom", "", "may not be specified when `value` is not empty")
        elif len(kinds) > 1:
            yield invalid(f"{path}.valueFrom", "", "may not have more than one field specified at a time")
        for kind in ("configMapKeyRef", "secretKeyRef"):
            if (reference := source.get(kind)) is not None and not reference.get("key"):
                yield required(f"{path}.valueFrom.{kind}.key")
        if (reference := source.get("fieldRef")) is not None and not reference.get("fieldPath"):
            yield required(f"{path}.valueFrom.fieldRef.fieldPath")
    for source in container.get("envFrom") or ():
        kinds = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
        if not kinds:
            yield invalid(f"{where}.envFrom", "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(kinds) > 1:
            yield invalid(f"{where}.envFrom", "", "may not have more than one field specified at a time")


def _mounts(mounts: list[Object], volumes: set[str], where: str) -> Iterator[FieldError]:
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        at, name, target = f"{where}[{index}]", mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield required(f"{at}.name")
        if name not in volumes:
            yield not_found(f"{at}.name", name)
        if not target:
            yield required(f"{at}.mountPath")
        if target in paths:
            yield invalid(f"{at}.mountPath", target, "must be unique")
        paths.add(target)
        for field in ("subPath", "subPathExpr"):
            if below := mount.get(field):
                yield from validate_local_path(below, f"{where}.{field}")
        if mount.get("subPath") and mount.get("subPathExpr"):
            yield invalid(f"{at}.subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive")


def validate_local_path(value: str, where: str) -> Iterator[FieldError]:
    """A path that stays below the directory it is in."""
    if value.startswith("/"):
        yield invalid(where, value, "must be a relative path")
    if ".." in value.split("/"):
        yield invalid(where, value, "must not contain '..'")


def validate_resources(resources: Object, where: str) -> Iterator[FieldError]:
    """Requests don't exceed limits, and nothing is negative."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for field, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            at = f"{where}.{field}[{name}]"
            yield from invalid_each(at, name, names.qualified_name(name))
            if "/" not in name and name not in _STANDARD and not name.startswith("hugepages-"):
                yield invalid(at, name, "must be a standard resource type or fully qualified")
                yield invalid(at, name, "must be a standard resource for containers")
            if parse_quantity(amount) < 0:
                yield invalid(at, amount, "must be greater than or equal to 0")
    for name, amount in requests.items():
        limit = limits.get(name)
        if limit is not None and parse_quantity(amount) > parse_quantity(limit):
            yield invalid(f"{where}.requests", amount, f"must be less than or equal to {name} limit of {limit}")


_STANDARD = ("cpu", "memory", "ephemeral-storage")


def _probes(container: Object, where: str) -> Iterator[FieldError]:
    for name in _PROBES:
        probe, at = container.get(name), f"{where}.{name}"
        if probe is None:
            continue
        yield from _handler(probe, at)
        for field in _OPTIONAL_ZERO:
            if probe.get(field, 0) < 0:
                yield invalid(f"{at}.{field}", probe[field], "must be greater than or equal to 0")
        if name != "readinessProbe" and probe.get("successThreshold", 1) != 1:
            yield invalid(f"{at}.successThreshold", probe["successThreshold"], "must be 1")


def _lifecycle(lifecycle: Object, where: str) -> Iterator[FieldError]:
    for name in ("postStart", "preStop"):
        if (handler := lifecycle.get(name)) is not None:
            yield from _handler(handler, f"{where}.{name}")


def _handler(handler: Object, where: str) -> Iterator[FieldError]:
    kinds = [kind for kind in _HANDLERS if handler.get(kind) is not None]
    if not kinds:
        yield required(where, "must specify a handler type")
    for extra in kinds[1:]:
        yield forbidden(f"{where}.{extra}", "may not specify more than 1 handler type")
    if not kinds:
        return
    kind, at = kinds[0], f"{where}.{kinds[0]}"
    if kind == "exec" and not handler["exec"].get("command"):
        yield required(f"{at}.command")
    if kind in ("httpGet", "tcpSocket", "grpc"):
        yield from validate_port(handler[kind].get("port"), f"{at}.port")


def validate_port(port: Any, where: str) -> Iterator[FieldError]:
    """A port's number or the name of one."""
    if isinstance(port, str):
        yield from invalid_each(where, port, names.port_name(port))
    else:
        yield from invalid_each(where, port or 0, names.port_number(port or 0))
