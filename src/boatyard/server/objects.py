"""The verbs on stored objects: get, list, create, update, patch, apply, delete, delete of a collection."""

from __future__ import annotations

from aiohttp import web

from boatyard.machinery.meta.errors import (
    ApiError,
    BadRequest,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    UnsupportedMediaType,
    not_found,
)
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.patch import NOT_STRATEGIC
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.registry.selection import Selection
from boatyard.server import body, sent
from boatyard.server.answers import answer, raw
from boatyard.server.call import Call
from boatyard.server.delete_options import delete_options
from boatyard.server.discovery import verbs_of
from boatyard.server.list_options import limit, read
from boatyard.server.lists import WIDEST, Lists, deleted
from boatyard.server.long_answers import LongAnswer
from boatyard.server.media import acceptable
from boatyard.server.path import ResourcePath
from boatyard.server.tables import Tables, included

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Objects:
    """Endpoints of one registry."""

    def __init__(self, registry: Registry, tables: Tables) -> None:
        self._registry, self._tables = registry, tables
        self._lists = Lists(registry, tables)

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
            sent.check_patch(call, kind)
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
            return self._lists.answer(call, kind, path)
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
        return self._lists.width(call, kind)

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

    async def _create(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response:
        body.check_type(call.request)
        options, document = call.writing(), await sent.document(call, kind, path)
        obj = await self._registry.create(
            call.caller, kind.resource, document, path.namespace or None, name=path.name or None,
            subresource=path.subresource or None, **options,
        )  # fmt: skip
        return self._object(call, kind, obj, 201)

    async def _update(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response:
        options, document = call.writing(), await sent.document(call, kind, path)
        existed = self._exists(kind, path)
        obj = await self._registry.update(
            call.caller, kind.resource, document, name=path.name, namespace=path.namespace or None,
            subresource=path.subresource or None, **options,
        )  # fmt: skip
        return self._object(call, kind, obj, 200 if existed else 201)

    def _exists(self, kind: Kind, path: ResourcePath) -> bool:
        return self._registry.ledger.find(kind.resource, path.namespace or None, path.name) is not None

    async def _patch(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response:
        type = body.content_type(call.request)
        data = await body.read(call.request)
        if type in sent.APPLIES:
            return await self._apply(call, kind, path, data)
        options = call.writing()
        try:
            difference, told = sent.difference(call, sent.PATCHES[type], data)
        except ApiError:
            if not self._exists(kind, path):
                # Who isn't there can't be patched, whatever the patch is.
                raise not_found(kind.resource.group_resource, path.name) from None
            raise
        if self._exists(kind, path):
            call.warnings += told
        obj = await self._registry.patch(
            call.caller, kind.resource, path.name, difference, path.namespace or None, type=sent.PATCHES[type],
            subresource=path.subresource or None, **options,
        )  # fmt: skip
        return self._object(call, kind, obj)

    async def _apply(self, call: Call, kind: Kind, path: ResourcePath, data: bytes) -> web.Response:
        options = call.writing(applying=True)
        document = sent.applied(call, data)
        existed = self._exists(kind, path)
        obj = await self._registry.apply(
            call.caller, kind.resource, document, name=path.name, namespace=path.namespace or None,
            subresource=path.subresource or None, force=call.flag("force"), **options,
        )  # fmt: skip
        return self._object(call, kind, obj, 200 if existed else 201)

    async def _delete(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response:
        options = await delete_options(call, kind)
        obj = await self._registry.delete(call.caller, kind.resource, path.name, path.namespace or None, **options.deletion)
        if obj.get("kind") == "Status":
            return answer(obj, type=call.form().type)
        # As Kubernetes has it for clients from before there were policies: what isn't gone yet was only accepted.
        return self._object(call, kind, obj, 202 if options.dependents_too and self._exists(kind, path) else 200)

    async def _delete_collection(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response:
        read(call)
        Selection.of(kind, field_selector=call.query.get("fieldSelector", ""))
        options = await delete_options(call, kind)
        found = await self._registry.delete_collection(
            call.caller, kind.resource, path.namespace or None, label_selector=call.query.get("labelSelector", ""),
            field_selector=call.query.get("fieldSelector", ""), limit=limit(call), continue_token=call.query.get("continue", ""),
            **options.deletion,
        )  # fmt: skip
        return deleted(call, kind, found)

    def _object(self, call: Call, kind: Kind, obj: Object, status: int = 200) -> web.Response:
        """One object in the form asked for."""
        form = call.form()
        if form.transform.endswith("List"):
            raise NotAcceptable(f"you requested {form.transform}, but the requested object is not a list ({kind.resource.kind})")
        if form.transform:
            obj = self._tables.one(form, kind, obj, included(call))
        return answer(obj, status, form.type)


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
