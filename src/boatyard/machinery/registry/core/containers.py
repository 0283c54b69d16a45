"""Rules for containers that their types don't hold (Kubernetes' ``core/validation``)."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, forbidden, invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.environment import validate_environment
from boatyard.machinery.registry.core.handlers import PROBES, validate_lifecycle, validate_probes
from boatyard.machinery.registry.core.mounts import Volumes, validate_mounts
from boatyard.machinery.registry.core.resources import validate_claims, validate_resizes, validate_resources

TERMINATION_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")


def validate_containers(spec: Object, volumes: Volumes, path: str) -> Iterator[FieldError]:
    """Everything wrong with a pod's containers. ``volumes`` are those that mounts may use."""
    taken: set[str] = set()
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    grace = spec.get("terminationGracePeriodSeconds") or 0
    for index, container in enumerate(spec.get("containers") or ()):
        where = f"{path}.containers[{index}]"
        yield from _container(container, spec, volumes, where)
        yield from _taken(container, where, taken)
        yield from validate_lifecycle(container.get("lifecycle") or {}, grace, f"{where}.lifecycle")
        yield from validate_probes(container, grace, where)
    for index, container in enumerate(spec.get("initContainers") or ()):
        where = f"{path}.initContainers[{index}]"
        yield from _container(container, spec, volumes, where)
        yield from _taken(container, where, taken)
        yield from _initialiser(container, grace, where)
    for kind in ("containers", "initContainers"):
        yield from _host_ports(spec.get(kind) or [], f"{path}.{kind}")


def _initialiser(container: Object, grace: int, where: str) -> Iterator[FieldError]:
    if container.get("restartPolicy") == "Always":
        yield from validate_lifecycle(container.get("lifecycle") or {}, grace, f"{where}.lifecycle")
        yield from validate_probes(container, grace, where)
        return
    for field in ("lifecycle", *PROBES):
        if container.get(field) is not None:
            yield forbidden(f"{where}.{field}", "may not be set for init containers without restartPolicy=Always")


def _taken(container: Object, where: str, taken: set[str]) -> Iterator[FieldError]:
    if name := container.get("name", ""):
        if name in taken:
            yield duplicate(f"{where}.name", name)
        taken.add(name)


def _container(container: Object, spec: Object, volumes: Volumes, where: str) -> Iterator[FieldError]:
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
    yield from _ports(container.get("ports") or [], f"{where}.ports", bool(spec.get("hostNetwork")))
    yield from validate_environment(container, where)
    yield from validate_mounts(container, volumes, where)
    if resources := container.get("resources"):
        yield from validate_resources(resources, f"{where}.resources")
        if claims := resources.get("claims"):
            offered = [claim.get("name", "") for claim in spec.get("resourceClaims") or ()]
            yield from validate_claims(claims, offered, f"{where}.resources.claims")
    if policies := container.get("resizePolicy"):
        yield from validate_resizes(policies, spec.get("restartPolicy", ""), f"{where}.resizePolicy")


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


def _host_ports(containers: list[Object], where: str) -> Iterator[FieldError]:
    """No two ports of a pod are the same port of its host."""
    taken: set[str] = set()
    for index, container in enumerate(containers):
        for place, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            held = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
            if held in taken:
                yield duplicate(f"{where}[{index}].ports[{place}].hostPort", held)
            taken.add(held)
