"""What a pod asks of a node, read once from its spec."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Any, TypeAlias

from boatyard.machinery.meta.objects import Object, labels, name, namespace, uid
from boatyard.machinery.meta.quantity import parse_quantity

Port: TypeAlias = tuple[str, str, int]
"""Protocol, host address ("" for all), port."""


@dataclass(frozen=True, slots=True)
class Demand:
    """A pod as placement sees it. Amounts are in thousandths of a core for ``cpu``, else in bytes or pieces."""

    uid: str
    namespace: str
    name: str
    labels: dict[str, str]
    requests: dict[str, int]
    host_ports: tuple[Port, ...]
    """Those it takes of any node."""
    declared_ports: tuple[Port, ...]
    """Those it takes of a node that shares its network with its pods: every port that a container says it listens on."""
    node_selector: dict[str, str]
    node_affinity: Object
    pod_affinity: Object
    pod_anti_affinity: Object
    tolerations: tuple[Object, ...]
    priority: int
    volume_affinities: tuple[Object, ...] = ()
    """The ``nodeAffinity.required`` of every volume that the pod's claims are bound to: a node must match each."""

    @property
    def shape(self) -> str:
        """Equal for pods that fit on the same nodes; empty when that depends on more than the pod's own spec."""
        if self.pod_affinity or self.pod_anti_affinity:
            return ""
        ports = (self.host_ports, self.declared_ports)
        return repr((self.requests, ports, self.node_selector, self.node_affinity, self.tolerations, self.volume_affinities))


@lru_cache(maxsize=4096)
def amount(resource: str, quantity: str | int | float) -> int:
    """A quantity as a whole number, rounded up: thousandths of a core for cpu, else bytes or pieces. Malformed ones are 0: the
    registry refuses them, and one bad pod must not stop the rest."""
    try:
        number = parse_quantity(quantity)
    except ValueError:
        return 0
    return ceil(number * 1000) if resource == "cpu" else ceil(number)


def demand_of(pod: Object, volume_affinities: tuple[Object, ...] = ()) -> Demand:
    """Read a pod."""
    spec = pod.get("spec") or {}
    affinity = spec.get("affinity") or {}
    host_ports, declared_ports = _ports(spec, bool(spec.get("hostNetwork"))), _ports(spec, True)
    return Demand(
        uid(pod), namespace(pod), name(pod), labels(pod), requests_of(spec), host_ports, declared_ports,
        spec.get("nodeSelector") or {},
        affinity.get("nodeAffinity") or {}, affinity.get("podAffinity") or {}, affinity.get("podAntiAffinity") or {},
        tuple(spec.get("tolerations") or ()), spec.get("priority") or 0, volume_affinities,
    )  # fmt: skip


def requests_of(spec: Object) -> dict[str, int]:
    """The effective request of a pod, by the rule of Kubernetes' scheduler: at every moment of its life it must fit, so it is the
    larger of all containers with all sidecars, and each init container with the sidecars started before it; plus the overhead."""
    running: dict[str, int] = {}
    for container in spec.get("containers") or ():
        _add(running, _container_requests(container))
    sidecars: dict[str, int] = {}
    starting: dict[str, int] = {}
    for container in spec.get("initContainers") or ():
        wanted = _container_requests(container)
        if container.get("restartPolicy") == "Always":
            _add(sidecars, wanted)
            at_start = dict(sidecars)
        else:
            at_start = dict(sidecars)
            _add(at_start, wanted)
        _raise_to(starting, at_start)
    _add(running, sidecars)
    _raise_to(running, starting)
    _add(running, {key: amount(key, value) for key, value in (spec.get("overhead") or {}).items()})
    running["pods"] = 1
    return {key: running[key] for key in sorted(running) if running[key]}


def _container_requests(container: Object) -> dict[str, int]:
    resources: dict[str, Any] = container.get("resources") or {}
    wanted = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {key: amount(key, value) for key, value in wanted.items()}


def _add(total: dict[str, int], more: dict[str, int]) -> None:
    for key, value in more.items():
        total[key] = total.get(key, 0) + value


def _raise_to(total: dict[str, int], least: dict[str, int]) -> None:
    for key, value in least.items():
        total[key] = max(total.get(key, 0), value)


def _ports(spec: Object, shared: bool) -> tuple[Port, ...]:
    """The node's ports that a pod takes; ``shared``: its network is the node's."""
    found: list[Port] = []
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        for port in container.get("ports") or ():
            number = port.get("hostPort") or (port.get("containerPort") if shared else 0)
            if number:
                address = port.get("hostIP") or ""
                found.append((port.get("protocol") or "TCP", "" if address == "0.0.0.0" else address, number))
    return tuple(dict.fromkeys(found))
