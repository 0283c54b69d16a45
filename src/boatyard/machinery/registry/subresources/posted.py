"""What is posted to an object to have something done to it: a document of a kind of its own, which is never stored."""

from __future__ import annotations

from dataclasses import replace

from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import metadata
from boatyard.machinery.registry.create import check_namespace
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.shape import readable


def read_as(kind: Kind, ledger: Ledger, request: Request, body: Object) -> None:
    """Read ``body`` as a document of ``kind``, in place. Raises BadRequest for what is none, unknown fields included where the
    caller refuses them; and as for a new object NotFound and Forbidden for a namespace that isn't there, or is going."""
    asked = replace(request, kind=kind, subresource="")
    metadata.frame(asked, body)
    readable(asked, body)
    check_namespace(ledger, request, {"metadata": {"name": request.name}})


def check_named(kind: Kind, request: Request, body: Object) -> None:
    """Raises BadRequest for a document that doesn't name the object that it is posted to."""
    if body["metadata"].get("name") != request.name:
        raise BadRequest(f"name in URL does not match name in {kind.resource.kind} object")
