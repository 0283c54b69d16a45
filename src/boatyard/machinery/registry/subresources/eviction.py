"""``pods/eviction``: a deletion that a disruption budget could refuse. There are no budgets for pods here, so it never is."""

from __future__ import annotations

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.delete import DeleteOptions, delete
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request


async def evict(ledger: Ledger, request: Request, eviction: Object) -> Object:
    """Delete the pod as the eviction's options say. Raises NotFound, Conflict (preconditions)."""
    options = eviction.get("deleteOptions") or {}
    preconditions = options.get("preconditions") or {}
    await delete(
        ledger, request,
        DeleteOptions(
            preconditions.get("uid") or "", preconditions.get("resourceVersion") or "", options.get("propagationPolicy"),
            options.get("gracePeriodSeconds"),
        ),
    )  # fmt: skip
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
