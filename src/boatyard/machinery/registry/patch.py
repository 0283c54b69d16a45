"""patch: a change said as a difference."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.client.client import PatchType
from boatyard.machinery.meta.errors import BadRequest, UnsupportedMediaType
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.patch.json_patch import json_patch
from boatyard.machinery.patch.merge_patch import merge_patch
from boatyard.machinery.patch.strategic_patch import strategic_patch
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.write import modify


async def patch(ledger: Ledger, request: Request, difference: Any, type: PatchType) -> Object:
    """Apply a patch to the stored object. Made anew when others write meanwhile, unless it names a resourceVersion."""

    def change(live: Object) -> Object:
        before = live["metadata"]["resourceVersion"]
        wanted = patched(request.kind, live, difference, type)
        if not isinstance(wanted, dict) or not isinstance(wanted.get("metadata"), dict):
            raise BadRequest("the patch leaves no object")
        if wanted["metadata"].get("resourceVersion") == before and not _names_revision(difference):
            del wanted["metadata"]["resourceVersion"]
        return wanted

    return await modify(ledger, request, change)


def patched(kind: Kind, live: Object, difference: Any, type: PatchType) -> Object:
    """The object with the patch applied."""
    if type == "json":
        return json_patch(live, difference)
    if not isinstance(difference, dict):
        raise BadRequest(f"a {type} patch must be an object")
    if type == "merge":
        return merge_patch(live, difference)
    types = kind.schema()
    if kind.custom is not None or types is None:
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - custom kinds take no strategic merge patches"
        )
    return strategic_patch(live, difference, types)


def _names_revision(difference: Any) -> bool:
    return isinstance(difference, dict) and bool((difference.get("metadata") or {}).get("resourceVersion"))
