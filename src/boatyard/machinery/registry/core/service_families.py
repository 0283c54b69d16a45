"""Which families of addresses a Service has, where there is only IPv4 (Kubernetes' ``core/service/storage/alloc.go``)."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, invalid, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.addresses import NO_ADDRESS, is_ip

_FAMILIES = ("IPv4", "IPv6")
_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")


def settle_families(spec: Object) -> list[FieldError]:
    """Fill in ``ipFamilies`` and ``ipFamilyPolicy``, in place, or say what is wrong with them and with the addresses asked for."""
    wrong = list(_malformed(spec))
    if wrong:
        return wrong
    addresses: list[str] = spec.get("clusterIPs") or []
    families: list[str] = list(spec.get("ipFamilies") or ())
    headless = addresses[:1] == ["None"]
    for index, text in enumerate(addresses):
        if not headless and index >= len(families):
            if not is_ip(text, "IPv4"):
                return [invalid(f"spec.clusterIPs[{index}]", addresses, "IPv6 is not configured on this cluster")]
            families.append("IPv4")
    policy = spec.get("ipFamilyPolicy")
    if headless and not spec.get("selector"):
        # Nobody but its maker knows where it leads, so it may be anywhere.
        families, policy = families or ["IPv4"], policy or "RequireDualStack"
        if len(families) == 1 and policy != "SingleStack":
            families.append("IPv6" if families == ["IPv4"] else "IPv4")
    else:
        families, policy = families or ["IPv4"], policy or "SingleStack"
        wrong = list(_unavailable(addresses, families, policy))
    spec["ipFamilies"], spec["ipFamilyPolicy"] = families, policy
    return wrong


def _unavailable(addresses: list[str], families: list[str], policy: str) -> Iterator[FieldError]:
    """What this cluster doesn't have."""
    if policy == "SingleStack" and len(families) > 1:
        what = "cluster IPs" if len(addresses) > 1 else "IP families"
        told = f"must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified"
        yield invalid("spec.ipFamilyPolicy", policy, told)
        return
    if policy == "RequireDualStack":
        yield invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services")
    for index, family in enumerate(families):
        if family != "IPv4":
            yield invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")


def _malformed(spec: Object) -> Iterator[FieldError]:
    addresses, families, policy = spec.get("clusterIPs") or [], spec.get("ipFamilies") or [], spec.get("ipFamilyPolicy")
    if (first := spec.get("clusterIP")) and not addresses:
        yield required("spec.clusterIPs")
    elif first and addresses[0] != first:
        yield invalid("spec.clusterIPs", addresses, "first value must match `clusterIP`")
    elif addresses and not first:
        yield invalid("spec.clusterIPs", addresses, "must be empty when `clusterIP` is not specified")
    for index, family in enumerate(families):
        if family not in _FAMILIES:
            yield unsupported(f"spec.ipFamilies[{index}]", family, _FAMILIES)
        if family in families[:index]:
            yield duplicate(f"spec.ipFamilies[{index}]", family)
    if policy is not None and policy not in _POLICIES:
        yield unsupported("spec.ipFamilyPolicy", policy, _POLICIES)
    yield from _addresses(addresses, families)


def _addresses(addresses: list[str], families: list[str]) -> Iterator[FieldError]:
    bad = [index for index, text in enumerate(addresses) if not is_ip(text) and (index or text != "None")]
    for index in bad:
        yield invalid(f"spec.clusterIPs[{index}]", addresses[index], NO_ADDRESS)
    if addresses[:1] == ["None"] and len(addresses) > 1:
        yield invalid("spec.clusterIPs", addresses, "'None' must be the first and only value")
    if len(addresses) > len(_FAMILIES):
        yield invalid("spec.clusterIPs", addresses, f"may only hold up to {len(_FAMILIES)} values")
    if bad or addresses[:1] == ["None"]:
        return
    if len(addresses) > 1 and len({is_ip(text, "IPv6") for text in addresses}) != len(addresses):
        yield invalid("spec.clusterIPs", addresses, "may specify no more than one IP for each IP family")
    for index, (text, family) in enumerate(zip(addresses, families, strict=False)):
        if not is_ip(text, family):
            yield invalid(f"spec.clusterIPs[{index}]", text, f"expected an {family} value as indicated by `ipFamilies[{index}]`")
