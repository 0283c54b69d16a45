"""Changing an object that exists: the one way that update, patch and apply go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS, PODS
from boatyard.machinery.meta.errors import Conflict, invalid
from boatyard.machinery.meta.objects import Object, same
from boatyard.machinery.patch.managers import Manager, managers_in, same_owners
from boatyard.machinery.registry import documents, keys, metadata, ownership
from boatyard.machinery.registry.admission import node_restriction
from boatyard.machinery.registry.advice import advice
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.shape import dropped_fits, readable, rules_wrong, shape, status_fits
from boatyard.machinery.store.store import Delete, KeyConflict, Put, Record

RBAC = "rbac.authorization.k8s.io"
ATTEMPTS = 20
"""Times that a change is made anew when others write the same object at the same time."""

Change: TypeAlias = Callable[[Object], Object]
"""From the live object, without its managed fields (``request.managers``), to the wanted one. It may change and return its
argument, which is a copy of its own."""


async def modify(ledger: Ledger, request: Request, change: Change) -> Object:
    """Read, change, check and write. Raises NotFound, Conflict, Invalid.

    Conflict only when the wanted object names a resourceVersion that is no longer current, or after many attempts.
    """
    for _ in range(ATTEMPTS):
        record = ledger.record(request.kind.resource, request.namespace, request.name)
        entries, live = documents.parted(record.value, record.modified)
        owners = request.managers = managers_in(entries)
        wanted = change(live)
        conditional = bool(wanted.get("metadata", {}).get("resourceVersion"))
        try:
            return await _write(ledger, request, record, wanted, owners)
        except KeyConflict:
            if conditional:
                break
        finally:
            request.kind.strategy.abandon(ledger, request.namespace, request.name)
    raise metadata.modified(request)


async def _write(ledger: Ledger, request: Request, record: Record, wanted: Object, owners: list[Manager]) -> Object:
    old = documents.parted(record.value, record.modified)[1]
    managers = prepare(ledger, request, wanted, old)
    unchanged = (managers is owners or same_owners(managers, owners)) and same(wanted, old)
    ownership.put(wanted, owners if unchanged else managers)
    done = done_deleting(request, wanted)
    if request.dry_run or (unchanged and not done):
        return wanted
    key = keys.key(request.kind.resource, request.namespace, request.name)
    if done:
        await ledger.commit([Delete(key, record.modified)])
        # It was never stored as it is now: what there is to see of it has the revision that it had.
        return wanted
    revision = await ledger.commit([Put(key, documents.encode(wanted), record.modified)])
    wanted["metadata"]["resourceVersion"] = str(revision)
    return wanted


def prepare(ledger: Ledger, request: Request, obj: Object, old: Object) -> list[Manager]:
    """All that happens to a changed object between its decoding and its writing. Returns who owns what then; neither ``obj``, from
    then on, nor ``old`` holds managed fields."""
    kind = request.kind
    metadata.frame(request, obj)
    entries = obj["metadata"].pop("managedFields", None)
    sent, empty = metadata.known(obj), ownership.emptied(request, obj)
    try:
        immutable = metadata.update(request, obj, old)
    except Conflict:
        # Whoever sends what can't be read is told so first.
        readable(request, obj)
        raise
    if request.subresource == "status" and kind.custom is not None:
        immutable = []  # none of whose metadata is written
    fits = _keep_other_half(request, obj, old)
    wrong = kind.strategy.validate_sent(obj, old)
    wrong += shape(request, obj, old)
    kind.strategy.read(obj)
    managers = request.managers
    if request.subresource != "binding":
        if kind.custom is None and "labels" in obj["metadata"]:
            # Defaults are part of what is said.
            sent["labels"] = obj["metadata"]["labels"]
        whole = {**obj, "metadata": sent}
        managers = ownership.after(request, whole, old, entries, empty, ledger.world.now()) if fits else []
    metadata.check_kind(request, obj, wrong, immutable)
    node_restriction.restrict(request, obj, old)
    kind.strategy.prepare_update(ledger, request.caller, obj, old, request.subresource)
    if kind.generation and not request.subresource and _wants_more(request, obj, old):
        obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
    wrong = immutable + metadata.validate(request, obj, new=False) + metadata.validate_update(obj, old) + wrong
    wrong += rules_wrong(request, obj, old)
    wrong += kind.strategy.validate_update(obj, old, request.subresource)
    if wrong:
        raise invalid(kind.resource.kind, kind.resource.group, request.name, wrong)
    if not request.subresource:
        request.warnings += advice(kind, obj, old)
    if kind.resource.group == RBAC and not _only_ending(obj, old):
        request.authorizer.check_grant(request.caller, kind.resource, request.namespace, obj, asked_name=request.name)
    return managers


def _only_ending(obj: Object, old: Object) -> bool:
    """Whether nothing changes but what the end of an object needs: who may do that need not hold the rights that a role gives."""

    ours = ("finalizers", "ownerReferences", "resourceVersion")

    def rest(one: Object) -> Object:
        metadata = {field: value for field, value in one["metadata"].items() if field not in ours}
        return {**one, "metadata": metadata}

    return rest(obj) == rest(old)


def _keep_other_half(request: Request, obj: Object, old: Object) -> bool:
    """A write to ``status`` leaves everything else, a write to the object leaves the status. Whether what was said of the other
    half is of its types, so that whose it is can be told.

    ``binding`` comes from the registry itself and may change both.
    """
    if request.subresource == "finalize":
        wanted, metadata = (obj.get("spec") or {}).get("finalizers") or [], obj["metadata"]
        obj.clear()
        obj.update({**old, "metadata": metadata, "spec": {**(old.get("spec") or {}), "finalizers": wanted}})
    elif request.subresource == "approval":
        conditions = (obj.get("status") or {}).get("conditions")
        metadata = obj["metadata"]
        obj.clear()
        obj.update({**old, "metadata": metadata, "status": {**(old.get("status") or {}), "conditions": conditions or []}})
    elif request.subresource == "status":
        fits = request.kind.custom is None or _left_fits(request, obj, old)
        for field in [field for field in obj if field not in old and field != "status"]:
            del obj[field]
        for field, value in old.items():
            if field == "metadata":
                obj[field] = _status_metadata(request, obj[field], value)
            elif field != "status":
                obj[field] = value
        return fits
    elif request.kind.has_status and not request.subresource:
        status = obj.get("status")
        fits = status is None or status == old.get("status") or status_fits(request, status)
        if "status" in old:
            obj["status"] = old["status"]
        else:
            obj.pop("status", None)
        return fits
    return True


def _left_fits(request: Request, obj: Object, old: Object) -> bool:
    """Whether what a write to a custom object's status says of the rest is of its kind and types."""
    if obj["kind"] != request.kind.resource.kind or obj["apiVersion"] != request.kind.resource.api_version:
        return False
    kept = ("metadata", "status", "apiVersion", "kind")
    part = {field: value for field, value in obj.items() if field not in kept and value != old.get(field)}
    return not part or dropped_fits(request, part)


def _status_metadata(request: Request, new: Object, old: Object) -> Object:
    """Custom kinds and definitions keep all metadata on a status write; core ones let labels, annotations, finalizers and, but for
    pods, owners change."""
    if request.kind.custom is not None or request.kind.resource == CUSTOM_RESOURCE_DEFINITIONS:
        return {**old}
    if request.kind.resource != PODS:
        return new
    kept = {field: value for field, value in new.items() if field != "ownerReferences"}
    if "ownerReferences" in old:
        kept["ownerReferences"] = old["ownerReferences"]
    return kept


def _wants_more(request: Request, obj: Object, old: Object) -> bool:
    """Whether anything changed that a controller should act on: all but metadata and, where it is apart, status."""
    if request.kind.generation_of_labels and obj["metadata"].get("labels") != old["metadata"].get("labels"):
        return True
    apart = ("metadata", "status") if request.kind.has_status else ("metadata",)
    return not same({k: v for k, v in obj.items() if k not in apart}, {k: v for k, v in old.items() if k not in apart})


def done_deleting(request: Request, obj: Object) -> bool:
    """Whether nothing keeps a deleted object any longer."""
    meta = obj["metadata"]
    return bool(
        meta.get("deletionTimestamp")
        and not meta.get("finalizers")
        and not meta.get("deletionGracePeriodSeconds")
        and not request.kind.strategy.holds(obj)
    )
