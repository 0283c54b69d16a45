"""How an object, or a collection, is to be deleted: the body, or else the query."""

from __future__ import annotations

from typing import NamedTuple, TypedDict, cast, get_args

from boatyard.machinery.client.client import Propagation
from boatyard.machinery.meta.core import NAMESPACES
from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.field_errors import invalid, unsupported
from boatyard.machinery.registry.core.types import core_type
from boatyard.machinery.registry.kind import Kind
from boatyard.server import body
from boatyard.server.call import Call


class Deletion(TypedDict):
    """As the registry takes it; see :meth:`~boatyard.machinery.registry.registry.Registry.delete`."""

    uid: str
    resource_version: str
    propagation: Propagation | None
    grace_period_seconds: int | None
    dry_run: bool


class DeleteOptions(NamedTuple):
    """What a deletion is asked with."""

    deletion: Deletion
    dependents_too: bool
    """Whether ``orphanDependents``, from before there were policies, says so."""


async def delete_options(call: Call, kind: Kind) -> DeleteOptions:
    """Raises BadRequest for a body that is something else, Invalid for options that are wrong or contradict each other."""
    options = await body.document(call.request)
    query = {} if await body.read(call.request) else call.query
    if options.get("kind", "DeleteOptions") != "DeleteOptions":
        raise BadRequest(f"the body of a deletion must be DeleteOptions, not {options['kind']}")
    if wrong := core_type("v1.DeleteOptions").validate(options):
        raise BadRequest("DeleteOptions: " + "; ".join(str(error) for error in wrong))
    preconditions = options.get("preconditions") or {}
    grace = options.get("gracePeriodSeconds")
    if grace is None and query:
        grace = call.number("gracePeriodSeconds", signed=True)
    if grace is not None and grace < 0:
        # As Kubernetes documents it.
        grace = 1
    propagation = options.get("propagationPolicy") or query.get("propagationPolicy") or None
    orphan = options.get("orphanDependents")
    if orphan is None and query.get("orphanDependents"):
        orphan = call.flag("orphanDependents")
    if propagation is not None and orphan is not None:
        raise call.wrong(invalid("propagationPolicy", propagation, "orphanDependents and deletionPropagation cannot be both set"))
    if orphan is not None:
        propagation = "Orphan" if orphan else "Foreground" if kind.resource == NAMESPACES else "Background"
    if propagation is not None and propagation not in get_args(Propagation):
        raise call.wrong(unsupported("propagationPolicy", propagation, ("Foreground", "Background", "Orphan", "nil")))
    deletion: Deletion = {
        "uid": preconditions.get("uid") or "", "resource_version": preconditions.get("resourceVersion") or "",
        "propagation": cast(Propagation | None, propagation), "grace_period_seconds": grace,
        "dry_run": call.dry_run(options.get("dryRun")),
    }  # fmt: skip
    return DeleteOptions(deletion, orphan is False)
