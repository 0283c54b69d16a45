"""The registry: every verb, for every kind, for a caller who may do it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from boatyard.machinery.client.client import ObjectList, PatchType, Propagation, WatchEvent
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES
from boatyard.machinery.meta.errors import BadRequest, MethodNotAllowed, NotFound
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry import (
    apply,
    collection,
    create,
    definition_cleanup,
    delete,
    documents,
    patch,
    read,
    reviews,
    update,
)
from boatyard.machinery.registry.authorizer import AllowAll, Authorizer, refusal
from boatyard.machinery.registry.bootstrap import bootstrap
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.core.types import core_type
from boatyard.machinery.registry.definitions import Definitions
from boatyard.machinery.registry.kinds import Kinds
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.list import Listing, Match, listing, reached
from boatyard.machinery.registry.request import FieldValidation, Request
from boatyard.machinery.registry.selection import Selection
from boatyard.machinery.registry.subresources import binding, eviction, scale, token
from boatyard.machinery.registry.tokens import TokenMinter
from boatyard.machinery.registry.watch import Batch, SinkOf, watch
from boatyard.machinery.runtime.world import World
from boatyard.machinery.store.store import Store

_ACTIONS = ("binding", "eviction", "token")
"""Subresources that are only posted to."""


class WriteOptions(TypedDict, total=False):
    """How to write; see :class:`~boatyard.machinery.registry.request.Request`."""

    field_manager: str
    dry_run: bool
    field_validation: FieldValidation
    warnings: list[str]


class Registry:
    """What the API means, over a store. Methods mirror :class:`~boatyard.machinery.client.client.Client`, the caller first.

    Documents handed in belong to the registry from then on; what it hands out belongs to the caller. ``listing`` and
    ``watch_batches`` are for servers that pass JSON on: they give stored documents undecoded (see
    :mod:`~boatyard.machinery.registry.documents`).
    """

    def __init__(self, store: Store, world: World, *, authorizer: Authorizer | None = None) -> None:
        self.kinds = Kinds()
        self.ledger = Ledger(store, world, self.kinds)
        self._definitions = Definitions(self.ledger, core_type)
        self.authorizer: Authorizer = authorizer or AllowAll()
        self.tokens: TokenMinter | None = None
        """Who signs service-account tokens, where there is one."""

    async def start(self) -> None:
        """Load custom kinds; make the namespaces that are always there. Once, before anything else."""
        self._definitions.load()
        self.ledger.addresses.load()
        await bootstrap(self.ledger)
        await definition_cleanup.finish_all(self.ledger)

    async def get(
        self, caller: Caller, resource: Resource, name: str, namespace: str | None = None, *, subresource: str | None = None,
        resource_version: str = "",
    ) -> Object:  # fmt: skip
        """``resource_version``: not older than this. It never is; ServerTimeout when it lies in the future."""
        request = self._request(caller, "get", resource, namespace, name, subresource)
        if subresource in (*_ACTIONS, "finalize"):
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        if resource_version:
            reached(self.ledger, resource_version)
        obj = read.get(self.ledger, resource, namespace, name)
        return scale.scale_of(request.kind, obj) if subresource == "scale" else obj

    def get_json(
        self, caller: Caller, resource: Resource, name: str, namespace: str | None = None, *, resource_version: str = ""
    ) -> bytes:
        """The object as :meth:`get` gives it, as JSON."""
        self._request(caller, "get", resource, namespace, name)
        if resource_version:
            reached(self.ledger, resource_version)
        return read.get_json(self.ledger, resource, namespace, name)

    async def list(
        self, caller: Caller, resource: Resource, namespace: str | None = None, *, label_selector: str = "",
        field_selector: str = "", limit: int | None = None, continue_token: str = "", resource_version: str = "", match: Match = "",
    ) -> ObjectList:  # fmt: skip
        found = self.listing(
            caller, resource, namespace, label_selector=label_selector, field_selector=field_selector, limit=limit,
            continue_token=continue_token, resource_version=resource_version, match=match,
        )  # fmt: skip
        # As in watches, without their managed fields: whoever keeps many keeps half as much.
        items = [documents.parted(record.value, record.modified)[1] for record in found.records]
        return ObjectList(items, str(found.revision), found.continue_token, found.remaining)

    def listing(
        self, caller: Caller, resource: Resource, namespace: str | None = None, *, label_selector: str = "",
        field_selector: str = "", limit: int | None = None, continue_token: str = "", resource_version: str = "", match: Match = "",
    ) -> Listing:  # fmt: skip
        selection = Selection.of(self.kinds.of(resource), label_selector, field_selector)
        kind = self._request(caller, "list", resource, namespace, selection.name, node=selection.node).kind
        return listing(
            self.ledger, kind, namespace, selection, limit=limit or 0, continue_token=continue_token,
            resource_version=resource_version, match=match,
        )  # fmt: skip

    async def watch(
        self, caller: Caller, resource: Resource, namespace: str | None = None, *, resource_version: str = "",
        label_selector: str = "", field_selector: str = "", bookmarks: bool = True, initial_end: bool = False,
    ) -> AsyncGenerator[WatchEvent, None]:  # fmt: skip
        batches = self.watch_batches(
            caller, resource, namespace, resource_version=resource_version, label_selector=label_selector,
            field_selector=field_selector, bookmarks=bookmarks, initial_end=initial_end,
        )  # fmt: skip
        async with aclosing(batches):
            async for batch in batches:
                for event in batch.events:
                    yield WatchEvent(event.type, event.object(resource))

    def watch_batches(
        self, caller: Caller, resource: Resource, namespace: str | None = None, *, resource_version: str = "",
        label_selector: str = "", field_selector: str = "", bookmarks: bool = True, initial_end: bool = False,
        sink: SinkOf | None = None,
    ) -> AsyncGenerator[Batch, None]:  # fmt: skip
        """Refusals are raised by the call itself, what happens later by the steps."""
        selection = Selection.of(self.kinds.of(resource), label_selector, field_selector)
        kind = self._request(caller, "watch", resource, namespace, selection.name, node=selection.node).kind
        return watch(
            self.ledger, kind, namespace, selection, resource_version=resource_version, bookmarks=bookmarks,
            initial_end=initial_end, sink=sink,
        )  # fmt: skip

    async def create(
        self, caller: Caller, resource: Resource, body: Object, namespace: str | None = None, *, name: str | None = None,
        subresource: str | None = None, **options: Unpack[WriteOptions],
    ) -> Object:  # fmt: skip
        where = namespace or _namespace_of(resource, body)
        request = self._request(caller, "create", resource, where, name, subresource, **options)
        if subresource:
            return await self._act(request, body)
        if not request.kind.stored:
            return reviews.answer(request, body, self.kinds, self.authorizer, self.tokens, self.ledger.world.now())
        request.name = ""  # the document alone names what is made, whatever address it is sent to
        return await create.create(self.ledger, request, body)

    async def _act(self, request: Request, body: Object) -> Object:
        """What is asked for by posting to an object."""
        if request.subresource == "binding":
            return await binding.bind(self.ledger, request, body)
        if request.subresource == "eviction":
            return await eviction.evict(self.ledger, request, body)
        if request.subresource == "token":
            return token.request_token(self.ledger, request, body, self.tokens)
        raise MethodNotAllowed("the server does not allow this method on the requested resource")

    async def update(
        self, caller: Caller, resource: Resource, body: Object, *, name: str = "", namespace: str | None = None,
        subresource: str | None = None, **options: Unpack[WriteOptions],
    ) -> Object:  # fmt: skip
        where = namespace or _namespace_of(resource, body)
        name = name or (body.get("metadata") or {}).get("name") or ""
        request = self._request(caller, "update", resource, where, name, subresource, **options)
        if subresource in _ACTIONS:
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        if subresource == "scale":
            return await scale.update_scale(self.ledger, request, body)
        if update.creates(request) and self.ledger.find(resource, where, name) is None:
            self._request(caller, "create", resource, where, name)
        return await self._after(request, await update.update(self.ledger, request, body))

    async def patch(
        self, caller: Caller, resource: Resource, name: str, difference: Any, namespace: str | None = None, *,
        type: PatchType = "merge", subresource: str | None = None, **options: Unpack[WriteOptions],
    ) -> Object:  # fmt: skip
        request = self._request(caller, "patch", resource, namespace, name, subresource, **options)
        if subresource in _ACTIONS or subresource == "finalize":
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        if subresource == "scale":
            return await scale.patch_scale(self.ledger, request, difference, type)
        return await self._after(request, await patch.patch(self.ledger, request, difference, type))

    async def apply(
        self, caller: Caller, resource: Resource, body: Object, *, name: str = "", namespace: str | None = None, force: bool = True,
        subresource: str | None = None, **options: Unpack[WriteOptions],
    ) -> Object:  # fmt: skip
        where = namespace or _namespace_of(resource, body)
        name = name or (body.get("metadata") or {}).get("name") or ""
        request = self._request(caller, "patch", resource, where, name, subresource, **options)
        if subresource not in (None, "", "status"):
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        if not name:
            raise BadRequest("metadata.name: Required value: what is applied must have a name")
        if not request.field_manager:
            raise BadRequest("fieldManager: Required value: is required for apply patch")
        if self.ledger.find(resource, where, name) is None:
            self._request(caller, "create", resource, where, name)
        request.applying = True
        return await self._after(request, await apply.apply(self.ledger, request, body, force))

    async def delete(
        self, caller: Caller, resource: Resource, name: str, namespace: str | None = None, *, uid: str = "",
        resource_version: str = "", propagation: Propagation | None = None, grace_period_seconds: int | None = None,
        dry_run: bool = False,
    ) -> Object:  # fmt: skip
        """``propagation`` None leaves it to the finalizers that the object has."""
        request = self._request(caller, "delete", resource, namespace, name, dry_run=dry_run)
        options = delete.DeleteOptions(uid, resource_version, propagation, grace_period_seconds)
        obj, gone = await delete.delete(self.ledger, request, options)
        await self._after(request, obj)
        return obj if not gone or request.kind.returns_deleted else delete.deleted_status(request, obj)

    async def delete_collection(
        self, caller: Caller, resource: Resource, namespace: str | None = None, *, label_selector: str = "",
        field_selector: str = "", uid: str = "", resource_version: str = "", propagation: Propagation | None = None,
        grace_period_seconds: int | None = None, dry_run: bool = False, limit: int = 0, continue_token: str = "",
    ) -> ObjectList:  # fmt: skip
        """The objects that were deleted or marked, as they were before; with ``limit`` a page of them."""
        request = self._request(caller, "deletecollection", resource, namespace, dry_run=dry_run)
        selection = Selection.of(request.kind, label_selector, field_selector)
        options = delete.DeleteOptions(uid, resource_version, propagation, grace_period_seconds)
        deleted, now = await collection.delete_collection(
            self.ledger, request, selection, options, limit=limit, continue_token=continue_token
        )
        for obj in now:
            await self._after(replace(request, name=obj["metadata"]["name"]), obj)
        return deleted

    async def _after(self, request: Request, obj: Object) -> Object:
        """A definition that is being deleted may have lost its last object by this write."""
        if request.dry_run:
            return obj
        resource = request.kind.resource
        ending = ""
        if request.kind.terminating:
            ending = resource.group_resource
        elif resource == CUSTOM_RESOURCE_DEFINITIONS and obj["metadata"].get("deletionTimestamp"):
            ending = request.name
        if ending:
            # A caller who goes away in the middle must not leave the definition half deleted.
            await asyncio.shield(asyncio.ensure_future(definition_cleanup.finish(self.ledger, ending)))
        return obj

    def _request(
        self, caller: Caller, verb: str, resource: Resource, namespace: str | None, name: str | None = None,
        subresource: str | None = None, *, node: str = "", **options: Unpack[WriteOptions],
    ) -> Request:  # fmt: skip
        """Check that the kind is served and the caller may; the frame of a request."""
        kind = self.kinds.of(resource)
        # A namespace is inside of itself: who has rights there may have them on it.
        inside = (name or "") if resource == NAMESPACES and verb not in ("list", "watch", "create") else (namespace or "")
        decision = self.authorizer.allows(caller, verb, resource, subresource or "", inside, name or "", node)
        if not decision.allowed:
            raise refusal(caller, verb, resource, subresource or "", inside, name or "", decision.reason)
        if subresource and subresource not in kind.subresources:
            raise NotFound("the server could not find the requested resource")
        if not kind.stored and verb != "create":
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        where = (namespace or "") if kind.resource.namespaced else ""
        return Request(caller, kind, where, name or "", subresource or "", authorizer=self.authorizer, **options)


def _namespace_of(resource: Resource, body: Any) -> str:
    if not resource.namespaced or not isinstance(body, dict):
        return ""
    metadata = body.get("metadata")
    return (metadata.get("namespace") or "") if isinstance(metadata, dict) else ""
