"""The end of a CustomResourceDefinition: first its objects, then itself."""

from __future__ import annotations

from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.objects import Object, deleting, finalizers
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry import keys
from boatyard.machinery.registry.caller import SYSTEM
from boatyard.machinery.registry.definitions import CLEANUP, storage_version
from boatyard.machinery.registry.delete import DeleteOptions, delete
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.write import modify


async def finish_all(ledger: Ledger) -> None:
    """Go on with every deletion that a stop of the program interrupted."""
    for record in ledger.store.range(keys.prefix(CUSTOM_RESOURCE_DEFINITIONS)).records:
        await finish(ledger, keys.place(record.key)[1])


async def finish(ledger: Ledger, name: str) -> None:
    """Delete the objects of a definition that is being deleted; let it go once none is left.

    Objects with finalizers stay until those are gone: this is called again when the last of them goes.
    """
    definition = ledger.object(CUSTOM_RESOURCE_DEFINITIONS, None, name)
    if definition is None or not deleting(definition) or CLEANUP not in finalizers(definition):
        return
    spec = definition["spec"]
    resource = Resource(
        spec["group"], storage_version(spec)["name"], spec["names"]["plural"], spec["names"]["kind"], spec["scope"] == "Namespaced"
    )
    kind = ledger.kinds.find(resource.group, resource.version, resource.plural) or Kind(resource)
    for record in ledger.store.range(keys.prefix(resource)).records:
        try:
            await delete(ledger, Request(SYSTEM, kind, *keys.place(record.key)), DeleteOptions())
        except NotFound:
            continue
    if not ledger.store.range(keys.prefix(resource), limit=1).records:
        await _let_go(ledger, name)


async def _let_go(ledger: Ledger, name: str) -> None:
    def without_finalizer(definition: Object) -> Object:
        metadata = definition["metadata"]
        metadata["finalizers"] = [finalizer for finalizer in finalizers(definition) if finalizer != CLEANUP]
        del metadata["resourceVersion"]
        return definition

    try:
        await modify(ledger, Request(SYSTEM, ledger.kinds.of(CUSTOM_RESOURCE_DEFINITIONS), "", name), without_finalizer)
    except NotFound:
        return
