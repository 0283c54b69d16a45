"""``pods/binding``: a pod is given its node, once."""

from __future__ import annotations

from boatyard.machinery.meta.conditions import set_condition
from boatyard.machinery.meta.errors import FieldError, conflict, invalid
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.core.types import core_type
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.subresources.posted import check_named, read_as
from boatyard.machinery.registry.write import modify

BINDING = Kind(Resource("", "v1", "bindings", "Binding"), stored=False, schema=lambda: core_type("v1.Binding"))


async def bind(ledger: Ledger, request: Request, binding: Object) -> Object:
    """Bind a pod. Raises Conflict when it has a node or is being deleted, BadRequest for what is no binding of it, Invalid when the
    target is no node."""
    read_as(BINDING, ledger, request, binding)
    check_named(BINDING, request, binding)
    target = binding.get("target") or {}
    node = target.get("name")
    if (target.get("kind") or "Node") != "Node":
        told = f'Unsupported value: "{target["kind"]}": supported values: "Node", "<empty>"'
        raise invalid("Binding", "", request.name, [FieldError("target.kind", "FieldValueNotSupported", told)])
    if not node:
        raise invalid("Binding", "", request.name, [FieldError("target.name", "FieldValueRequired", "Required value")])
    said = binding["metadata"]
    uid, revision = said.get("uid"), said.get("resourceVersion")

    def to_node(pod: Object) -> Object:
        spec, status = pod["spec"], pod.setdefault("status", {})
        if uid and uid != pod["metadata"]["uid"]:
            told = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {pod['metadata']['uid']}"
            raise conflict("pods/binding", request.name, told)
        if revision and revision != pod["metadata"]["resourceVersion"]:
            told = f"ResourceVersion in precondition: {revision}"
            told = f"Precondition failed: {told}, ResourceVersion in object meta: {pod['metadata']['resourceVersion']}"
            raise conflict("pods", request.name, told)
        if pod["metadata"].get("deletionTimestamp"):
            raise conflict("pods/binding", request.name, f"pod {request.name} is being deleted, cannot be assigned to a host")
        if spec.get("nodeName"):
            told = f'pod {request.name} is already assigned to node "{spec["nodeName"]}"'
            raise conflict("pods/binding", request.name, told)
        spec["nodeName"] = node
        annotations = said.get("annotations")
        if annotations:
            pod["metadata"]["annotations"] = {**(pod["metadata"].get("annotations") or {}), **annotations}
        conditions = set_condition(status.get("conditions"), "PodScheduled", True, "", "", ledger.world.now())
        status["conditions"] = [{k: v for k, v in each.items() if v not in ("", None)} for each in conditions]
        del pod["metadata"]["resourceVersion"]
        return pod

    await modify(ledger, request, to_node)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
