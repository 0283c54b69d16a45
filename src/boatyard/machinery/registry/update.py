"""update: the whole object replaced, or made where the kind lets an update do that."""

from __future__ import annotations

from boatyard.machinery.meta.errors import ApiError, conflict, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import documents, metadata
from boatyard.machinery.registry.create import create_instead
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.shape import readable
from boatyard.machinery.registry.write import modify


async def update(ledger: Ledger, request: Request, obj: Object) -> Object:
    """Replace the stored object by ``obj`` (the registry's from now on). Raises NotFound, Conflict, Invalid."""
    warned = len(request.warnings)
    try:
        return await _update(ledger, request, obj)
    except metadata.Unread as error:
        request.warnings.clear()
        if error.look_on:
            readable(request, obj)
        raise
    except ApiError:
        # Whoever sends what can't be read is told so first.
        told = request.warnings[warned:]
        del request.warnings[warned:]
        readable(request, obj)
        # What the document said too much isn't in it any more when its making has begun.
        request.warnings += [warning for warning in told if warning not in request.warnings]
        raise


async def _update(ledger: Ledger, request: Request, obj: Object) -> Object:
    revision = metadata.revision_said(obj)
    metadata.frame(request, obj)
    metadata.check_name(obj["metadata"], request.name)
    uid = obj["metadata"].get("uid")
    if ledger.find(request.kind.resource, request.namespace, request.name) is None:
        if not creates(request):
            raise not_found(request.kind.resource.group_resource, request.name)
        if uid:
            told = f"Precondition failed: UID in precondition: {uid}, UID in object meta: "
            raise conflict(request.kind.resource.group_resource, request.name, told)
        return await create_instead(ledger, request, obj, revision)
    metadata.conditional(request, obj)

    def replaced(live: Object) -> Object:
        if uid and uid != live["metadata"]["uid"]:
            told = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {live['metadata']['uid']}"
            raise conflict(request.kind.resource.group_resource, request.name, told)
        return documents.fresh(obj)

    return await modify(ledger, request, replaced)


def creates(request: Request) -> bool:
    """Whether an update of what isn't there makes it."""
    return request.kind.made_by_update and request.subresource in ("", "status")
