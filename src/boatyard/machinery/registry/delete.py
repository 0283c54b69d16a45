"""delete: asked for at once, done when nothing keeps the object any longer."""

from __future__ import annotations

from dataclasses import dataclass

from boatyard.machinery.client.client import Propagation
from boatyard.machinery.meta.core import NAMESPACES
from boatyard.machinery.meta.errors import conflict
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import parse_time, rfc3339
from boatyard.machinery.registry import documents, keys
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.metadata import modified
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.write import ATTEMPTS, done_deleting
from boatyard.machinery.store.store import Delete, KeyConflict, Put, Record

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
"""Finalizers that the garbage collector takes away when dependents are gone, or no longer dependent."""


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How to delete. ``propagation`` None leaves the object's own finalizers to say it."""

    uid: str = ""
    resource_version: str = ""
    propagation: Propagation | None = None
    grace_period_seconds: int | None = None


async def delete(ledger: Ledger, request: Request, options: DeleteOptions) -> tuple[Object, bool]:
    """Delete, or mark for deletion. Returns the object and whether it is gone. Raises NotFound, Conflict (preconditions)."""
    for _ in range(ATTEMPTS):
        record = ledger.record(request.kind.resource, request.namespace, request.name)
        try:
            return await _delete(ledger, request, options, record)
        except KeyConflict:
            continue
    raise modified(request)


async def _delete(ledger: Ledger, request: Request, options: DeleteOptions, record: Record) -> tuple[Object, bool]:
    key = keys.key(request.kind.resource, request.namespace, request.name)
    obj = documents.decode(record.value, record.modified)
    _check(request, options, obj)
    ends = obj["metadata"].get("deletionTimestamp")
    changed = _mark(ledger, request, options, obj)
    gone = done_deleting(request, obj) and bool(ends or not request.kind.strategy.marked_first)
    # What is marked by this very call may be told so; what was marked before is told as it is stored.
    unmarked = gone and (not request.kind.strategy.tells_deletion or obj["metadata"]["deletionTimestamp"] == ends)
    if request.dry_run or not (changed or gone):
        return documents.decode(record.value, record.modified) if unmarked else obj, gone
    if gone:
        revision = await ledger.commit([Delete(key, record.modified)])
        if unmarked:
            obj = documents.decode(record.value, revision)
        obj["metadata"]["resourceVersion"] = str(revision)
    else:
        revision = await ledger.commit([Put(key, documents.encode(obj), record.modified)])
        obj["metadata"]["resourceVersion"] = str(revision)
    return obj, gone


def _check(request: Request, options: DeleteOptions, obj: Object) -> None:
    meta, resource = obj["metadata"], request.kind.resource
    told = ""
    if resource == NAMESPACES:
        if options.uid and options.uid != meta["uid"]:
            told = f"Precondition failed: UID in precondition: {options.uid}, UID in object meta: {meta['uid']}"
        elif options.resource_version and options.resource_version != meta["resourceVersion"]:
            said = f"ResourceVersion in precondition: {options.resource_version}"
            told = f"Precondition failed: {said}, ResourceVersion in object meta: {meta['resourceVersion']}"
        if told:
            raise conflict(resource.group_resource, request.name, told)
        return
    if options.uid and options.uid != meta["uid"]:
        told = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({meta['uid']}). "
            "The object might have been deleted and then recreated"
        )
    elif options.resource_version and options.resource_version != meta["resourceVersion"]:
        told = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the ResourceVersion in record "
            f"({meta['resourceVersion']}). The object might have been modified"
        )
    if told:
        raise conflict(f"{resource.kind}.{resource.group}" if resource.group else resource.kind, request.name, told)


def _mark(ledger: Ledger, request: Request, options: DeleteOptions, obj: Object) -> bool:
    """Make ``obj`` say that it is to be deleted. Whether that changed anything."""
    meta = obj["metadata"]
    strategy = request.kind.strategy
    finalizers = meta.get("finalizers") or []
    if meta.get("deletionTimestamp") and strategy.holds(obj):
        # It ends already: nothing that is asked for changes that.
        return False
    wanted = _finalizers(finalizers, options.propagation if request.kind.collected else None)
    changed = wanted != finalizers
    if wanted:
        meta["finalizers"] = wanted
    else:
        meta.pop("finalizers", None)
    grace = strategy.delete_grace_seconds(obj, options.grace_period_seconds)
    if meta.get("deletionTimestamp"):
        # Whoever asks again may only make it shorter.
        before = meta.get("deletionGracePeriodSeconds")
        if before is None:
            # What marks a namespace leaves it out, and whoever asks again puts it in.
            meta["deletionGracePeriodSeconds"] = grace
            return True
        if grace < before:
            meta["deletionTimestamp"] = rfc3339(parse_time(meta["deletionTimestamp"]) - before + grace)
            meta["deletionGracePeriodSeconds"] = grace
            changed = True
        return changed
    meta["deletionTimestamp"] = rfc3339(ledger.world.now() + grace)
    meta["deletionGracePeriodSeconds"] = grace
    if meta.get("generation") and request.kind.resource != NAMESPACES:
        meta["generation"] += 1
    strategy.prepare_delete(ledger, obj)
    return True


def _finalizers(finalizers: list[str], propagation: Propagation | None) -> list[str]:
    if propagation is None:
        return finalizers
    kept = [finalizer for finalizer in finalizers if finalizer not in (FOREGROUND, ORPHAN)]
    if propagation == "Foreground":
        return [*kept, FOREGROUND]
    if propagation == "Orphan":
        return [*kept, ORPHAN]
    return kept


def deleted_status(request: Request, obj: Object) -> Object:
    """What a delete answers for kinds that don't answer with the object."""
    resource = request.kind.resource
    details = {"name": request.name, "group": resource.group, "kind": resource.plural, "uid": obj["metadata"].get("uid", "")}
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {field: value for field, value in details.items() if value},
    }  # fmt: skip
