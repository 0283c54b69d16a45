"""``scale`` of custom kinds: the number of replicas, wherever the definition says it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from boatyard.machinery.client.client import PatchType
from boatyard.machinery.meta.errors import BadRequest, InternalError, NotFound, conflict
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.patch.scale_owners import scaled
from boatyard.machinery.registry import metadata, ownership
from boatyard.machinery.registry.core.types import core_schema
from boatyard.machinery.registry.go_text import refused
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.patch import patched
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.shape import readable
from boatyard.machinery.registry.write import modify

_SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
_SCALES = Resource("autoscaling", "v1", "scales", "Scale")
_SCALE = Kind(_SCALES, schema=lambda: core_schema(_SCALES))
"""A Scale as a document; it is never stored."""


def scale_of(kind: Kind, obj: Object) -> Object:
    """The Scale of an object (autoscaling/v1). Raises NotFound for a kind without, InternalError where the object has no number."""
    paths = _paths(kind)
    replicas = _at(obj, paths["specReplicasPath"])
    if replicas is None:
        told = f'the spec replicas field "{paths["specReplicasPath"]}" does not exist'
        raise InternalError(f"Internal error occurred: {told}", {"causes": [{"message": told}]})
    return _scale(paths, obj, replicas)


def _scale(paths: dict[str, str], obj: Object, replicas: int) -> Object:
    status: Object = {"replicas": _at(obj, paths["statusReplicasPath"]) or 0}
    selector = _at(obj, paths["labelSelectorPath"]) if "labelSelectorPath" in paths else None
    if selector:
        status["selector"] = selector
    metadata = {field: obj["metadata"][field] for field in _SHOWN if field in obj["metadata"]}
    spec = {"replicas": replicas} if replicas else {}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status}


async def update_scale(ledger: Ledger, request: Request, scale: Object) -> Object:
    """Replace. Raises NotFound, Conflict, Invalid, BadRequest for what is no Scale of the object."""
    _check(replace(request, kind=_SCALE), scale)
    return await _write(ledger, request, lambda _: scale)


async def patch_scale(ledger: Ledger, request: Request, difference: Any, type: PatchType) -> Object:
    """Patch the Scale. Raises NotFound, Conflict, Invalid, BadRequest for what is no Scale of the object."""
    request.difference = difference
    return await _write(ledger, request, lambda current: patched(request.kind, current, difference, type))


async def _write(ledger: Ledger, request: Request, change: Any) -> Object:
    paths = _paths(request.kind)

    main = replace(request, subresource="", door="scale", difference=None, applying=True)
    steps = tuple(f"f:{step}" for step in paths["specReplicasPath"].strip(".").split("."))

    def put(obj: Object) -> Object:
        before = _at(obj, paths["specReplicasPath"])
        wanted = change(_scale(paths, obj, before or 0))
        if request.difference is not None:
            _check(replace(request, kind=_SCALE), wanted)
        named = wanted["metadata"]
        uid = obj["metadata"]["uid"]
        if request.difference is None and named.get("uid", uid) != uid:
            told = f"Precondition failed: UID in precondition: {named['uid']}, UID in object meta: {uid}"
            raise conflict(request.kind.resource.group_resource, request.name, told)
        obj["metadata"]["resourceVersion"] = named.get("resourceVersion") or ""
        replicas = (wanted.get("spec") or {}).get("replicas") or 0
        _put(obj, paths["specReplicasPath"], replicas)
        main.managers = scaled(main.managers, ownership.door_of(main), steps, before, replicas)
        return obj

    return scale_of(request.kind, await modify(ledger, main, put))


def _check(request: Request, wanted: Any) -> None:
    """Refuse what is no Scale of the object; drop what no Scale has."""
    if request.difference is None and (not isinstance(wanted, dict) or not wanted):
        raise BadRequest("the body of the request is no Scale")
    if request.difference is not None and not isinstance(wanted.get("metadata"), dict):
        raise refused(request.difference, "metadata: expected map")
    metadata.frame(request, wanted)
    readable(request, wanted)
    metadata.check_name(wanted["metadata"], request.name)


def _paths(kind: Kind) -> dict[str, str]:
    found = ((kind.custom or {}).get("subresources") or {}).get("scale")
    if not found:
        raise NotFound("the server could not find the requested resource")
    return found


def _at(obj: Any, path: str) -> Any:
    for step in path.strip(".").split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return obj


def _put(obj: Object, path: str, value: int) -> None:
    *steps, last = path.strip(".").split(".")
    for step in steps:
        obj = obj.setdefault(step, {})
    obj[last] = value
