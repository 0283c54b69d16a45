"""Services: an address of their own from the first moment on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boatyard.machinery.meta.core import SERVICES
from boatyard.machinery.meta.errors import FieldError, InternalError, invalid
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import keys
from boatyard.machinery.registry.core.service_families import settle_families
from boatyard.machinery.registry.core.services import reached_from_outside
from boatyard.machinery.registry.strategy import Strategy

if TYPE_CHECKING:
    from boatyard.machinery.registry.caller import Caller
    from boatyard.machinery.registry.ledger import Ledger

_WITHOUT = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")


class Services(Strategy):
    """Rules of ``pkg/registry/core/service``, for IPv4 and without node ports and load balancers."""

    def prepare_create(self, ledger: Ledger, caller: Caller, obj: Object) -> None:
        obj["status"] = {"loadBalancer": {}}
        spec = obj["spec"]
        if (address := spec.get("clusterIP")) and not spec.get("clusterIPs"):
            spec["clusterIPs"] = [address]
        self._settle(ledger, obj)

    def prepare_update(self, ledger: Ledger, caller: Caller, obj: Object, old: Object, subresource: str) -> None:
        if subresource == "status":
            obj["status"] = {"loadBalancer": {}, **(obj.get("status") or {})}
        if subresource:
            return
        spec, before = obj["spec"], old.get("spec") or {}
        _drop_of_type(spec, before)
        if spec.get("type") == "ExternalName":
            for field in _WITHOUT:
                spec.pop(field, None)
            return
        if before.get("clusterIP") and not spec.get("clusterIP"):
            spec["clusterIP"] = before["clusterIP"]
        if spec.get("clusterIP") == before.get("clusterIP"):
            if before.get("clusterIPs") and not spec.get("clusterIPs"):
                spec["clusterIPs"] = before["clusterIPs"]
        elif spec.get("clusterIPs", before.get("clusterIPs")) == before.get("clusterIPs"):
            spec["clusterIPs"] = [spec["clusterIP"]]
        if before.get("ipFamilyPolicy"):
            spec.setdefault("ipFamilyPolicy", before["ipFamilyPolicy"])
        self._settle(ledger, obj, given=bool(before.get("clusterIP")))

    def abandon(self, ledger: Ledger, namespace: str, name: str) -> None:
        ledger.addresses.release(keys.key(SERVICES, namespace, name))

    def _settle(self, ledger: Ledger, obj: Object, *, given: bool = False) -> None:
        """Which addresses the service has. ``given``: it has its own already."""
        spec, metadata = obj["spec"], obj["metadata"]
        if spec.get("type") == "ExternalName":
            return
        if wrong := settle_families(spec):
            raise invalid("Service", "", metadata.get("name", ""), wrong)
        asked = spec.get("clusterIP")
        if given:
            return
        if asked != "None":
            key = keys.key(SERVICES, metadata["namespace"], metadata.get("name", ""))
            if not asked:
                asked = ledger.addresses.allocate(key)
                if asked is None:
                    raise InternalError("no cluster address is free")
            elif not ledger.addresses.contains(asked):
                raise self._refused(metadata, asked, "the provided network does not match the current range")
            elif not ledger.addresses.claim(key, asked):
                raise self._refused(metadata, asked, "provided IP is already allocated")
        spec["clusterIP"], spec["clusterIPs"] = asked, [asked]

    def _refused(self, metadata: Object, address: str, why: str) -> Exception:
        told = f'Invalid value: ["{address}"]: failed to allocate IP {address}: {why}'
        return invalid("Service", "", metadata.get("name", ""), [FieldError("spec.clusterIPs", "FieldValueInvalid", told)])


def _drop_of_type(spec: Object, before: Object) -> None:
    """Take away what the service had by a type that it no longer is, unless its sender says something new of it
    (``dropTypeDependentFields``)."""
    policy = before.get("externalTrafficPolicy")
    if policy and spec.get("externalTrafficPolicy") == policy and not reached_from_outside(spec):
        del spec["externalTrafficPolicy"]
    if before.get("type") == "LoadBalancer" and spec.get("type") != "LoadBalancer":
        for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            if spec.get(field) == before.get(field):
                spec.pop(field, None)
