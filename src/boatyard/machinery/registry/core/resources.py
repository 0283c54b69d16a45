"""Rules for what containers ask of a node and may have of it (Kubernetes' ``ValidateContainerResourceRequirements``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, forbidden, invalid, invalid_each, not_found, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quantity import parse_quantity

_OF_CONTAINERS = ("cpu", "memory", "ephemeral-storage")
_COUNTED = (
    "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims",
    "services.nodeports", "services.loadbalancers",
)  # fmt: skip
_QUOTA = (
    "storage", "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu", "limits.memory",
    "limits.ephemeral-storage",
)  # fmt: skip
HUGE = "hugepages-"
_RESIZES = ("NotRequired", "RestartContainer")
Named: TypeAlias = Callable[[str, str], Iterator[FieldError]]


def validate_resources(resources: Object, where: str, rules: Named | None = None) -> Iterator[FieldError]:
    """Requests don't exceed limits, nothing is negative, and what can't be shared is asked for as it is limited. ``rules``: what is
    wrong with the name of a resource, where these aren't a container's."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, amount in limits.items():
        yield from _amount(name, amount, f"{where}.limits[{name}]", rules)
    for name, amount in requests.items():
        yield from _amount(name, amount, f"{where}.requests[{name}]", rules)
        limit = limits.get(name)
        shared = is_native(name) and not name.startswith(HUGE)
        if limit is None:
            if not shared:
                yield required(f"{where}.limits", "Limit must be set for non overcommitable resources")
        elif not shared and parse_quantity(amount) != parse_quantity(limit):
            yield invalid(f"{where}.requests", amount, f"must be equal to {name} limit of {limit}")
        elif shared and parse_quantity(amount) > parse_quantity(limit):
            yield invalid(f"{where}.requests", amount, f"must be less than or equal to {name} limit of {limit}")
    named = (*limits, *requests)
    if any(name.startswith(HUGE) for name in named) and not {"cpu", "memory"}.intersection(named):
        yield forbidden(where, "HugePages require cpu or memory")


def validate_amounts(amounts: Object, where: str) -> Iterator[FieldError]:
    """A map of resources that containers can have, without regard to any other."""
    for name, amount in amounts.items():
        yield from _amount(name, amount, f"{where}[{name}]")


def _amount(name: str, amount: str, at: str, rules: Named | None = None) -> Iterator[FieldError]:
    yield from (rules or _name)(name, at)
    number = parse_quantity(amount)
    if number < 0:
        yield invalid(at, amount, "must be greater than or equal to 0")
    if (name in _COUNTED or is_extended(name)) and number % 1:
        yield invalid(at, amount, "must be an integer")
    if name.startswith(HUGE):
        try:
            size = parse_quantity(name.removeprefix(HUGE))
        except ValueError as error:
            yield invalid(at, amount, str(error))
        else:
            if size and number % size:
                yield invalid(at, amount, f"{amount} is not positive integer multiple of {name}")


def _name(name: str, at: str) -> Iterator[FieldError]:
    wrong = names.qualified_name(name)
    yield from invalid_each(at, name, wrong)
    if "/" not in name:
        if name in _OF_CONTAINERS or name.startswith(HUGE):
            return
        if not wrong and not is_standard(name):
            yield invalid(at, name, "must be a standard resource type or fully qualified")
        yield invalid(at, name, "must be a standard resource for containers")
    elif not is_native(name) and not is_extended(name):
        yield invalid(at, name, "doesn't follow extended resource name standard")


def is_standard(name: str) -> bool:
    """Whether Kubernetes knows it without a domain, be it of containers or only of quotas."""
    return name in (*_OF_CONTAINERS, *_COUNTED, *_QUOTA) or name.startswith(HUGE)


def is_native(name: str) -> bool:
    """Whether it is a resource of Kubernetes' own."""
    return "/" not in name or "kubernetes.io/" in name


def is_extended(name: str) -> bool:
    """Whether it is somebody else's resource, which comes in whole pieces."""
    return not is_native(name) and not name.startswith("requests.") and not names.qualified_name(f"requests.{name}")


def validate_pod_claims(claims: list[Object], where: str) -> Iterator[FieldError]:
    """``spec.resourceClaims``: each is there, or is made of a template."""
    taken: set[str] = set()
    for index, claim in enumerate(claims):
        at, name = f"{where}[{index}]", claim.get("name", "")
        if not name:
            yield required(f"{at}.name")
        elif name in taken:
            yield duplicate(f"{at}.name", name)
        else:
            yield from invalid_each(f"{at}.name", name, names.dns1123_label(name))
        taken.add(name)
        given, template = claim.get("resourceClaimName"), claim.get("resourceClaimTemplateName")
        shown = {"Name": name, "ResourceClaimName": given, "ResourceClaimTemplateName": template}
        if given is not None and template is not None:
            yield invalid(at, shown, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified")
        elif given is None and template is None:
            yield invalid(at, shown, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`")
        for field, value in (("resourceClaimName", given), ("resourceClaimTemplateName", template)):
            if value is not None:
                yield from invalid_each(f"{at}.{field}", value, names.dns1123_subdomain(value))


def validate_claims(claims: list[Object], offered: list[str], where: str) -> Iterator[FieldError]:
    """Which of the pod's ``resourceClaims`` a container uses."""
    taken: set[str] = set()
    for index, claim in enumerate(claims):
        at, name = f"{where}[{index}]", claim.get("name", "")
        if not name:
            yield required(at)
            continue
        if name in taken:
            yield duplicate(at, name)
        taken.add(name)
        if name not in offered:
            told = "must be one of the names in pod.spec.resourceClaims" + ("" if offered else " which is empty")
            missing = not_found(at, name)
            yield FieldError(at, missing.type, f"{missing.message}: {told}")


def validate_resizes(policies: list[Object], restart: str, where: str) -> Iterator[FieldError]:
    """What becomes of a container whose resources are changed."""
    taken: set[str] = set()
    for index, policy in enumerate(policies):
        name, wanted = policy.get("resourceName", ""), policy.get("restartPolicy", "")
        if name in taken:
            yield duplicate(f"{where}[{index}]", name)
        taken.add(name)
        if name not in ("cpu", "memory"):
            yield unsupported(where, name, ("cpu", "memory")) if name else required(where)
        if wanted not in _RESIZES:
            yield unsupported(where, wanted, _RESIZES) if wanted else required(where)
        if restart == "Never" and wanted != "NotRequired":
            yield invalid(where, wanted, "must be 'NotRequired' when `restartPolicy` is 'Never'")
