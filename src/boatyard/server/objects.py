"""The verbs on stored objects: get, list, create, update, patch, apply, delete, delete of a collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, get_args

import msgspec
from aiohttp import web

from boatyard.machinery.client.client import PatchType, Propagation
from boatyard.machinery.meta import field_errors
from boatyard.machinery.meta.core import NAMESPACES
from boatyard.machinery.meta.errors import (
    ApiError,
    BadRequest,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    UnsupportedMediaType,
    not_found,
)
from boatyard.machinery.meta.field_errors import unsupported
from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.registry import documents
from boatyard.machinery.registry.core.types import core_type
from boatyard.machinery.registry.go_text import refused
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.patch import NOT_STRATEGIC
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.registry.selection import Selection
from boatyard.machinery.registry.shape import mistyped
from boatyard.server import body
from boatyard.server.answers import answer, headers_of, raw
from boatyard.server.call import Call
from boatyard.server.discovery import verbs_of
from boatyard.server.duplicates import duplicates
from boatyard.server.flow.control import width_of_list
from boatyard.server.list_options import match_of_list, read
from boatyard.server.long_answers import LARGE_BYTES, LongAnswer
from boatyard.server.media import JSON, Form, acceptable
from boatyard.server.path import ResourcePath
from boatyard.server.tables import Tables

PATCHES: dict[str, PatchType] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}
WIDEST = 8
"""The seats of the longest list, and of the deletion of a collection."""
REMEMBERED = 1024
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
APPLIES = ("application/apply-patch+yaml", "application/apply-patch+json")


class Objects:
    """Endpoints of one registry."""

    def __init__(self, registry: Registry, tables: Tables) -> None:
        self._registry, self._tables = registry, tables
        self._listed_bytes: dict[tuple[str, str, int], int] = {}
        """How long the last list of a type, with this limit, was."""

    async def handle(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response | LongAnswer:
        """Everything but watches and the streams of pods. Raises ApiError."""
        method = call.request.method
        if path.name and not kind.stored:
            raise NotFound("the server could not find the requested resource")
        if kind.custom is None and not _is_routed(method, kind, path):
            # Kubernetes has no way there, whatever else is asked for.
            raise _not_allowed(call, kind, path)
        if path.subresource and path.subresource not in kind.subresources:
            raise _no_subresource(kind, path)
        if path.name and method == "PATCH":
            _check_patch(call, kind)
        if kind.custom is None or path.name or method != "GET":
            # Whoever can't be answered isn't heard, but for lists of custom objects: what they are asked with is read first.
            acceptable(call.accept)
        if path.name or method != "GET":
            call.form()
        if path.name:
            if method == "POST" and (path.subresource if kind.custom is None else not path.subresource):
                # What is posted to a custom object's own address is made, too, under the name that it has itself.
                return await self._create(call, kind, path)
            if method == "GET":
                return await self._get(call, kind, path)
            if method == "PUT":
                return await self._update(call, kind, path)
            if method == "PATCH":
                return await self._patch(call, kind, path)
            if method == "DELETE" and not path.subresource:
                return await self._delete(call, kind, path)
        elif method == "GET":
            return self._list(call, kind, path)
        elif method == "POST" and (path.namespace or not kind.resource.namespaced):
            return await self._create(call, kind, path)
        elif method == "DELETE" and "deletecollection" in verbs_of(kind) and (path.namespace or not kind.resource.namespaced):
            return await self._delete_collection(call, kind, path)
        raise _not_allowed(call, kind, path)

    def width(self, call: Call, kind: Kind, path: ResourcePath) -> int:
        """How much of the server the request takes: a list about as much as it took the last time."""
        if path.name or call.request.method not in ("GET", "HEAD", "DELETE"):
            return 1
        if call.request.method == "DELETE":
            return WIDEST
        try:
            what = _listed(call, kind)
        except BadRequest:
            return 1  # told in its turn
        return min(WIDEST, width_of_list(self._listed_bytes.get(what, 0)))

    async def _get(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response:
        revision, form = call.query.get("resourceVersion", ""), call.form()
        if not path.subresource and not form.transform:
            where = path.namespace or None
            found = self._registry.get_json(call.caller, kind.resource, path.name, where, resource_version=revision)
            return raw(found, type=form.type)
        obj = await self._registry.get(
            call.caller, kind.resource, path.name, path.namespace or None, subresource=path.subresource or None,
            resource_version=revision,
        )  # fmt: skip
        if form.transform == "PartialObjectMetadataList":
            raise NotAcceptable(f"you requested {form.transform}, but the requested object is not a list ({kind.resource.kind})")
        return self._object(call, kind, obj)

    def _list(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response | LongAnswer:
        read(call)  # also how long it may take, though a list takes as long as it takes
        match = match_of_list(call)
        form = call.form()
        found = self._registry.listing(
            call.caller, kind.resource, path.namespace or None, label_selector=call.query.get("labelSelector", ""),
            field_selector=call.query.get("fieldSelector", ""), limit=_limit(call),
            continue_token=call.query.get("continue", ""), resource_version=call.query.get("resourceVersion", ""),
            match=match,
        )  # fmt: skip
        if form.transform == "PartialObjectMetadata":
            told = f"you requested {form.transform}, but the requested object is a list ({kind.resource.kind}List)"
            raise NotAcceptable(told)
        metadata = _list_metadata(str(found.revision), found.continue_token, found.remaining)
        if form.transform:
            include = self._include(call)
            frame = self._tables.list(form, kind, [], metadata, include)
            pieces = self._tables.pieces(form, kind, found.records, include)
        else:
            frame = {**_list_frame(kind, metadata), "items": []}
            pieces = documents.joined(found.records)
        self._note(_listed(call, kind), found.about_bytes)
        return self._listed(_listed(call, kind), _framed(frame, pieces), form)

    def _listed(self, what: tuple[str, str, int], pieces: Iterator[bytes], form: Form) -> web.Response | LongAnswer:
        """A list as it is sent: whole if it is short."""
        begun: list[bytes] = []
        size = 0
        for piece in pieces:
            begun.append(piece)
            size += len(piece)
            if size > LARGE_BYTES and form.type == JSON:
                return LongAnswer(self._counted(what, chain(begun, pieces)), headers_of(form.type))
        self._note(what, size)
        return raw(b"".join(begun), type=form.type)

    def _counted(self, what: tuple[str, str, int], pieces: Iterable[bytes]) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            yield piece
        self._note(what, size)

    def _note(self, what: tuple[str, str, int], size: int) -> None:
        if len(self._listed_bytes) >= REMEMBERED:
            self._listed_bytes.clear()
        self._listed_bytes[what] = size

    async def _create(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response:
        body.check_type(call.request)
        options, document = call.writing(), await self._document(call, kind, path)
        obj = await self._registry.create(
            call.caller, kind.resource, document, path.namespace or None, name=path.name or None,
            subresource=path.subresource or None, **options,
        )  # fmt: skip
        return self._object(call, kind, obj, 201)

    async def _update(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response:
        options, document = call.writing(), await self._document(call, kind, path)
        existed = self._exists(kind, path)
        obj = await self._registry.update(
            call.caller, kind.resource, document, name=path.name, namespace=path.namespace or None,
            subresource=path.subresource or None, **options,
        )  # fmt: skip
        return self._object(call, kind, obj, 200 if existed else 201)

    def _exists(self, kind: Kind, path: ResourcePath) -> bool:
        return self._registry.ledger.find(kind.resource, path.namespace or None, path.name) is not None

    async def _document(self, call: Call, kind: Kind, path: ResourcePath) -> Object:
        """The object that is sent, its fields each once as far as the caller cares."""
        body.check_type(call.request)
        validation, told = call.field_validation(), list[str]()
        # Kubernetes' own kinds are read into types, where what is unknown is nowhere.
        schema = kind.schema() if kind.custom is None else None
        document = await body.document(call.request, None if validation == "Ignore" else told, schema)
        if not document and body.is_json(call.request) and not (await body.read(call.request)).strip():
            raise BadRequest(f"the body of the request is empty: an object of kind {kind.resource.kind} was expected")
        if told and validation == "Strict":
            self._refuse_repeated(kind, document, told)
        call.warnings += told
        said = body.type_said(document, body.content_type(call.request))
        if kind.custom is None:
            document.update(said)
        elif path.subresource in ("", "status"):
            # A document of Kubernetes' own kinds may leave them out, since the address says them.
            if not document.get("kind"):
                raise BadRequest(f"the object provided is unrecognized (must be of type {kind.resource.kind}): it has no kind")
            if not document.get("apiVersion"):
                expected = kind.resource.api_version
                raise BadRequest(f"the API version in the data () does not match the expected API version ({expected})")
        return document

    def _refuse_repeated(self, kind: Kind, document: Object, told: list[str]) -> None:
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

    async def _patch(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response:
        type = body.content_type(call.request)
        data = await body.read(call.request)
        if type in APPLIES:
            return await self._apply(call, kind, path, data)
        options = call.writing()
        try:
            difference, told = self._difference(call, PATCHES[type], data)
        except ApiError:
            if not self._exists(kind, path):
                # Who isn't there can't be patched, whatever the patch is.
                raise not_found(kind.resource.group_resource, path.name) from None
            raise
        if self._exists(kind, path):
            call.warnings += told
        obj = await self._registry.patch(
            call.caller, kind.resource, path.name, difference, path.namespace or None, type=PATCHES[type],
            subresource=path.subresource or None, **options,
        )  # fmt: skip
        return self._object(call, kind, obj)

    def _difference(self, call: Call, type: PatchType, data: bytes) -> tuple[Any, list[str]]:
        """The patch that is sent, and what to say of its fields that are there twice."""
        difference, validation = body.json(data), call.field_validation()
        if validation == "Ignore" or not isinstance(difference, dict | list):
            return difference, []
        about = "json patch " if type == "json" else ""
        told = [f'{about}duplicate field "{path}"' for path in duplicates(data, difference)]
        if told and validation == "Strict":
            raise refused(difference, f"strict decoding error: {', '.join(told)}")
        return difference, told

    async def _apply(self, call: Call, kind: Kind, path: ResourcePath, data: bytes) -> web.Response:
        options = call.writing(applying=True)
        repeated: list[str] = []
        document = body.parsed_yaml(data, repeated)
        if not isinstance(document, dict):
            raise BadRequest("the body of an apply must be an object")
        if repeated and options.get("field_validation") == "Strict":
            raise BadRequest(f"error strict decoding YAML: {', '.join(repeated)}")
        if options.get("field_validation") == "Warn":
            call.warnings += repeated
        existed = self._exists(kind, path)
        obj = await self._registry.apply(
            call.caller, kind.resource, document, name=path.name, namespace=path.namespace or None,
            subresource=path.subresource or None, force=call.flag("force"), **options,
        )  # fmt: skip
        return self._object(call, kind, obj, 200 if existed else 201)

    async def _delete(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response:
        options = await self._delete_options(call, kind)
        dependents_too = options.pop("dependents_too")
        obj = await self._registry.delete(call.caller, kind.resource, path.name, path.namespace or None, **options)
        if obj.get("kind") == "Status":
            return answer(obj, type=call.form().type)
        # As Kubernetes has it for clients from before there were policies: what isn't gone yet was only accepted.
        return self._object(call, kind, obj, 202 if dependents_too and self._exists(kind, path) else 200)

    async def _delete_collection(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response:
        read(call)
        Selection.of(kind, field_selector=call.query.get("fieldSelector", ""))
        options = await self._delete_options(call, kind)
        del options["dependents_too"]
        deleted = await self._registry.delete_collection(
            call.caller, kind.resource, path.namespace or None, label_selector=call.query.get("labelSelector", ""),
            field_selector=call.query.get("fieldSelector", ""), limit=_limit(call), continue_token=call.query.get("continue", ""),
            **options,
        )  # fmt: skip
        metadata = _list_metadata(deleted.resource_version, deleted.continue_token, deleted.remaining)
        return answer({**_list_frame(kind, metadata), "items": deleted.items}, type=call.form().type)

    async def _delete_options(self, call: Call, kind: Kind) -> dict[str, Any]:
        """The options of the body, or else of the query, as the registry takes them; and ``dependents_too``: whether the old option
        ``orphanDependents`` says so."""
        options = await body.document(call.request)
        query = {} if await body.read(call.request) else call.query
        if options.get("kind", "DeleteOptions") != "DeleteOptions":
            raise BadRequest(f"the body of a deletion must be DeleteOptions, not {options['kind']}")
        if wrong := core_type("v1.DeleteOptions").validate(options):
            raise BadRequest("DeleteOptions: " + "; ".join(str(error) for error in wrong))
        preconditions = options.get("preconditions") or {}
        grace = options.get("gracePeriodSeconds")
        if grace is None and query:
            grace = call.number("gracePeriodSeconds", signed=True)
        if grace is not None and grace < 0:
            # As Kubernetes documents it.
            grace = 1
        propagation = options.get("propagationPolicy") or query.get("propagationPolicy") or None
        orphan = options.get("orphanDependents")
        if orphan is None and query.get("orphanDependents"):
            orphan = call.flag("orphanDependents")
        if propagation is not None and orphan is not None:
            told = "orphanDependents and deletionPropagation cannot be both set"
            raise call.wrong(field_errors.invalid("propagationPolicy", propagation, told))
        if orphan is not None:
            propagation = "Orphan" if orphan else "Foreground" if kind.resource == NAMESPACES else "Background"
        if propagation is not None and propagation not in get_args(Propagation):
            raise call.wrong(unsupported("propagationPolicy", propagation, ("Foreground", "Background", "Orphan", "nil")))
        return {
            "uid": preconditions.get("uid") or "", "resource_version": preconditions.get("resourceVersion") or "",
            "propagation": propagation, "grace_period_seconds": grace, "dry_run": call.dry_run(options.get("dryRun")),
            "dependents_too": orphan is False,
        }  # fmt: skip

    def _object(self, call: Call, kind: Kind, obj: Object, status: int = 200) -> web.Response:
        """One object in the form asked for."""
        form = call.form()
        if form.transform.endswith("List"):
            raise NotAcceptable(f"you requested {form.transform}, but the requested object is not a list ({kind.resource.kind})")
        if form.transform:
            obj = self._tables.one(form, kind, obj, self._include(call))
        return answer(obj, status, form.type)

    def _include(self, call: Call) -> str:
        include = call.query.get("includeObject") or "Metadata"
        if include not in ("None", "Metadata", "Object"):
            told = f'includeObject: Invalid value: "{include}": must be \'Metadata\', \'Object\', \'None\', or empty'
            raise BadRequest(f"Unable to convert to Table as requested: {told}")
        return include


def _check_patch(call: Call, kind: Kind) -> None:
    """Raises UnsupportedMediaType for what is no patch, or none of that kind."""
    type = body.content_type(call.request)
    if kind.custom is not None and PATCHES.get(type) == "strategic":
        raise UnsupportedMediaType(NOT_STRATEGIC)
    if type not in (*PATCHES, *APPLIES):
        known = ", ".join((*PATCHES, *APPLIES))
        told = f"the body of the request was in an unknown format - accepted media types include: {known}"
        raise UnsupportedMediaType(told if kind.custom is None else NOT_STRATEGIC)


def _no_subresource(kind: Kind, path: ResourcePath) -> ApiError:
    """Custom kinds answer as if the object itself weren't there."""
    if kind.custom is not None:
        return not_found(kind.resource.group_resource, path.name)
    return NotFound("the server could not find the requested resource")


def _is_routed(method: str, kind: Kind, path: ResourcePath) -> bool:
    """Whether there may be an answer to the method at this address of a kind of Kubernetes' own."""
    if path.subresource:
        return True
    if path.name:
        return method != "POST"
    return method not in ("PUT", "PATCH")


def _not_allowed(call: Call, kind: Kind, path: ResourcePath) -> ApiError:
    resource = kind.resource
    if kind.custom is None:
        return MethodNotAllowed("the server does not allow this method on the requested resource")
    if resource.namespaced and not path.namespace:
        return NotFound("the server could not find the requested resource")
    if call.request.method in ("PUT", "PATCH") and not path.name:
        if body.content_type(call.request) == "application/strategic-merge-patch+json":
            return UnsupportedMediaType(NOT_STRATEGIC)
        return BadRequest("name must be provided")
    verb = _VERBS.get(call.request.method, "")  # other methods mean nothing
    details = {"group": resource.group, "kind": resource.plural}
    return MethodNotAllowed(f'{verb} is not supported on resources of kind "{resource.group_resource}"', details)


def _limit(call: Call) -> int:
    """How long a page may be; 0 for all, which is what less than 0 means, too."""
    return max(call.number("limit", signed=True) or 0, 0)


def _listed(call: Call, kind: Kind) -> tuple[str, str, int]:
    return kind.resource.group, kind.resource.plural, _limit(call)


def _list_metadata(revision: str, continue_token: str, remaining: int | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resourceVersion": revision}
    if continue_token:
        metadata["continue"] = continue_token
    if continue_token and remaining:
        metadata["remainingItemCount"] = remaining
    return metadata


def _list_frame(kind: Kind, metadata: dict[str, Any]) -> Object:
    """A list without its items. Those of custom kinds always say how to go on."""
    if kind.custom is not None:
        metadata = {"continue": "", **metadata}
    return {"kind": kind.resource.kind + "List", "apiVersion": kind.resource.api_version, "metadata": metadata}


def _framed(frame: Object, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A list whose last field, still empty, gets the pieces."""
    head = msgspec.json.encode(frame)
    yield head[:-2]
    yield from pieces
    yield b"]}\n"
