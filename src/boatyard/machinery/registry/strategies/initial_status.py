"""Kinds whose status begins the same for every new object, whatever its maker writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.registry.strategy import Strategy

if TYPE_CHECKING:
    from boatyard.machinery.registry.caller import Caller
    from boatyard.machinery.registry.ledger import Ledger


class InitialStatus(Strategy):
    """``status`` is what new objects have, and what a status has that leaves it out."""

    def __init__(self, status: Object) -> None:
        self._status = status

    def prepare_create(self, ledger: Ledger, caller: Caller, obj: Object) -> None:
        obj["status"] = copied(self._status)

    def read(self, obj: Object) -> None:
        status = obj.get("status") or {}
        if any(field not in status for field in self._status):
            obj["status"] = {**copied(self._status), **status}
