"""create: a new object, under the name asked for or a generated one."""

from __future__ import annotations

from dataclasses import replace

from boatyard.machinery.meta.core import EVENTS, NAMESPACES
from boatyard.machinery.meta.errors import AlreadyExists, BadRequest, Forbidden, already_exists, invalid
from boatyard.machinery.meta.objects import Object, deleting
from boatyard.machinery.patch.managers import Manager
from boatyard.machinery.registry import documents, keys, metadata, ownership
from boatyard.machinery.registry.admission import node_restriction
from boatyard.machinery.registry.advice import advice
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.shape import is_own, readable, rules_wrong, shape, status_fits
from boatyard.machinery.store.store import KeyConflict, Put

GENERATED_NAMES_TRIED = 8
_deleted = documents.field_reader("metadata.deletionTimestamp")


async def create(ledger: Ledger, request: Request, obj: Object) -> Object:
    """Store ``obj`` (the registry's from now on).

    Raises AlreadyExists, NotFound (no such namespace), Forbidden (the namespace terminates), Invalid.
    """
    _frame(request, obj)
    prefix = "" if obj["metadata"].get("name") else obj["metadata"].get("generateName", "")
    for left in range(GENERATED_NAMES_TRIED if prefix else 1, 0, -1):
        if prefix:
            obj["metadata"]["name"] = metadata.generated_name(prefix, ledger.world)
        candidate = documents.fresh(obj) if left > 1 else obj
        try:
            ownership.put(candidate, prepare(ledger, request, candidate))
            return await _write(ledger, request, candidate)
        except KeyConflict:
            if left == 1:
                raise _taken(ledger, request, candidate["metadata"]) from None
        finally:
            # After a commit the stored object holds what was reserved, and nothing is left to take back.
            request.kind.strategy.abandon(ledger, request.namespace, candidate["metadata"].get("name", ""))
    raise AssertionError("unreachable")


def _frame(request: Request, obj: Object) -> None:
    """As :func:`metadata.frame`; but whoever sends what can't be read is told so before that it belongs elsewhere."""
    warned = len(request.warnings)
    try:
        metadata.frame(request, obj)
    except metadata.Unread as error:
        if error.look_on:
            # One refusal tells all that can't be read.
            readable(request, obj)
        raise
    except BadRequest:
        del request.warnings[warned:]
        readable(request, obj)
        raise


async def create_instead(ledger: Ledger, request: Request, obj: Object, revision: str) -> Object:
    """:func:`create` for an update or an apply of what isn't there. The ``revision`` that it names means nothing,
    but must be one."""
    obj["metadata"].pop("resourceVersion", None)
    if revision and not revision.isdigit():
        raise BadRequest(f'metadata.resourceVersion: Invalid value: "{revision}": is no revision')
    made = await create(ledger, replace(request, subresource=""), obj)
    if revision and request.dry_run:
        made["metadata"]["resourceVersion"] = revision
    return made


def _taken(ledger: Ledger, request: Request, wanted: Object) -> AlreadyExists:
    name = wanted["name"]
    error = already_exists(request.kind.resource.group_resource, name)
    if wanted.get("generateName"):
        # As ``CheckGeneratedNameError`` of apiserver's ``registry/rest``: also where a name was given beside it.
        error.message += ", the server was not able to generate a unique name for the object"
        error.details["retryAfterSeconds"] = 1
    there = ledger.object(request.kind.resource, request.namespace, name)
    if there is not None and deleting(there):
        error.message = f"object is being deleted: {error.message}"
    return error


def prepare(ledger: Ledger, request: Request, obj: Object) -> list[Manager]:
    """All that happens to a new object between its decoding and its writing. Returns who owns what of it, which it doesn't hold."""
    kind, revision = request.kind, obj["metadata"].get("resourceVersion", "")
    entries = obj["metadata"].pop("managedFields", None)
    metadata.create(request, obj, ledger.world)
    if kind.terminating:
        resource, name = kind.resource.group_resource, obj["metadata"].get("name", "")
        told = f'{resource} "{name}" is forbidden: create not allowed while custom resource definition is terminating'
        raise Forbidden(told, {"name": name, "group": kind.resource.group, "kind": kind.resource.plural})
    dropped = obj.pop("status", None) if kind.has_status and kind.custom is not None else None
    fits = dropped is None or not is_own(request, obj) or status_fits(request, dropped)
    empty = ownership.emptied(request, obj)
    wrong = shape(request, obj)
    kind.strategy.read(obj)
    managers = ownership.after(request, obj, None, entries, empty, ledger.world.now()) if fits else []
    check_namespace(ledger, request, obj)
    metadata.check_kind(request, obj, wrong)
    node_restriction.restrict(request, obj)
    kind.strategy.prepare_create(ledger, request.caller, obj)
    wrong += rules_wrong(request, obj) + kind.strategy.validate_create(obj)
    if not wrong or kind.resource != EVENTS:  # whose own rules, in Kubernetes, know nothing of metadata
        wrong = metadata.validate(request, obj) + wrong
    if wrong:
        raise invalid(kind.resource.kind, kind.resource.group, obj["metadata"].get("name", ""), wrong)
    request.warnings += advice(kind, obj)
    if revision.isdigit() and not request.dry_run:
        raise BadRequest("resourceVersion should not be set on objects to be created")
    if revision and request.dry_run:
        # What a write would set stays as it was sent.
        obj["metadata"]["resourceVersion"] = revision
    request.authorizer.check_grant(request.caller, kind.resource, request.namespace, obj)
    return managers


async def _write(ledger: Ledger, request: Request, obj: Object) -> Object:
    key = keys.key(request.kind.resource, request.namespace, obj["metadata"]["name"])
    if request.dry_run:
        if ledger.store.get(key):
            raise KeyConflict(key, 0, 1)
        return obj
    revision = await ledger.commit([Put(key, documents.encode(obj), 0)])
    obj["metadata"]["resourceVersion"] = str(revision)
    return obj


def check_namespace(ledger: Ledger, request: Request, obj: Object) -> None:
    """Raises NotFound when the namespace isn't there, Forbidden when it is going."""
    if not request.kind.resource.namespaced:
        return
    name = obj["metadata"].get("name", "")
    if _deleted(ledger.record(NAMESPACES, None, request.namespace).value):
        told = (
            f'{request.kind.resource.group_resource} "{name}" is forbidden: unable to create new content in namespace '
            f"{request.namespace} because it is being terminated"
        )
        told_why = f"namespace {request.namespace} is being terminated"
        cause = {"reason": "NamespaceTerminating", "message": told_why, "field": "metadata.namespace"}
        raise Forbidden(told, {"name": name, "kind": request.kind.resource.plural, "causes": [cause]})
