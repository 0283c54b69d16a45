"""Declared resources as limits of the machine, and the quality-of-service class that follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quantity import parse_quantity
from boatyard.node.runtime import Limits

PIDS = 16384
"""Processes and threads a container may have: enough for any build, too few to take the machine down."""


def limits(container: Object) -> Limits:
    """What the machine is told about one container."""
    declared = container.get("resources") or {}
    upper, asked = declared.get("limits") or {}, declared.get("requests") or {}
    return Limits(
        memory_bytes=_whole(upper.get("memory"), 1),
        cpu_millis=_whole(upper.get("cpu"), 1000),
        cpu_request_millis=_whole(asked.get("cpu", upper.get("cpu")), 1000),
        pids=PIDS,
    )


def pod_memory_bytes(pod: Object) -> int | None:
    """The most that all containers together may use: None unless every container has a limit.

    Init containers run before the others, so that the larger of the two counts; sidecars run beside both.
    """
    spec = pod["spec"]
    total = _sum(spec.get("containers") or ())
    sidecars, largest = 0, 0
    for container in spec.get("initContainers") or ():
        own = limits(container).memory_bytes
        if own is None:
            return None
        if container.get("restartPolicy") == "Always":
            sidecars += own
            largest = max(largest, sidecars)
        else:
            largest = max(largest, sidecars + own)
    return None if total is None else max(total + sidecars, largest)


def qos_class(pod: Object) -> str:
    """Guaranteed, Burstable or BestEffort, by Kubernetes' rules."""
    any_set, guaranteed = False, True
    for container in (*(pod["spec"].get("containers") or ()), *(pod["spec"].get("initContainers") or ())):
        declared = container.get("resources") or {}
        upper, asked = declared.get("limits") or {}, declared.get("requests") or {}
        for which in ("cpu", "memory"):
            limit, request = _amount(upper.get(which)), _amount(asked.get(which))
            any_set = any_set or bool(limit) or bool(request)
            guaranteed = guaranteed and bool(limit) and request in (limit, Decimal(0))
    if not any_set:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


def _sum(containers: Iterable[Object]) -> int | None:
    total = 0
    for container in containers:
        own = limits(container).memory_bytes
        if own is None:
            return None
        total += own
    return total


def _amount(text: str | None) -> Decimal:
    return parse_quantity(text) if text is not None else Decimal(0)


def _whole(text: str | None, scale: int) -> int | None:
    if text is None:
        return None
    amount = int((parse_quantity(text) * scale).to_integral_value(ROUND_CEILING))
    return amount or None
