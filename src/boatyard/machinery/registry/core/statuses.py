"""What is wrong with the status of an object of Kubernetes' own kinds, from its ``validation.go``. Of the rest, whoever writes a
status is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from boatyard.machinery.meta import core, names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid, invalid_each
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quantity import parse_quantity
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.core.addresses import NO_ADDRESS, is_ip, one_of_each_family

_OWN_CONDITIONS = ("PodScheduled", "Ready", "Initialized")
Rules: TypeAlias = Callable[[Object, Object], Iterator[FieldError]]


def validate(resource: Resource, obj: Object) -> list[FieldError]:
    """Everything wrong with the status that an object is to have."""
    rules = _RULES.get(resource)
    return list(rules(obj, obj.get("status") or {})) if rules else []


def _pod(obj: Object, status: Object) -> Iterator[FieldError]:
    if node := status.get("nominatedNodeName"):
        yield from invalid_each("status.nominatedNodeName", node, names.dns1123_subdomain(node))
    for index, condition in enumerate(status.get("conditions") or ()):
        if (type := condition.get("type", "")) not in _OWN_CONDITIONS:
            yield from invalid_each(f"status.conditions[{index}].Type", type, names.qualified_name(type))
    hosts = status.get("hostIPs") or []
    if hosts and hosts[0].get("ip", "") != status.get("hostIP", ""):
        yield invalid("status.hostIPs[0].ip", hosts[0].get("ip", ""), "must be equal to `hostIP`")
    yield from _pair(status.get("podIPs") or [], "status.podIPs")
    yield from _pair(hosts, "status.hostIPs")


def _pair(entries: list[Object], at: str) -> Iterator[FieldError]:
    """Addresses, of each family at most one."""
    addresses = [entry.get("ip", "") for entry in entries]
    for index, address in enumerate(addresses):
        if not is_ip(address):
            yield invalid(f"{at}[{index}]", address, NO_ADDRESS)
    if not one_of_each_family(addresses):
        told = "may specify no more than one IP for each IP family"
        yield invalid(at, [{"IP": address} for address in addresses], told)


def _namespace(obj: Object, status: Object) -> Iterator[FieldError]:
    ending, phase = obj["metadata"].get("deletionTimestamp"), status.get("phase", "")
    if phase != (wanted := "Terminating" if ending else "Active"):
        told = f"may only be '{wanted}' if `deletionTimestamp` is {'not ' if ending else ''}empty"
        yield invalid("status.Phase", phase, told)


def _service(obj: Object, status: Object) -> Iterator[FieldError]:
    balanced = (status.get("loadBalancer") or {}).get("ingress")
    if balanced and (obj.get("spec") or {}).get("type") != "LoadBalancer":
        yield forbidden("status.loadBalancer.ingress", "may only be used when `spec.type` is 'LoadBalancer'")
    else:
        yield from _balanced(balanced)


def _ingress(obj: Object, status: Object) -> Iterator[FieldError]:
    yield from _balanced((status.get("loadBalancer") or {}).get("ingress"))


def _balanced(ingress: list[Object] | None) -> Iterator[FieldError]:
    for index, one in enumerate(ingress or ()):
        at, address, host = f"status.loadBalancer.ingress[{index}]", one.get("ip"), one.get("hostname")
        if address and not is_ip(address):
            yield invalid(f"{at}.ip", address, NO_ADDRESS)
        if host:
            yield from invalid_each(f"{at}.hostname", host, names.dns1123_subdomain(host))
            if is_ip(host):
                yield invalid(f"{at}.hostname", host, "must be a DNS name, not an IP address")


def _claim(obj: Object, status: Object) -> Iterator[FieldError]:
    for resource, size in (status.get("capacity") or {}).items():
        if (bytes := parse_quantity(size)) < 0:
            yield invalid(f"status.capacity[{resource}]", int(bytes), "must be a valid resource quantity")


_RULES: dict[Resource, Rules] = {
    core.PODS: _pod,
    core.NAMESPACES: _namespace,
    core.SERVICES: _service,
    core.INGRESSES: _ingress,
    core.PERSISTENT_VOLUME_CLAIMS: _claim,
}
