"""Certificate signing requests: who asks is written down by the server; approval and certificate come by doors of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.strategy import Strategy

if TYPE_CHECKING:
    from boatyard.machinery.registry.caller import Caller
    from boatyard.machinery.registry.ledger import Ledger


class CertificateSigningRequests(Strategy):
    """Rules of ``pkg/registry/certificates``."""

    def prepare_create(self, ledger: Ledger, caller: Caller, obj: Object) -> None:
        obj["status"] = {}
        spec = obj["spec"]
        spec["username"] = caller.name
        for field, value in (("uid", caller.uid), ("groups", list(caller.groups))):
            if value:
                spec[field] = value
            else:
                spec.pop(field, None)
        spec.pop("extra", None)
        if caller.extra:
            spec["extra"] = {key: list(values) for key, values in caller.extra.items()}

    def prepare_update(self, ledger: Ledger, caller: Caller, obj: Object, old: Object, subresource: str) -> None:
        obj["spec"] = old["spec"]
