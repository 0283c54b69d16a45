"""CustomResourceDefinitions: accepted in the very write that makes them, and gone when their objects are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boatyard.machinery.meta.conditions import set_condition
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import definitions
from boatyard.machinery.registry.strategy import Strategy
from boatyard.machinery.schema.definition import validate_definition

if TYPE_CHECKING:
    from boatyard.machinery.registry.caller import Caller
    from boatyard.machinery.registry.ledger import Ledger


class CustomResourceDefinitions(Strategy):
    """Conditions are set at once: there is nobody else to wait for."""

    def prepare_create(self, ledger: Ledger, caller: Caller, obj: Object) -> None:
        obj.pop("status", None)
        if not any(validate_definition(obj, None)):
            definitions.accept_names(ledger, obj)

    def prepare_update(self, ledger: Ledger, caller: Caller, obj: Object, old: Object, subresource: str) -> None:
        if not subresource and not any(validate_definition(obj, old)):
            definitions.accept_names(ledger, obj)

    def prepare_delete(self, ledger: Ledger, obj: Object) -> None:
        finalizers = obj["metadata"].setdefault("finalizers", [])
        if definitions.CLEANUP not in finalizers:
            finalizers.append(definitions.CLEANUP)
        status = obj.setdefault("status", {})
        told = "CustomResource deletion is in progress"
        status["conditions"] = set_condition(
            status.get("conditions"), "Terminating", True, "InstanceDeletionInProgress", told, ledger.world.now()
        )
