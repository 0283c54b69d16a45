"""apply: a manager says the fields it wants, and the server does the rest (server-side apply)."""

from __future__ import annotations

from boatyard.machinery.meta.errors import AlreadyExists, BadRequest, Conflict, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.patch.apply import merge_apply
from boatyard.machinery.patch.field_set import Path
from boatyard.machinery.registry import documents, metadata
from boatyard.machinery.registry.create import create
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.shape import comparable
from boatyard.machinery.registry.write import modify
from boatyard.machinery.schema.structural import ANYTHING


async def apply(ledger: Ledger, request: Request, applied: Object, force: bool) -> Object:
    """Make ``applied`` (the registry's from now on) what its manager owns of the object, which is created when it isn't there.

    Raises Conflict when others own a field with another value, unless ``force``; Invalid; NotFound for a subresource of nothing.
    """
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
        result = merge_apply(live, wanted, request.field_manager, schema, force, ledger.world.now(), request.subresource, reset)
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


def _reset(request: Request) -> tuple[Path, ...]:
    """What can't be set through this door, and so isn't owned by who tries."""
    if request.subresource == "status":
        return (("f:spec",), ("f:metadata",)) if request.kind.custom is not None else (("f:spec",),)
    return (("f:status",),) if request.kind.has_status else ()
