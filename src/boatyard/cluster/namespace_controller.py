"""Empties a namespace that is being deleted, then lets it go."""

from __future__ import annotations

from boatyard.cluster.served_types import ServedTypes
from boatyard.machinery.meta.conditions import set_condition
from boatyard.machinery.meta.core import EVENTS, NAMESPACES
from boatyard.machinery.meta.errors import MethodNotAllowed, NotFound
from boatyard.machinery.meta.objects import Object, deleting, finalizers, name, uid
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.meta.timestamps import parse_time
from boatyard.machinery.runtime.controller import Controller, Request
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

CONTENT = "kubernetes"
"""In ``spec.finalizers`` while there may be content."""
SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 10.0


def controller(manager: Manager, settings: Settings) -> Controller:
    types = ServedTypes(manager)
    namespaces, client = manager.cache(NAMESPACES), manager.client

    async def reconcile(request: Request) -> float | None:
        namespace = namespaces.get(request.name)
        if namespace is None or not deleting(namespace) or CONTENT not in (namespace["spec"].get("finalizers") or ()):
            return None
        await types.synced()
        left: dict[Resource, list[Object]] = {}
        for resource in _in_order(types):
            if found := await _empty(resource, request.name):
                left[resource] = found
        if left:
            await _tell(namespace, left)
            # Nobody tells us of objects of all types: look again, less and less often.
            age = manager.world.now() - parse_time(namespace["metadata"]["deletionTimestamp"])
            return min(max(age / 4, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)
        kept = [finalizer for finalizer in namespace["spec"]["finalizers"] if finalizer != CONTENT]
        await client.update(NAMESPACES, {**namespace, "spec": {**namespace["spec"], "finalizers": kept}}, subresource="finalize")
        return None

    async def _empty(resource: Resource, where: str) -> list[Object]:
        """Delete what is there; what remains then."""
        for item in (await client.list(resource, where)).items:
            if not deleting(item):
                try:
                    await client.delete(resource, name(item), where, uid=uid(item))
                except (NotFound, MethodNotAllowed):
                    continue
        return (await client.list(resource, where)).items

    async def _tell(namespace: Object, left: dict[Resource, list[Object]]) -> None:
        counts = ", ".join(f"{r.plural}.{r.group} has {len(items)} resource instances" for r, items in left.items())
        held: dict[str, int] = {}
        for items in left.values():
            for item in items:
                for finalizer in finalizers(item):
                    held[finalizer] = held.get(finalizer, 0) + 1
        told = ", ".join(f"{finalizer} in {held[finalizer]} resource instances" for finalizer in sorted(held))
        status = namespace.get("status") or {}
        now = manager.world.now()
        remaining = f"Some resources are remaining: {counts}"
        conditions = set_condition(
            status.get("conditions"), "NamespaceContentRemaining", True, "SomeResourcesRemain", remaining, now
        )
        reason, message = "ContentHasNoFinalizers", "All content-preserving finalizers finished"
        if held:
            reason, message = "SomeFinalizersRemain", f"Some content in the namespace has finalizers remaining: {told}"
        conditions = set_condition(conditions, "NamespaceFinalizersRemaining", bool(held), reason, message, now)
        if conditions != status.get("conditions"):
            await client.patch(NAMESPACES, name(namespace), {"status": {"conditions": conditions}}, subresource="status")

    return Controller("namespace", NAMESPACES, reconcile, workers=4)


def _in_order(types: ServedTypes) -> list[Resource]:
    """Our own kinds first (their controllers still need the rest to clean up), events last (cleaning up makes some)."""
    return sorted(types.namespaced(), key=lambda resource: (resource == EVENTS, "." not in resource.group, resource))
