"""The garbage collector: what is owned goes when its owners have gone, in the way the owner's deletion asked for."""

from __future__ import annotations

from collections import OrderedDict

from boatyard.cluster.ownership import FOREGROUND, ORPHAN, OwnerState, decide, owner_uids
from boatyard.cluster.served_types import ServedTypes, resource_of
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS, EVENTS, STORED
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.objects import Object, deleting, finalizers, name, namespace, uid
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.meta.timestamps import parse_time
from boatyard.machinery.runtime.cache import Cache
from boatyard.machinery.runtime.controller import Controller, Request
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

UNOWNED = (EVENTS, CUSTOM_RESOURCE_DEFINITIONS)
"""Types that nobody owns: not followed."""
WORKERS = 8
REMEMBERED = 10_000
DEADLINE_SECONDS = 300.0
"""How long a foreground deletion may wait before it says what blocks it."""
INDEX = "owner-uid"


def controller(manager: Manager, settings: Settings) -> Controller:
    """Its requests name objects of all types: ``plural.group/name`` in a namespace."""
    collector = Collector(manager)
    made = Controller(
        "garbage-collector", CUSTOM_RESOURCE_DEFINITIONS, collector.reconcile, requests=lambda definition: (), workers=WORKERS
    )
    collector.follow_all(made)
    return made


class Collector:
    """Follows all types, finds dependents by their owners' uids, and proves an owner's absence before it deletes."""

    def __init__(self, manager: Manager) -> None:
        self.manager, self.client, self.world = manager, manager.client, manager.world
        self.recorder = manager.recorder("garbage-collector")
        self.types = ServedTypes(manager)
        self.caches: dict[str, tuple[Resource, Cache]] = {}
        self._absent: OrderedDict[str, None] = OrderedDict()  # uids never come back, so this is true for ever

    def follow_all(self, controller: Controller) -> None:
        """Hear of every object of every type, also of types that come and go."""
        self.controller = controller
        for resource in STORED:
            if resource not in UNOWNED:
                self._follow(resource)
        self.manager.cache(CUSTOM_RESOURCE_DEFINITIONS).on_change(self._definition_changed)

    def _definition_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            gone = resource_of(old)
            self.caches.pop(gone.group_resource, None)
            self.manager.drop(gone)
        elif old is None or resource_of(old) != resource_of(new):
            self._follow(resource_of(new))

    def _follow(self, resource: Resource) -> None:
        if resource.group_resource not in self.caches:
            cache = self.manager.cache(resource, indexes={INDEX: owner_uids}, whole=False)
            self.caches[resource.group_resource] = resource, cache
            cache.on_change(lambda old, new: self._changed(resource, old, new))

    def _changed(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            for dependent_resource, dependent in self._dependents(uid(old)):
                self._enqueue(dependent_resource, dependent)
            for reference in old["metadata"].get("ownerReferences") or ():
                self._enqueue_if_it_waits(reference, namespace(old))
            return
        metadata = new["metadata"]
        references = metadata.get("ownerReferences")
        for reference in (old["metadata"].get("ownerReferences") if old is not None else None) or ():
            if reference not in (references or ()):
                self._enqueue_if_it_waits(reference, metadata.get("namespace", ""))
        if metadata.get("deletionTimestamp"):
            held = metadata.get("finalizers") or ()
            if FOREGROUND in held or ORPHAN in held:
                self._enqueue(resource, new)
        elif (
            references
            and (old is None or old["metadata"].get("ownerReferences") != references)
            and not all(self._is_well(reference, metadata.get("namespace", "")) for reference in references)
        ):
            self._enqueue(resource, new)

    def _enqueue(self, resource: Resource, obj: Object) -> None:
        self.controller.enqueue(Request(namespace(obj), f"{resource.group_resource}/{name(obj)}"))

    def _enqueue_if_it_waits(self, reference: Object, where: str) -> None:
        resource, owner = self._cached_owner(reference, where)
        if resource is not None and owner is not None and deleting(owner):
            self._enqueue(resource, owner)

    def _is_well(self, reference: Object, where: str) -> bool:
        owner = self._cached_owner(reference, where)[1]
        return owner is not None and not deleting(owner)

    def _cached_owner(self, reference: Object, where: str) -> tuple[Resource | None, Object | None]:
        resource = self.types.of(reference.get("apiVersion", ""), reference.get("kind", ""))
        if resource is None or resource.group_resource not in self.caches:
            return resource, None
        owner = self.caches[resource.group_resource][1].get(reference["name"], where if resource.namespaced else None)
        return resource, owner if owner is not None and uid(owner) == reference["uid"] else None

    def _dependents(self, owner_uid: str) -> list[tuple[Resource, Object]]:
        return [(resource, obj) for resource, cache in self.caches.values() for obj in cache.by_index(INDEX, owner_uid)]

    async def reconcile(self, request: Request) -> float | None:
        """Converge one object."""
        group_resource, _, object_name = request.name.partition("/")
        resource, cache = self.caches.get(group_resource, (None, None))
        if resource is None or cache is None:
            return None
        obj = cache.get(object_name, request.namespace)
        if obj is None:
            return None
        if deleting(obj):
            if FOREGROUND in finalizers(obj):
                return await self._delete_dependents_first(resource, obj)
            if ORPHAN in finalizers(obj):
                return await self._let_dependents_go(resource, obj)
            return None
        owners: dict[str, OwnerState] = {}
        for reference in obj["metadata"].get("ownerReferences") or ():
            owners[reference["uid"]] = await self._state(obj, reference)
        decision = decide(obj, owners, bool(self._dependents(uid(obj))))
        if decision.delete:
            try:
                await self.client.delete(
                    resource, name(obj), namespace(obj) or None, uid=uid(obj), resource_version=obj["metadata"]["resourceVersion"],
                    propagation=decision.delete,
                )  # fmt: skip
            except NotFound:
                pass
        elif decision.release:
            await self._release(resource, obj, decision.release)
        return None

    async def _state(self, obj: Object, reference: Object) -> OwnerState:
        """What became of an owner: from the cache if it is there, else by asking for it now."""
        resource, owner = self._cached_owner(reference, namespace(obj))
        if resource is None:
            return "unknown"
        if resource.namespaced and not namespace(obj):
            # Asked first: that the owner is known to be gone must not take what it could never own.
            told = f"the owner {reference['kind']} {reference['name']} lies in a namespace, but this object does not"
            await self.recorder.event(obj, "Warning", "OwnerRefInvalidNamespace", told)
            return "unknown"
        if reference["uid"] in self._absent:
            return "absent"
        if owner is None:
            try:
                owner = await self.client.get(resource, reference["name"], namespace(obj) if resource.namespaced else None)
            except NotFound:
                owner = None
            if owner is None or uid(owner) != reference["uid"]:
                self._absent[reference["uid"]] = None
                if len(self._absent) > REMEMBERED:
                    self._absent.popitem(last=False)
                return "absent"
        return "waiting" if deleting(owner) and FOREGROUND in finalizers(owner) else "present"

    async def _delete_dependents_first(self, resource: Resource, owner: Object) -> float | None:
        if not all(cache.is_synced for _, cache in self.caches.values()):
            return 1.0
        blocking: list[str] = []
        for dependent_resource, dependent in self._dependents(uid(owner)):
            self._enqueue(dependent_resource, dependent)
            if any(r["uid"] == uid(owner) and r.get("blockOwnerDeletion") for r in dependent["metadata"]["ownerReferences"]):
                blocking.append(f"{dependent_resource.group_resource}/{name(dependent)}")
        if not blocking:
            await self._drop_finalizer(resource, owner, FOREGROUND)
            return None
        age = self.world.now() - parse_time(owner["metadata"]["deletionTimestamp"])
        if age < DEADLINE_SECONDS:
            return DEADLINE_SECONDS - age
        told = ", ".join(blocking[:10]) + (f" and {len(blocking) - 10} more" if len(blocking) > 10 else "")
        await self.recorder.event(owner, "Warning", "DeletionBlocked", f"still there: {told}")
        return DEADLINE_SECONDS

    async def _let_dependents_go(self, resource: Resource, owner: Object) -> float | None:
        if not all(cache.is_synced for _, cache in self.caches.values()):
            return 1.0
        for dependent_resource, dependent in self._dependents(uid(owner)):
            await self._release(dependent_resource, dependent, (uid(owner),))
        await self._drop_finalizer(resource, owner, ORPHAN)
        return None

    async def _release(self, resource: Resource, obj: Object, uids: tuple[str, ...]) -> None:
        kept = [reference for reference in obj["metadata"]["ownerReferences"] if reference["uid"] not in uids]
        await self._change(resource, obj, {"ownerReferences": kept or None})

    async def _drop_finalizer(self, resource: Resource, obj: Object, finalizer: str) -> None:
        kept = [held for held in finalizers(obj) if held != finalizer]
        await self._change(resource, obj, {"finalizers": kept or None})

    async def _change(self, resource: Resource, obj: Object, metadata: Object) -> None:
        change = {"metadata": {**metadata, "uid": uid(obj), "resourceVersion": obj["metadata"]["resourceVersion"]}}
        try:
            await self.client.patch(resource, name(obj), change, namespace(obj) or None)
        except NotFound:
            pass
