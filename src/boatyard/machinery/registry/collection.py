"""deletecollection: every object that a selection chooses."""

from __future__ import annotations

from dataclasses import replace

from boatyard.machinery.client.client import ObjectList
from boatyard.machinery.meta.errors import Conflict, NotFound
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import keys
from boatyard.machinery.registry.delete import DeleteOptions, delete
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.list import list_page
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.selection import Selection


async def delete_collection(
    ledger: Ledger, request: Request, selection: Selection, options: DeleteOptions, *, limit: int = 0, continue_token: str = ""
) -> ObjectList:
    """Delete one after the other, in order of names: all, or a page of them. An object that goes by itself meanwhile, or was
    replaced, is left alone. Raises Conflict for one that doesn't fit the caller's preconditions."""
    page = list_page(ledger, request.kind, request.namespace or None, selection, limit=limit, continue_token=continue_token)
    deleted: list[Object] = []
    for record in page.records:
        namespace, name = keys.place(record.key)
        try:
            obj, _ = await delete(ledger, replace(request, namespace=namespace, name=name), options)
            obj["metadata"]["resourceVersion"] = str(record.modified)
        except NotFound:
            continue
        except Conflict:
            if options.uid or options.resource_version:
                raise
            continue
        deleted.append(obj)
    return ObjectList(deleted, str(page.revision), page.continue_token, page.remaining)
