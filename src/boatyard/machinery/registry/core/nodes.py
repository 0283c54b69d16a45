"""What is wrong with a node: rules of ``ValidateNode`` and ``ValidateNodeUpdate``."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.addresses import NO_CIDR, is_cidr, one_of_each_family
from boatyard.machinery.registry.core.pods import EFFECTS

_ONCE = 'node updates may not change {} except from "" to valid'


def validate_node(new: Object, old: Object | None) -> Iterator[FieldError]:
    """All of its spec; with ``old``, what of it was said once and for all."""
    spec = new.get("spec") or {}
    yield from _taints(spec.get("taints") or [])
    ranges = spec.get("podCIDRs") or []
    for index, cidr in enumerate(ranges):
        if not is_cidr(cidr):
            yield invalid(f"spec.podCIDRs[{index}]", cidr, NO_CIDR)
    if not one_of_each_family([cidr.partition("/")[0] for cidr in ranges]):
        yield invalid("spec.podCIDRs", ranges, "may specify no more than one CIDR for each IP family")
    if old is None:
        return
    before = old.get("spec") or {}
    if before.get("podCIDRs") and before["podCIDRs"] != ranges:
        yield forbidden("spec.podCIDRs", _ONCE.format("podCIDR"))
    if before.get("providerID") and before["providerID"] != spec.get("providerID"):
        yield forbidden("spec.providerID", _ONCE.format("providerID"))
    if before.get("externalID") != spec.get("externalID"):
        yield forbidden("spec.externalID", "may not be updated")


def _taints(taints: list[Object]) -> Iterator[FieldError]:
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        at, key, effect = f"spec.taints[{index}]", taint.get("key", ""), taint.get("effect", "")
        yield from invalid_each(f"{at}.key", key, names.qualified_name(key))
        yield from invalid_each(f"{at}.value", taint.get("value"), names.label_value(taint.get("value") or ""))
        if not effect:
            yield required(f"{at}.effect")
        elif effect not in EFFECTS:
            yield unsupported(f"{at}.effect", effect, EFFECTS)
        if (key, effect) in seen:
            told = f'Duplicate value: {{"key":"{key}","effect":"{effect}"}}: taints must be unique by key and effect pair'
            yield FieldError(at, "FieldValueDuplicate", told)
        seen.add((key, effect))
