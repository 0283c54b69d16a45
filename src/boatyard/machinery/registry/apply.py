"""apply: a manager says the fields it wants, and the server does the rest (server-side apply)."""

from __future__ import annotations

from dataclasses import replace

from boatyard.machinery.meta.errors import AlreadyExists, BadRequest, Conflict, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.patch.apply import merge_apply
from boatyard.machinery.registry import documents, metadata, ownership
from boatyard.machinery.registry.create import create
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.shape import comparable
from boatyard.machinery.registry.update import creates
from boatyard.machinery.registry.write import modify
from boatyard.machinery.schema.structural import ANYTHING


async def apply(ledger: Ledger, request: Request, applied: Object, force: bool) -> Object:
    """Make ``applied`` (the registry's from now on) what its manager owns of the object, which is created when it isn't there.

    Raises Conflict when others own a field with another value, unless ``force``; Invalid; NotFound for a subresource of nothing.
    """
    if isinstance(applied, dict) and not (applied.get("apiVersion") and applied.get("kind")):
        found = f"{applied.get('apiVersion') or '/'}, Kind={applied.get('kind') or ''}"
        raise BadRequest(f"invalid object type: {found}: what is applied says its apiVersion and kind")
    sent = applied.get("metadata") if isinstance(applied, dict) else None
    empty = [field for field in ("labels", "annotations") if isinstance(sent, dict) and sent.get(field) == {}]
    metadata.frame(request, applied)
    # Whoever applies a map without entries owns it, as anybody does who applies something.
    applied["metadata"].update((field, {}) for field in empty)
    entries = applied["metadata"].pop("managedFields", None)
    if entries or (entries == [] and request.kind.custom is None):
        raise BadRequest("metadata.managedFields must be nil")
    if applied["metadata"].setdefault("name", request.name) == "":
        raise BadRequest(f"the name of the object ({request.name} based on URL) was undeterminable: name must be provided")
    if applied["metadata"]["name"] != request.name:
        raise BadRequest(
            f"the name of the object ({applied['metadata']['name']}) does not match the name on the URL ({request.name})"
        )
    there = ledger.find(request.kind.resource, request.namespace, request.name) is not None
    if not there and request.subresource and not creates(request):
        raise not_found(request.kind.resource.group_resource, request.name)
    comparable(request, applied)
    schema = request.kind.schema() or ANYTHING
    door = ownership.door_of(request)

    def merged(live: Object | None) -> Object:
        wanted = documents.fresh(applied)
        revision = wanted["metadata"].pop("resourceVersion", "")
        result, request.managers = merge_apply(live, request.managers, wanted, door, schema, force, ledger.world.now())
        # The live object is this call's own copy: what is shared with it may be changed.
        result["metadata"] = {**result["metadata"], "resourceVersion": revision}
        return result

    if not there:
        if applied["metadata"].get("uid") or applied["metadata"].get("resourceVersion"):
            told = f'Operation cannot be fulfilled on {request.kind.resource.group_resource} "{request.name}"'
            raise Conflict(f"{told}: a uid or resourceVersion was given, but the object does not exist")
        new = merged(None)
        try:
            return await create(ledger, replace(request, subresource=""), new)
        except AlreadyExists:
            # Somebody was quicker: then it is there to be merged with.
            pass
    return await modify(ledger, request, merged)
