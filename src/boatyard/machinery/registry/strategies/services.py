"""Services: an address of their own from the first moment on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boatyard.machinery.meta.core import SERVICES
from boatyard.machinery.meta.errors import FieldError, InternalError, invalid
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import keys
from boatyard.machinery.registry.core.services import NO_ADDRESS, is_ip
from boatyard.machinery.registry.strategy import Strategy

if TYPE_CHECKING:
    from boatyard.machinery.registry.caller import Caller
    from boatyard.machinery.registry.ledger import Ledger

_WITHOUT = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")


class Services(Strategy):
    """Rules of ``pkg/registry/core/service``, for IPv4 and without node ports and load balancers."""

    def prepare_create(self, ledger: Ledger, caller: Caller, obj: Object) -> None:
        obj["status"] = {"loadBalancer": {}}
        self._address(ledger, obj)

    def prepare_update(self, ledger: Ledger, caller: Caller, obj: Object, old: Object, subresource: str) -> None:
        if subresource:
            return
        spec, before = obj["spec"], old.get("spec") or {}
        if spec.get("type") == "ExternalName":
            for field in _WITHOUT:
                spec.pop(field, None)
            return
        for field in ("clusterIP", "clusterIPs"):
            if before.get(field):
                spec.setdefault(field, before[field])
        if spec.get("clusterIP") != before.get("clusterIP") and not before.get("clusterIP"):
            self._address(ledger, obj)

    def abandon(self, ledger: Ledger, namespace: str, name: str) -> None:
        ledger.addresses.release(keys.key(SERVICES, namespace, name))

    def _address(self, ledger: Ledger, obj: Object) -> None:
        spec, metadata = obj["spec"], obj["metadata"]
        if spec.get("type") == "ExternalName":
            return
        asked = spec.get("clusterIP") or (spec.get("clusterIPs") or [""])[0]
        if asked != "None":
            key = keys.key(SERVICES, metadata["namespace"], metadata.get("name", ""))
            if not asked:
                asked = ledger.addresses.allocate(key)
                if asked is None:
                    raise InternalError("no cluster address is free")
            elif not is_ip(asked):
                wrong = FieldError("spec.clusterIPs[0]", "FieldValueInvalid", f'Invalid value: "{asked}": {NO_ADDRESS}')
                raise invalid("Service", "", metadata.get("name", ""), [wrong])
            elif not ledger.addresses.contains(asked):
                raise self._refused(metadata, asked, "provided IP is not in the valid range")
            elif not ledger.addresses.claim(key, asked):
                raise self._refused(metadata, asked, "provided IP is already allocated")
        spec["clusterIP"], spec["clusterIPs"] = asked, [asked]

    def _refused(self, metadata: Object, address: str, why: str) -> Exception:
        told = f'Invalid value: ["{address}"]: failed to allocate IP {address}: {why}'
        return invalid("Service", "", metadata.get("name", ""), [FieldError("spec.clusterIPs", "FieldValueInvalid", told)])
