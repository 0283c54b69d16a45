"""Who owns which fields after a write, for every verb; see :mod:`boatyard.machinery.patch.apply` for the rules.

What counts is what a caller sent, defaults filled in: not what a kind's strategy and admission add later or take back.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from boatyard.machinery.meta import core
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.patch.apply import Door, updated
from boatyard.machinery.patch.field_set import Path
from boatyard.machinery.patch.managers import Manager, managers_sent, written
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.request import Request
from boatyard.machinery.schema.structural import ANYTHING, WRITTEN

COMPONENT = "boatyard"
"""Who writes from inside without saying who it is: as its program's name would say over HTTP."""
_SPEC, _STATUS = ("f:spec",), ("f:status",)
_RESET: dict[tuple[str, str], tuple[Path, ...]] = {
    (core.PODS.kind, "status"): (_SPEC, ("f:metadata", "f:deletionTimestamp"), ("f:metadata", "f:ownerReferences")),
    (core.CUSTOM_RESOURCE_DEFINITIONS.kind, "status"): (_SPEC, ("f:metadata",)),
    (core.CERTIFICATE_SIGNING_REQUESTS.kind, "status"): (_SPEC, ("f:status", "f:conditions")),
    (core.CERTIFICATE_SIGNING_REQUESTS.kind, "approval"): (_SPEC, ("f:status", "f:certificate")),
}
"""Kubernetes' ``ResetFieldsStrategy`` of (kind, subresource), where it is more than the other half."""


def door_of(request: Request) -> Door:
    """By what way a write comes in, and what it can't set."""
    kind = request.kind
    own = kind.resource.kind if kind.custom is None else ""
    return _door(
        request.field_manager or COMPONENT, kind.resource.api_version, request.subresource, request.door, own, kind.has_status
    )


@lru_cache(maxsize=256)
def _door(manager: str, api_version: str, subresource: str, door: str, own: str, has_status: bool) -> Door:
    reset: tuple[Path, ...] = ()
    if has_status:
        reset = _RESET.get((own, subresource)) or ((_SPEC,) if subresource == "status" else (_STATUS,))
    return Door(manager, api_version, door or subresource, reset, tuple(path[0][2:] for path in reset if len(path) == 1))


def after(request: Request, obj: Object, old: Object | None, sent: Any, empty: Object, now: float) -> list[Manager]:
    """The managers once the write is done. ``obj`` is the document as it was sent, but for what :func:`emptied` found; ``sent`` are
    the managed fields it held, ``old`` is the stored document (None: it is new). An object without entries isn't tracked until its
    first apply."""
    if request.applying:
        return request.managers
    managers = request.managers
    if sent is not None and not request.subresource and sent != written(managers):
        if sent == [{}] or (sent == [] and request.kind.custom is None):
            managers = []
        elif by_hand := managers_sent(sent):
            managers = [manager for manager in by_hand if _convertible(request.kind, manager.api_version)]
    if old is not None and not managers:
        return []
    if empty and old is not None:
        old = {field: value for field, value in old.items() if field not in empty or value}
    return updated(old, {**obj, **empty} if empty else obj, managers, door_of(request), request.kind.schema() or ANYTHING, now)


def emptied(request: Request, obj: Object) -> Object:
    """The lists that are sent without entries and that Go's types tell from none: they are said, though they aren't kept."""
    schema = request.kind.schema() if request.kind.custom is None and not request.applying else None
    written = schema.schema.get(WRITTEN, {}) if schema is not None else {}
    return {field: [] for field, zero in written.items() if zero is None and obj.get(field) == [] and _sent(request, field)}


def _sent(request: Request, field: str) -> bool:
    """Whether the caller said something of a member of the document."""
    if isinstance(request.difference, list):
        return any(f"/{field}" in (step.get("path"), step.get("from")) for step in request.difference if isinstance(step, dict))
    return request.difference is None or field in request.difference


def put(obj: Object, managers: list[Manager]) -> None:
    """Write them into the document, which must not be changed below them."""
    if managers:
        obj["metadata"]["managedFields"] = written(managers)


def _convertible(kind: Kind, api_version: str) -> bool:
    """Whether fields of another version can be told in this one's: those of Kubernetes' own kinds have only one here."""
    resource = kind.resource
    if kind.custom is None:
        return api_version == resource.api_version
    return api_version.rpartition("/")[0] == resource.group
