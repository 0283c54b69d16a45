"""apply: a manager says the fields it wants, and the server does the rest (server-side apply)."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.errors import AlreadyExists, BadRequest, conflict, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.patch.apply import merge_apply
from boatyard.machinery.registry import documents, metadata, ownership
from boatyard.machinery.registry.create import create_instead
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.shape import fits
from boatyard.machinery.registry.update import creates
from boatyard.machinery.registry.write import modify
from boatyard.machinery.schema.structural import ANYTHING


async def apply(ledger: Ledger, request: Request, applied: Object, force: bool) -> Object:
    """Make ``applied`` (the registry's from now on) what its manager owns of the object, which is created when it isn't there.

    What is applied is merged as it stands, and only the outcome is looked at as an object: conflicts are told before all faults but
    those of structure. Raises Conflict when others own a field with another value, unless ``force``; Invalid; NotFound for a
    subresource of nothing.
    """
    there = ledger.find(request.kind.resource, request.namespace, request.name) is not None
    if not there and request.subresource and not creates(request):
        raise not_found(request.kind.resource.group_resource, request.name)
    _check_type(request, applied)
    fits(request, applied)
    schema = request.kind.schema() or ANYTHING
    door = ownership.door_of(request)

    def merged(live: Object | None) -> Object:
        wanted = documents.fresh(applied)
        revision = (wanted.get("metadata") or {}).pop("resourceVersion", "")
        result, request.managers = merge_apply(live, request.managers, wanted, door, schema, force, ledger.world.now())
        # The live object is this call's own copy: what is shared with it may be changed.
        result["metadata"] = {**(result.get("metadata") or {}), "resourceVersion": revision}
        return result

    if not there:
        new = merged(None)
        _check_new(request, new)
        try:
            return await create_instead(ledger, request, new, metadata.revision_said(new))
        except AlreadyExists:
            # Somebody was quicker: then it is there to be merged with.
            pass
    return await modify(ledger, request, merged)


def _check_type(request: Request, applied: Any) -> None:
    """Raises BadRequest for what can't be merged with an object of the address, whatever else it says."""
    resource = request.kind.resource
    version, kind = (applied.get("apiVersion"), applied.get("kind")) if isinstance(applied, dict) else (None, None)
    if (version, kind) != (resource.api_version, resource.kind):
        told = f"{version or '/'}, Kind={kind or ''}: what is applied here is of {resource.api_version}, Kind={resource.kind}"
        raise BadRequest(f"invalid object type: {told}")
    entries = (applied.get("metadata") or {}).get("managedFields") if isinstance(applied.get("metadata"), dict) else None
    if isinstance(entries, list):
        raise BadRequest("metadata.managedFields must be nil")


def _check_new(request: Request, obj: Object) -> None:
    """Raises Conflict, BadRequest for a document that isn't a new object at the address."""
    if uid := obj["metadata"].get("uid"):
        told = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        raise conflict(request.kind.resource.group_resource, request.name, told)
    metadata.frame(request, obj)
    metadata.check_name(obj["metadata"], request.name)
