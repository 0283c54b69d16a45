"""A local copy of the objects of one type, kept true by list and watch: what reconciles read instead of asking the server."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from typing import TypeAlias

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.errors import ApiError, Gone
from boatyard.machinery.meta.objects import Object, name, namespace
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.runtime.world import World

log = logging.getLogger(__name__)

IndexFunction: TypeAlias = Callable[[Object], Iterable[str]]
ChangeHandler: TypeAlias = Callable[[Object | None, Object | None], None]

PAGE_SIZE = 500
SHORTEST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.1, 30.0


_BARE = ("ownerReferences", "finalizers", "deletionTimestamp", "generation", "labels")


def bare(obj: Object, resource: Resource) -> Object:
    """What an object is, whose it is and whether it goes: its type and its metadata without annotations. Texts that all objects of
    a type or a namespace share are one text."""
    full = obj["metadata"]
    metadata: Object = {"name": full["name"], "uid": full.get("uid", ""), "resourceVersion": full.get("resourceVersion", "")}
    if "namespace" in full:
        metadata["namespace"] = sys.intern(full["namespace"])
    for field in _BARE:
        if field in full:
            metadata[field] = full[field]
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}


class Cache:
    """The objects of one resource type, optionally only of a namespace or those that selectors choose.

    Objects are shared by all readers: read-only. They come without their managed fields; where nobody wants more than to know
    what there is (``whole`` is False), only with :func:`bare` metadata. ``indexes`` map an object to the values under which
    :meth:`by_index` finds it.
    Nothing is in it before :meth:`run` runs; :meth:`synced` waits for the first whole list.
    """

    def __init__(
        self, client: Client, resource: Resource, world: World, *, namespace: str | None = None, label_selector: str = "",
        field_selector: str = "", indexes: Mapping[str, IndexFunction] | None = None, whole: bool = True,
    ) -> None:  # fmt: skip
        self.client, self.resource, self.world, self.whole = client, resource, world, whole
        self.namespace, self.label_selector, self.field_selector = namespace, label_selector, field_selector
        self._objects: dict[str, dict[str, Object]] = {}  # namespace -> name -> object
        self._index_functions: dict[str, IndexFunction] = {}
        self._indexes: dict[str, dict[str, dict[tuple[str, str], Object]]] = {}
        self._handlers: list[ChangeHandler] = []
        self._synced = asyncio.Event()
        self._revision = ""
        for index, function in (indexes or {}).items():
            self.add_index(index, function)

    def add_index(self, index: str, function: IndexFunction) -> None:
        """Keep one more index. The same name must mean the same function for everybody who shares this cache."""
        if index in self._index_functions:
            return
        self._index_functions[index] = function
        self._indexes[index] = {}
        for obj in self.list():
            self._index(index, None, obj)

    def on_change(self, handler: ChangeHandler) -> None:
        """Call ``handler(old, new)`` on every change (None: was not, or is no longer, there), and now for what is there already.

        It must not block; an exception of it is logged and holds nothing up.
        """
        self._handlers.append(handler)
        for obj in self.list():
            self._tell(handler, None, obj)

    async def synced(self) -> None:
        """Wait until the first list is in."""
        await self._synced.wait()

    @property
    def is_synced(self) -> bool:
        """Whether the first list is in."""
        return self._synced.is_set()

    def get(self, name: str, namespace: str | None = None) -> Object | None:
        """The object, or None."""
        objects = self._objects.get(namespace or "")
        return objects.get(name) if objects else None

    def list(self, namespace: str | None = None) -> list[Object]:
        """All objects, or those of one namespace. In no promised order, but the same one under the same seed."""
        if namespace is not None:
            return list(self._objects.get(namespace, {}).values())
        return [obj for objects in self._objects.values() for obj in objects.values()]

    def by_index(self, index: str, value: str) -> list[Object]:
        """The objects for which the index's function gave ``value``. Raises KeyError for an index that isn't kept."""
        return list(self._indexes[index].get(value, {}).values())

    async def run(self) -> None:
        """List and watch for ever. Only cancellation or a fault of ours ends it; failures of the server are retried."""
        failures = 0
        while True:
            try:
                if not self._revision:
                    await self._relist()
                before = self._revision
                await self._watch()
                # A server that ends watches at once would make this a busy loop: an end without news counts as a failure.
                failures = 0 if self._revision != before else failures + 1
            except Gone:
                self._revision = ""
                failures += 1
                if failures == 1:
                    continue
            except (ApiError, OSError, TimeoutError) as error:
                failures += 1
                log.warning("%s: can't watch: %s", self.resource.group_resource, error)
            if failures:
                ceiling = min(SHORTEST_RETRY_SECONDS * 2 ** min(failures - 1, 20), LONGEST_RETRY_SECONDS)
                await self.world.sleep(ceiling * (0.5 + self.world.random.random() / 2))

    async def _relist(self) -> None:
        again = bool(self._objects)
        items: list[Object] = []
        token = ""
        while True:
            page = await self.client.list(
                self.resource, self.namespace, label_selector=self.label_selector, field_selector=self.field_selector,
                limit=PAGE_SIZE, continue_token=token,
            )  # fmt: skip
            if again:
                # What went is told before what came.
                items += page.items
            else:
                self._take(page.items)
            token = page.continue_token
            if not token:
                break
            # A server in this process answers without a pause: others have their turn between the pages.
            await asyncio.sleep(0)
        found = {(namespace(obj), name(obj)) for obj in items}  # membership only
        for missing in [obj for obj in self.list() if (namespace(obj), name(obj)) not in found] if again else ():
            self._change(missing, None)
        self._take(items)
        self._revision = page.resource_version
        self._synced.set()

    def _take(self, items: Iterable[Object]) -> None:
        for obj in items if self.whole else (bare(obj, self.resource) for obj in items):
            metadata = obj["metadata"]
            old = self.get(metadata["name"], metadata.get("namespace"))
            if old is None or old["metadata"].get("resourceVersion") != metadata.get("resourceVersion"):
                self._change(old, obj)

    async def _watch(self) -> None:
        events = self.client.watch(
            self.resource, self.namespace, resource_version=self._revision, label_selector=self.label_selector,
            field_selector=self.field_selector,
        )  # fmt: skip
        async with aclosing(events):
            async for kind, obj in events:
                metadata = obj["metadata"]
                if not self.whole and kind != "BOOKMARK":
                    obj = bare(obj, self.resource)
                if kind == "DELETED":
                    old = self.get(metadata["name"], metadata.get("namespace"))
                    if old is not None:
                        self._change(obj, None)
                elif kind != "BOOKMARK":
                    self._change(self.get(metadata["name"], metadata.get("namespace")), obj)
                self._revision = metadata.get("resourceVersion") or self._revision

    def _change(self, old: Object | None, new: Object | None) -> None:
        metadata = (new or old or {})["metadata"]
        object_namespace, object_name = metadata.get("namespace", ""), metadata["name"]
        held = old
        if new is not None:
            # Half of an object, of which no reconcile wants to know.
            new["metadata"].pop("managedFields", None)
            self._objects.setdefault(object_namespace, {})[object_name] = new
        else:
            objects = self._objects[object_namespace]
            held = objects.pop(object_name, None)
            if not objects:
                del self._objects[object_namespace]
        for index in self._index_functions:
            self._index(index, held, new)
        for handler in self._handlers:
            self._tell(handler, old, new)

    def _index(self, index: str, old: Object | None, new: Object | None) -> None:
        values = self._indexes[index]
        before, after = self._values(index, old), self._values(index, new)
        if not before and not after:
            return
        metadata = (new or old or {})["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        for value in before:
            if value not in after:
                entries = values[value]
                entries.pop(key, None)
                if not entries:
                    del values[value]
        if new is not None:
            for value in after:
                values.setdefault(value, {})[key] = new

    def _values(self, index: str, obj: Object | None) -> tuple[str, ...]:
        if obj is None:
            return ()
        try:
            return tuple(dict.fromkeys(self._index_functions[index](obj)))
        except Exception:
            log.exception("index %s of %s %s/%s", index, self.resource.group_resource, namespace(obj), name(obj))
            return ()

    def _tell(self, handler: ChangeHandler, old: Object | None, new: Object | None) -> None:
        try:
            handler(old, new)
        except Exception:
            told = new or old or {}
            log.exception("a handler of %s failed for %s/%s", self.resource.group_resource, namespace(told), name(told))
