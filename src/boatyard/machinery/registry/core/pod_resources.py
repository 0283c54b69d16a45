"""What a pod as a whole asks of a node and may have of it: ``spec.resources``, beside those of its containers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid, invalid_each, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quantity import format_quantity, parse_quantity
from boatyard.machinery.registry.core.resources import HUGE, is_standard, validate_claims, validate_resources

_OF_PODS = ("cpu", HUGE, "memory")


def is_of_pods(name: str) -> bool:
    """Whether a pod as a whole may have it."""
    return name in ("cpu", "memory") or name.startswith(HUGE)


def default_pod_resources(spec: Object) -> None:
    """A request that isn't said is that of all containers together, else the limit; in place."""
    resources = spec.get("resources")
    if not isinstance(resources, dict) or not resources.get("limits"):
        return
    requests = dict(resources.get("requests") or {})
    for name, amount in _together(spec).items():
        if name not in requests and is_of_pods(name) and not name.startswith(HUGE):
            requests[name] = _text(spec, name, amount)
    for name, amount in resources["limits"].items():
        if is_of_pods(name):
            requests.setdefault(name, amount)
    if requests:
        resources["requests"] = requests


def validate_pod_resources(spec: Object, path: str) -> Iterator[FieldError]:
    """Of resources that a pod may have as a whole; enough for its containers, and none of these has more."""
    resources, at = spec["resources"], f"{path}.resources"
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    if (spec.get("os") or {}).get("name") == "windows":
        yield forbidden(at, "may not be set for a windows pod")
    if claims := resources.get("claims"):
        yield forbidden(f"{at}.claims", "claims may not be set for Resources at pod-level")
        offered = [claim.get("name", "") for claim in spec.get("resourceClaims") or ()]
        yield from validate_claims(claims, offered, f"{at}.claims")
    yield from validate_resources(resources, at, _name)
    for name, amount in _together(spec).items():
        if name in requests and amount > parse_quantity(requests[name]):
            told = f"must be greater than or equal to aggregate container requests of {_text(spec, name, amount)}"
            yield invalid(f"{at}.requests[{name}]", requests[name], told)
    containers: list[Object] = spec.get("containers") or []
    for index, container in enumerate(containers):
        most: Object = (container.get("resources") or {}).get("limits") or {}
        for name, amount in most.items():
            if name in limits and parse_quantity(amount) > parse_quantity(limits[name]):
                told = f"must be less than or equal to pod limits of {limits[name]}"
                yield invalid(f"{at}.containers[{index}][{name}].limits", amount, told)


def _name(name: str, at: str) -> Iterator[FieldError]:
    if wrong := names.qualified_name(name):
        yield from invalid_each(at, name, wrong)
    elif "/" not in name and not is_standard(name):
        yield invalid(at, name, "must be a standard resource type or fully qualified")
    elif not is_of_pods(name):
        yield unsupported(at, name, _OF_PODS)


def _together(spec: Object) -> dict[str, Decimal]:
    """What all containers ask for at the same time; those that initialise come one after the other, but for what stays beside."""
    running: dict[str, Decimal] = {}
    beginning: dict[str, Decimal] = {}
    for container in spec.get("containers") or ():
        _add(running, _requests(container))
    beside: dict[str, Decimal] = {}
    for container in spec.get("initContainers") or ():
        asked = _requests(container)
        if container.get("restartPolicy") == "Always":
            _add(running, asked)
            _add(beside, asked)
            asked = beside
        else:
            asked = {name: amount + beside.get(name, 0) for name, amount in asked.items()}
        for name, amount in asked.items():
            beginning[name] = max(amount, beginning.get(name, amount))
    return {name: max(running.get(name, Decimal(0)), beginning.get(name, Decimal(0))) for name in (*running, *beginning)}


def _text(spec: Object, name: str, amount: Decimal) -> str:
    """An amount in the units in which the first container asks for it."""
    for kind in ("containers", "initContainers"):
        for container in spec.get(kind) or ():
            if first := ((container.get("resources") or {}).get("requests") or {}).get(name):
                return format_quantity(amount, binary=str(first).endswith("i"))
    return format_quantity(amount)


def _requests(container: Object) -> dict[str, Decimal]:
    said = (container.get("resources") or {}).get("requests") or {}
    return {name: parse_quantity(amount) for name, amount in said.items()}


def _add(sums: dict[str, Decimal], more: dict[str, Decimal]) -> None:
    for name, amount in more.items():
        sums[name] = sums.get(name, Decimal(0)) + amount
