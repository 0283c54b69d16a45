"""Deletes all objects of a custom kind before its definition goes."""

from __future__ import annotations

from boatyard.cluster.served_types import resource_of
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.objects import deleting, finalizers, name, namespace, uid
from boatyard.machinery.runtime.controller import Controller, Request
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
RETRY_SECONDS = 1.0


def controller(manager: Manager, settings: Settings) -> Controller:
    definitions, client = manager.cache(CUSTOM_RESOURCE_DEFINITIONS), manager.client

    async def reconcile(request: Request) -> float | None:
        definition = definitions.get(request.name)
        if definition is None or not deleting(definition) or CLEANUP not in finalizers(definition):
            return None
        resource = resource_of(definition)
        try:
            for item in (await client.list(resource)).items:
                if not deleting(item):
                    await client.delete(resource, name(item), namespace(item) or None, uid=uid(item))
            if (await client.list(resource)).items:
                return RETRY_SECONDS
        except NotFound:
            return RETRY_SECONDS  # one went by itself meanwhile, or the kind is just being taken in: look again
        kept = [finalizer for finalizer in finalizers(definition) if finalizer != CLEANUP]
        change = {"metadata": {"finalizers": kept or None, "resourceVersion": definition["metadata"]["resourceVersion"]}}
        await client.patch(CUSTOM_RESOURCE_DEFINITIONS, request.name, change)
        return None

    return Controller("definition", CUSTOM_RESOURCE_DEFINITIONS, reconcile)
