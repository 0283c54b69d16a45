"""deletecollection: every object that a selection chooses."""

from __future__ import annotations

from dataclasses import replace

from boatyard.machinery.client.client import ObjectList
from boatyard.machinery.meta.errors import Conflict, NotFound
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import documents, keys
from boatyard.machinery.registry.delete import DeleteOptions, delete
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.list import list_page
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.selection import Selection


async def delete_collection(
    ledger: Ledger, request: Request, selection: Selection, options: DeleteOptions, *, limit: int = 0, continue_token: str = ""
) -> tuple[ObjectList, list[Object]]:
    """Delete one after the other, in order of names: all, or a page of them. Returns them as they were, and as they are now.

    An object that goes by itself meanwhile, or was replaced, is left alone. Raises Conflict for one that doesn't fit the caller's
    preconditions.
    """
    page = list_page(ledger, request.kind, request.namespace or None, selection, limit=limit, continue_token=continue_token)
    before: list[Object] = []
    now: list[Object] = []
    for record in page.records:
        namespace, name = keys.place(record.key)
        try:
            obj, _ = await delete(ledger, replace(request, namespace=namespace, name=name), options)
        except NotFound:
            continue
        except Conflict:
            if options.uid or options.resource_version:
                raise
            continue
        before.append(documents.decode(record.value, record.modified))
        now.append(obj)
    return ObjectList(before, str(page.revision), page.continue_token, page.remaining), now
