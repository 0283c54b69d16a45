"""update: the whole object replaced."""

from __future__ import annotations

from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import documents, metadata
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.write import modify


async def update(ledger: Ledger, request: Request, obj: Object) -> Object:
    """Replace the stored object by ``obj`` (the registry's from now on). Raises NotFound, Conflict, Invalid."""
    metadata.frame(request, obj)
    name = obj["metadata"].setdefault("name", request.name)
    if name != request.name:
        raise BadRequest(f"the name of the object ({name}) does not match the name on the URL ({request.name})")
    ledger.record(request.kind.resource, request.namespace, request.name)
    metadata.conditional(request, obj)
    return await modify(ledger, request, lambda _: documents.fresh(obj))
