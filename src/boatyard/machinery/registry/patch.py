"""patch: a change said as a difference."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.client.client import PatchType
from boatyard.machinery.meta.errors import ApiError, BadRequest, UnsupportedMediaType
from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.patch.json_patch import json_patch
from boatyard.machinery.patch.managers import written
from boatyard.machinery.patch.merge_patch import without_nulls
from boatyard.machinery.patch.strategic_patch import strategic_patch
from boatyard.machinery.patch.written import put
from boatyard.machinery.registry import documents, metadata
from boatyard.machinery.registry.go_text import Unreadable, refused
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.shape import readable, tell_unknown
from boatyard.machinery.registry.write import Change, modify


async def patch(ledger: Ledger, request: Request, difference: Any, type: PatchType) -> Object:
    """Apply a patch to the stored object. Made anew when others write meanwhile, unless it names a resourceVersion."""

    request.difference = difference
    if type == "strategic" and request.kind.custom is not None:
        raise UnsupportedMediaType(NOT_STRATEGIC)

    told = len(request.warnings)
    try:
        return await modify(ledger, request, _changing(request, type))
    except ApiError as error:
        _read_first(ledger, request, error, type, told)
        raise


def _changing(request: Request, type: PatchType) -> Change:
    difference = request.difference

    def change(live: Object) -> Object:
        before = live["metadata"]["resourceVersion"]
        wanted = _outcome(request, live, type)
        unversioned = _is_of_no_version(wanted, type)
        if unversioned and request.kind.custom is None:
            _unreadable_members(request, wanted)
        found = wanted.get("metadata")
        if found is not None and not isinstance(found, dict):
            metadata.frame(request, wanted)  # which refuses it
        if unversioned and _means_another(wanted, before):
            raise metadata.modified(request)
        metadata.check_name({} if unversioned else found or {}, request.name)
        metadata.conditional(request, wanted)
        if wanted["metadata"].get("resourceVersion") == before and not _names_revision(difference):
            del wanted["metadata"]["resourceVersion"]
        return wanted

    return change


def _read_first(ledger: Ledger, request: Request, error: ApiError, type: PatchType, told: int) -> None:
    """Before anything else is judged a patched object is read: raises what is wrong with that, rather than the error that came up.
    Who is told of unknown fields, and of fields that the patch has twice, patched something that could be read.

    ``told``: how many warnings there were before.
    """
    record = ledger.find(request.kind.resource, request.namespace, request.name)
    if record is None or (isinstance(error, Unreadable) and not error.look_on):
        request.warnings.clear()
        return
    try:
        wanted = _outcome(request, documents.parted(record.value, record.modified)[1], type)
        if request.kind.custom is None and _is_of_no_version(wanted, type):
            return
        later = request.warnings[told:]
        if isinstance(wanted.get("metadata"), dict):
            _frame(request, copied(wanted))
        del request.warnings[told:]
        readable(request, wanted)
        request.warnings += [warning for warning in later if warning not in request.warnings]
    except ApiError:
        request.warnings.clear()
        raise


def _frame(request: Request, wanted: Object) -> None:
    """Raise what makes it another object, or metadata unreadable that nobody else judges."""
    try:
        metadata.frame(request, wanted)
    except BadRequest:
        pass
    except Unreadable as wrong:
        if not wrong.look_on:
            raise


def _outcome(request: Request, live: Object, type: PatchType) -> Object:
    """What the patch makes of the object."""
    if _names_managers(request.difference):
        live["metadata"]["managedFields"] = documents.fresh(written(request.managers))
    if type == "merge" and isinstance(request.difference, list) and request.field_validation == "Ignore":
        # It is looked into for fields that are there twice where somebody cares for them; else it replaces the object.
        raise refused(request.difference, "a list is no object")
    wanted = patched(request.kind, live, request.difference, type)
    _check_type(request, wanted, type)
    return wanted


def _is_of_no_version(wanted: Object, type: PatchType) -> bool:
    """Whether a patch took the version away: of a core object nothing can be read then, not even its metadata."""
    return type != "strategic" and not wanted.get("apiVersion")


def _unreadable_members(request: Request, wanted: Object) -> None:
    """Tell of what no version knows, which is all. Raises BadRequest, as there is no name among it either."""
    tell_unknown(request, sorted(wanted.keys() - {"apiVersion", "kind"}))
    metadata.check_name({}, request.name)


def _means_another(wanted: Object, before: str) -> bool:
    """Whether a patched object names a revision, and not the one that it has."""
    found = wanted.get("metadata")
    return isinstance(found, dict) and bool(found.get("name")) and found.get("resourceVersion") not in (None, "", "0", before)


def _check_type(request: Request, wanted: Object, type: PatchType) -> None:
    """What a patch may make of apiVersion and kind: a core object is what its address says, a custom one what it says itself, and
    judged for it only with the rest."""
    resource = request.kind.resource
    if type == "strategic":
        for member, expected in (("apiVersion", resource.api_version), ("kind", resource.kind)):
            if isinstance(wanted.get(member), str):
                wanted[member] = expected
        return
    _texts(request, wanted)
    if request.kind.custom is None:
        return
    if not wanted.get("kind"):
        raise refused(request.difference, "the object has no kind")
    if (version := wanted.get("apiVersion") or "").count("/") > 1:
        raise refused(request.difference, f"{version} is no API version")


def _texts(request: Request, wanted: Object) -> None:
    """Raises Invalid for an apiVersion or a kind that can't be one."""
    for member in ("apiVersion", "kind"):
        if not isinstance(wanted.get(member), str | None):
            raise refused(request.difference, f"{member} must be a text")


def patched(kind: Kind, live: Object, difference: Any, type: PatchType) -> Object:
    """The object with the patch applied. ``live`` is the caller's own copy and may become the result."""
    if type == "json":
        found = json_patch(live, difference, kind.schema() if kind.custom is None else None)
        if not isinstance(found, dict):
            raise refused(difference, "a list is no object")
        return found
    if difference is None and type == "strategic":
        difference = {}
    if not isinstance(difference, dict):
        raise BadRequest(f"a {type} patch must be an object")
    types = kind.schema()
    if type == "merge":
        if kind.custom is None and types is not None and not difference.get("apiVersion", "kept"):
            put(types, live)  # without a version nothing of it can be read, and is told so
        _merge(live, difference)
        return live
    if kind.custom is not None or types is None:
        raise UnsupportedMediaType(NOT_STRATEGIC)
    return strategic_patch(live, difference, types)


NOT_STRATEGIC = (
    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
    "application/merge-patch+json, application/apply-patch+yaml"
)


def _merge(target: Object, difference: Object) -> None:
    """``merge_patch`` in place: most writes are patches of a status, and copying the rest costs more than all else they do."""
    for field, value in difference.items():
        if value is None:
            target.pop(field, None)
        elif isinstance(value, dict):
            below = target.get(field)
            if not isinstance(below, dict):
                below = target[field] = {}
            _merge(below, value)
        elif isinstance(value, list) and not isinstance(target.get(field), dict):
            target[field] = without_nulls(value)
        else:
            target[field] = value


def _names_managers(difference: Any) -> bool:
    """Whether a patch may read or change who owns what."""
    if isinstance(difference, list):
        ways = [operation.get(way) for operation in difference if isinstance(operation, dict) for way in ("path", "from")]
        return any(isinstance(way, str) and (way in ("", "/metadata") or "managedFields" in way) for way in ways)
    metadata = difference.get("metadata") if isinstance(difference, dict) else None
    return isinstance(metadata, dict) and any("managedFields" in field for field in metadata)


def _names_revision(difference: Any) -> bool:
    return isinstance(difference, dict) and bool((difference.get("metadata") or {}).get("resourceVersion"))
