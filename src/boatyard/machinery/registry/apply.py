"""apply: a manager says the fields it wants, and the server does the rest (server-side apply)."""

from __future__ import annotations

from typing import Any

import msgspec

from boatyard.machinery.meta.errors import AlreadyExists, BadRequest, Conflict, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.patch.apply import merge_apply
from boatyard.machinery.patch.field_set import Path
from boatyard.machinery.patch.field_set import told as path_told
from boatyard.machinery.patch.typed import field_set
from boatyard.machinery.registry import documents, metadata
from boatyard.machinery.registry.create import create
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.shape import comparable
from boatyard.machinery.registry.write import modify
from boatyard.machinery.schema.structural import ANYTHING, Structural

KUBECTL, LAST_APPLIED = "kubectl", "kubectl.kubernetes.io/last-applied-configuration"


async def apply(ledger: Ledger, request: Request, applied: Object, force: bool) -> Object:
    """Make ``applied`` (the registry's from now on) what its manager owns of the object, which is created when it isn't there.

    Raises Conflict when others own a field with another value, unless ``force``; Invalid; NotFound for a subresource of nothing.
    """
    if isinstance(applied, dict) and not (applied.get("apiVersion") and applied.get("kind")):
        found = f"{applied.get('apiVersion') or '/'}, Kind={applied.get('kind') or ''}"
        raise BadRequest(f"invalid object type: {found}: what is applied says its apiVersion and kind")
    metadata.frame(request, applied)
    if applied["metadata"].get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    if applied["metadata"].setdefault("name", request.name) == "":
        raise BadRequest(f"the name of the object ({request.name} based on URL) was undeterminable: name must be provided")
    if applied["metadata"]["name"] != request.name:
        raise BadRequest(
            f"the name of the object ({applied['metadata']['name']}) does not match the name on the URL ({request.name})"
        )
    there = ledger.find(request.kind.resource, request.namespace, request.name) is not None
    if not there and request.subresource:
        raise not_found(request.kind.resource.group_resource, request.name)
    comparable(request, applied)
    schema = request.kind.schema() or ANYTHING
    reset = _reset(request)

    def merged(live: Object | None) -> Object:
        wanted = documents.fresh(applied)
        revision = wanted["metadata"].pop("resourceVersion", "")
        now = ledger.world.now()
        try:
            result = merge_apply(live, wanted, request.field_manager, schema, force, now, request.subresource, reset)
        except Conflict as conflict:
            if not _upgrades(request, live, schema, conflict):
                raise
            wanted = documents.fresh(applied)
            wanted["metadata"].pop("resourceVersion", "")
            result = merge_apply(live, wanted, request.field_manager, schema, True, now, request.subresource, reset)
        if live is not None or revision:
            result["metadata"]["resourceVersion"] = revision
        return result

    if not there:
        if applied["metadata"].get("uid") or applied["metadata"].get("resourceVersion"):
            told = f'Operation cannot be fulfilled on {request.kind.resource.group_resource} "{request.name}"'
            raise Conflict(f"{told}: a uid or resourceVersion was given, but the object does not exist")
        try:
            return await create(ledger, request, merged(None))
        except AlreadyExists:
            # Somebody was quicker: then it is there to be merged with.
            pass
    return await modify(ledger, request, merged)


def _upgrades(request: Request, live: Object | None, schema: Structural, conflict: Conflict) -> bool:
    """Whether kubectl only goes on with what it applied on the client's side before, as apiserver's LastAppliedManager has it."""
    told = (live or {}).get("metadata", {}).get("annotations", {}).get(LAST_APPLIED)
    if request.field_manager != KUBECTL or not told:
        return False
    try:
        last = msgspec.json.decode(told, type=dict[str, Any])
    except msgspec.DecodeError:
        return False
    own = {path_told(path) for path in field_set(schema, last).paths()}
    return all(cause["field"] in own for cause in conflict.details.get("causes", ()))


def _reset(request: Request) -> tuple[Path, ...]:
    """What can't be set through this door, and so isn't owned by who tries."""
    if request.subresource == "status":
        return (("f:spec",), ("f:metadata",)) if request.kind.custom is not None else (("f:spec",),)
    return (("f:status",),) if request.kind.has_status else ()
