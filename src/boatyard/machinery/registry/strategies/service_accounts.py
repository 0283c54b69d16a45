"""Service accounts: of their secrets only the names count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.strategy import Strategy

if TYPE_CHECKING:
    from boatyard.machinery.registry.caller import Caller
    from boatyard.machinery.registry.ledger import Ledger


class ServiceAccounts(Strategy):
    """What else is said of a secret isn't kept; whoever said it owns it all the same."""

    def prepare_create(self, ledger: Ledger, caller: Caller, obj: Object) -> None:
        if secrets := obj.get("secrets"):
            obj["secrets"] = [{"name": secret["name"]} if secret.get("name") else {} for secret in secrets]

    def prepare_update(self, ledger: Ledger, caller: Caller, obj: Object, old: Object, subresource: str) -> None:
        self.prepare_create(ledger, caller, obj)
