"""``scale`` of custom kinds: the number of replicas, wherever the definition says it is."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.client.client import PatchType
from boatyard.machinery.meta.errors import FieldError, NotFound, invalid
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.patch import patched
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.write import modify

_SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(kind: Kind, obj: Object) -> Object:
    """The Scale of an object (autoscaling/v1). Raises NotFound for a kind without."""
    paths = _paths(kind)
    status: Object = {"replicas": _at(obj, paths["statusReplicasPath"]) or 0}
    selector = _at(obj, paths["labelSelectorPath"]) if "labelSelectorPath" in paths else None
    if selector:
        status["selector"] = selector
    metadata = {field: obj["metadata"][field] for field in _SHOWN if field in obj["metadata"]}
    replicas = _at(obj, paths["specReplicasPath"]) or 0
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": {"replicas": replicas}, "status": status}


async def update_scale(ledger: Ledger, request: Request, scale: Object) -> Object:
    """Replace. Raises NotFound, Conflict, Invalid."""
    return await _write(ledger, request, lambda _: scale)


async def patch_scale(ledger: Ledger, request: Request, difference: Any, type: PatchType) -> Object:
    """Patch the Scale. Raises NotFound, Conflict, Invalid."""
    return await _write(ledger, request, lambda current: patched(request.kind, current, difference, type))


async def _write(ledger: Ledger, request: Request, change: Any) -> Object:
    kind = request.kind
    path = _paths(kind)["specReplicasPath"]

    def scaled(obj: Object) -> Object:
        current = scale_of(kind, obj)
        wanted = change(current)
        replicas = (wanted.get("spec") or {}).get("replicas", 0)
        if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
            told = f"Invalid value: {replicas}: must be greater than or equal to 0"
            raise invalid("Scale", "autoscaling", request.name, [FieldError("spec.replicas", "FieldValueInvalid", told)])
        obj["metadata"]["resourceVersion"] = (wanted.get("metadata") or {}).get("resourceVersion") or ""
        _put(obj, path, replicas)
        return obj

    main = Request(
        request.caller, kind, request.namespace, request.name, "", request.field_manager, request.dry_run, request.field_validation,
        request.warnings,
    )  # fmt: skip
    return scale_of(kind, await modify(ledger, main, scaled))


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
