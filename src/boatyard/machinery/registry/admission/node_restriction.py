"""A node writes only about itself (admission plugin NodeRestriction): what an authorizer can't see without the document."""

from __future__ import annotations

from boatyard.machinery.meta.core import LEASES, NODES, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import Forbidden
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.node_access import node_of
from boatyard.machinery.registry.request import Request

RESERVED_LABELS = "node-restriction.kubernetes.io/"


def restrict(request: Request, obj: Object, old: Object | None = None) -> None:
    """Raises Forbidden when a node writes a document that isn't its own, or what of its own it may not decide."""
    node = node_of(request.caller)
    if not node:
        return
    resource = request.kind.resource
    if resource in (LEASES, NODES) and obj["metadata"].get("name") != node:
        raise _refused(request, obj, f'node "{node}" is not allowed to write {resource.plural} of another name')
    if resource == NODES:
        _restrict_node(request, obj, old)
    if resource == SERVICE_ACCOUNTS and request.subresource == "token":
        reference = (obj.get("spec") or {}).get("boundObjectRef") or {}
        if reference.get("kind") != "Pod" or not reference.get("uid"):
            raise _refused(request, obj, f'node "{node}" can only ask for tokens that are bound to a pod')


def _restrict_node(request: Request, obj: Object, old: Object | None) -> None:
    if old is None:
        return
    if (obj.get("spec") or {}).get("taints") != (old.get("spec") or {}).get("taints"):
        raise _refused(request, obj, "a node is not allowed to modify taints")
    before, after = old["metadata"].get("labels") or {}, obj["metadata"].get("labels") or {}
    for label in sorted({*before, *after}):
        if label.startswith(RESERVED_LABELS) and before.get(label) != after.get(label):
            raise _refused(request, obj, f"a node is not allowed to modify the label {label}")


def _refused(request: Request, obj: Object, why: str) -> Forbidden:
    name = (obj.get("metadata") or {}).get("name") or request.name
    group_resource = request.kind.resource.group_resource
    return Forbidden(f'{group_resource} "{name}" is forbidden: {why}', {"name": name, "kind": request.kind.resource.plural})
