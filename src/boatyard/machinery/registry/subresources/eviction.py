"""``pods/eviction``: a deletion that a disruption budget could refuse. There are no budgets for pods here, so it never is."""

from __future__ import annotations

from dataclasses import replace

from boatyard.machinery.meta import field_errors
from boatyard.machinery.meta.errors import FieldError, invalid
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.core.types import core_type
from boatyard.machinery.registry.delete import DeleteOptions, delete
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.subresources.posted import check_named, read_as

EVICTION = Kind(Resource("policy", "v1", "evictions", "Eviction"), stored=False, schema=lambda: core_type("policy.v1.Eviction"))
_PROPAGATIONS = ("Foreground", "Background", "Orphan")
_FORMER = "policy/v1beta1"
"""Means the same, and is what clients from before Kubernetes 1.22 send."""


async def evict(ledger: Ledger, request: Request, eviction: Object) -> Object:
    """Delete the pod as the eviction's options say. Raises NotFound, Conflict (preconditions), BadRequest for what is no eviction
    of it, Invalid for options that nobody knows."""
    if eviction.get("apiVersion") == _FORMER:
        eviction["apiVersion"] = EVICTION.resource.api_version
    read_as(EVICTION, ledger, request, eviction)
    check_named(EVICTION, request, eviction)
    options = eviction.get("deleteOptions") or {}
    dry_run, propagation = options.get("dryRun") or [], options.get("propagationPolicy")
    wrong: list[FieldError] = []
    if propagation is not None and propagation not in _PROPAGATIONS:
        wrong.append(field_errors.unsupported("propagationPolicy", propagation, (*_PROPAGATIONS, "nil")))
    if any(word != "All" for word in dry_run):
        wrong.append(field_errors.unsupported("dryRun", dry_run, ("All",)))
    if wrong:
        raise invalid("DeleteOptions", "meta.k8s.io", "", wrong)
    preconditions = options.get("preconditions") or {}
    await delete(
        ledger, replace(request, dry_run=request.dry_run or bool(dry_run)),
        DeleteOptions(
            preconditions.get("uid") or "", preconditions.get("resourceVersion") or "", propagation,
            options.get("gracePeriodSeconds"),
        ),
    )  # fmt: skip
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
