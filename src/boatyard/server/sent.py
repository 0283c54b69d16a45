"""What is sent to be written: documents and patches, their fields each once as far as the caller cares."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.client.client import PatchType
from boatyard.machinery.meta.errors import BadRequest, UnsupportedMediaType
from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.registry.go_text import refused
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.patch import NOT_STRATEGIC
from boatyard.machinery.registry.shape import mistyped
from boatyard.machinery.registry.subresources.binding import BINDING
from boatyard.machinery.registry.subresources.eviction import EVICTION
from boatyard.machinery.registry.subresources.token import TOKEN_REQUEST
from boatyard.server import body
from boatyard.server.call import Call
from boatyard.server.duplicates import duplicates
from boatyard.server.path import ResourcePath

PATCHES: dict[str, PatchType] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}
POSTED = {"binding": BINDING, "eviction": EVICTION, "token": TOKEN_REQUEST}
"""What is posted to an object is a document of a kind of its own."""
APPLIES = ("application/apply-patch+yaml", "application/apply-patch+json")


async def document(call: Call, kind: Kind, path: ResourcePath) -> Object:
    """The object that is sent. Raises UnsupportedMediaType, BadRequest."""
    kind = POSTED.get(path.subresource, kind)
    body.check_type(call.request)
    validation, told = call.field_validation(), list[str]()
    # Kubernetes' own kinds are read into types, where what is unknown is nowhere.
    schema = kind.schema() if kind.custom is None else None
    found = await body.document(call.request, None if validation == "Ignore" else told, schema)
    if not found and body.is_json(call.request) and not (await body.read(call.request)).strip():
        raise BadRequest(f"the body of the request is empty: an object of kind {kind.resource.kind} was expected")
    if told and validation == "Strict":
        _refuse_repeated(kind, found, told)
    call.warnings += told
    said = body.type_said(found, body.content_type(call.request))
    if kind.custom is None:
        found.update(said)
    elif path.subresource in ("", "status"):
        # A document of Kubernetes' own kinds may leave them out, since the address says them.
        if not found.get("kind"):
            raise BadRequest(f"the object provided is unrecognized (must be of type {kind.resource.kind}): it has no kind")
        if not found.get("apiVersion"):
            expected = kind.resource.api_version
            raise BadRequest(f"the API version in the data () does not match the expected API version ({expected})")
    return found


def _refuse_repeated(kind: Kind, document: Object, told: list[str]) -> None:
    """Raise BadRequest for fields that are there twice, and with them for those that nobody knows. What can't be read at all is
    refused as such before, by the registry."""
    schema = kind.schema()
    if schema is not None:
        if mistyped(kind, schema, document):
            return
        told = told + [f'unknown field "{path}"' for path in schema.prune(copied(document))]
    name, version = kind.resource.kind, kind.resource.version
    why = f"strict decoding error: {', '.join(told)}"
    raise BadRequest(f'{name} in version "{version}" cannot be handled as a {name}: {why}')


def applied(call: Call, data: bytes) -> Object:
    """The object that is applied. Raises BadRequest."""
    validation, repeated = call.field_validation(), list[str]()
    found = body.parsed_yaml(data, repeated)
    if not isinstance(found, dict):
        raise BadRequest("the body of an apply must be an object")
    if repeated and validation == "Strict":
        raise BadRequest(f"error strict decoding YAML: {', '.join(repeated)}")
    if validation == "Warn":
        call.warnings += repeated
    return found


def check_patch(call: Call, kind: Kind) -> None:
    """Raises UnsupportedMediaType for what is no patch, or none of that kind."""
    type = body.content_type(call.request)
    if kind.custom is not None and PATCHES.get(type) == "strategic":
        raise UnsupportedMediaType(NOT_STRATEGIC)
    if type not in (*PATCHES, *APPLIES):
        known = ", ".join((*PATCHES, *APPLIES))
        told = f"the body of the request was in an unknown format - accepted media types include: {known}"
        raise UnsupportedMediaType(told if kind.custom is None else NOT_STRATEGIC)


def difference(call: Call, type: PatchType, data: bytes) -> tuple[Any, list[str]]:
    """The patch that is sent, and what to say of its fields that are there twice. Raises BadRequest."""
    found, validation = body.json(data), call.field_validation()
    if validation == "Ignore" or not isinstance(found, dict | list):
        return found, []
    about = "json patch " if type == "json" else ""
    told = [f'{about}duplicate field "{path}"' for path in duplicates(data, found)]
    if told and validation == "Strict":
        raise refused(found, f"strict decoding error: {', '.join(told)}")
    return found, told
