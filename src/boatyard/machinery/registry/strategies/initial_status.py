"""Kinds whose status begins the same for every new object, whatever its maker writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.registry.strategy import Strategy

if TYPE_CHECKING:
    from boatyard.machinery.registry.caller import Caller
    from boatyard.machinery.registry.ledger import Ledger


class InitialStatus(Strategy):
    """``status`` is what new objects have."""

    def __init__(self, status: Object) -> None:
        self._status = status

    def prepare_create(self, ledger: Ledger, caller: Caller, obj: Object) -> None:
        obj["status"] = copied(self._status)

    def prepare_update(self, ledger: Ledger, caller: Caller, obj: Object, old: Object, subresource: str) -> None:
        if subresource == "status":
            obj["status"] = {**copied(self._status), **(obj.get("status") or {})}
