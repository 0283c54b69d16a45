"""A node writes only about itself (admission plugin NodeRestriction): what an authorizer can't see without the document.

Rules and words are those of ``plugin/pkg/admission/noderestriction``, seen on a kube-apiserver 1.34 with the plugin enabled.
"""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import LEASES, NODES, PERSISTENT_VOLUME_CLAIMS, PODS
from boatyard.machinery.meta.errors import Forbidden, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.node_access import node_of
from boatyard.machinery.registry.request import Request

_RESERVED = "node-restriction.kubernetes.io"
_KUBERNETES = ("kubernetes.io", "k8s.io")
_OWN_NAMESPACES = ("kubelet.kubernetes.io", "node.kubernetes.io")
_OWN_LABELS = frozenset(
    {
        "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region", "beta.kubernetes.io/os", "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
    }
)  # fmt: skip
"""Of Kubernetes' labels, what a node says itself."""
_CLAIM_STATUS = ("capacity", "conditions", "allocatedResources", "allocatedResourceStatuses")


def restrict(request: Request, obj: Object, old: Object | None = None) -> None:
    """Raises Forbidden when a node writes a document that isn't its own, or what of its own it may not decide."""
    node = node_of(request.caller)
    if not node:
        return
    resource = request.kind.resource
    if resource == NODES:
        _restrict_node(request, node, obj, old)
    elif resource == LEASES and obj["metadata"].get("name") != node:
        raise _refused(request, obj, "can only access node lease with the same name as the requesting node")
    elif resource == PODS and old is not None and _labels(obj) != _labels(old):
        raise _refused(request, obj, f'node "{node}" cannot update labels through pod status')
    elif resource == PERSISTENT_VOLUME_CLAIMS and old is not None and _beyond_status(obj) != _beyond_status(old):
        told = f'node "{node}" is not allowed to update fields other than status.quantity and status.conditions'
        raise _refused(request, obj, told)


def restrict_token(ledger: Ledger, request: Request, body: Object) -> None:
    """A node gets tokens bound to a pod on it, for whom the pod asks for some. Raises Forbidden; NotFound (no such pod)."""
    node = node_of(request.caller)
    if not node:
        return
    about: Object = {"metadata": {"name": request.name}}
    spec = body.get("spec") or {}
    reference = spec.get("boundObjectRef") or {}
    if (reference.get("apiVersion"), reference.get("kind")) != ("v1", "Pod") or not reference.get("name"):
        raise _refused(request, about, "node requested token not bound to a pod")
    uid = reference.get("uid")
    if not uid:
        raise _refused(request, about, "node requested token with a pod binding without a uid")
    pod = ledger.object(PODS, request.namespace, reference["name"])
    if pod is None:
        raise not_found("pods", reference["name"])
    if uid != pod["metadata"]["uid"]:
        told = f"the UID in the bound object reference ({uid}) does not match the UID in record"
        raise _refused(request, about, f"{told}. The object might have been deleted and then recreated")
    if pod["spec"].get("nodeName") != node:
        raise _refused(request, about, "node requested token bound to a pod scheduled on a different node")
    audiences = spec.get("audiences") or [""]
    if len(audiences) > 1:
        raise _refused(request, about, "node may only request 0 or 1 audiences")
    if audiences[0] not in _audiences(pod):
        told = f'audience "{audiences[0]}" not found in pod spec volume, {request.caller.name} is not authorized to request tokens'
        raise _refused(request, about, f"{told} for this audience")


def _audiences(pod: Object) -> list[str]:
    """For whom a pod has tokens mounted; empty for the API itself."""
    sources = [
        source for volume in pod["spec"].get("volumes") or () for source in (volume.get("projected") or {}).get("sources") or ()
    ]
    return [source["serviceAccountToken"].get("audience") or "" for source in sources if source.get("serviceAccountToken")]


def _restrict_node(request: Request, node: str, obj: Object, old: Object | None) -> None:
    name, before = obj["metadata"].get("name") or "", _labels(old) if old is not None else {}
    after = _labels(obj)
    if name == node:
        changed = sorted(label for label in {*before, *after} if before.get(label) != after.get(label) and not _own(label))
        if changed and old is None:
            raise _refused(request, obj, f'node "{node}" is not allowed to set the following labels: {", ".join(changed)}')
        if old is not None and ((obj.get("spec") or {}).get("taints") or []) != ((old.get("spec") or {}).get("taints") or []):
            raise _refused(request, obj, f'node "{node}" is not allowed to modify taints')
        if changed:
            raise _refused(request, obj, f"is not allowed to modify labels: {', '.join(changed)}")
        owners = [(each or {"metadata": {}})["metadata"].get("ownerReferences") or [] for each in (obj, old)]
        if old is not None and owners[0] != owners[1]:
            raise _refused(request, obj, f'node "{node}" is not allowed to modify ownerReferences')
    else:
        shown = "" if old is None and obj["metadata"].get("generateName") else name
        raise _refused(request, obj, f'node "{node}" is not allowed to modify node "{shown}"')


def _own(label: str) -> bool:
    """Whether a node may say this about itself."""
    namespace = label.rpartition("/")[0]
    if _within(namespace, _RESERVED):
        return False
    if not any(_within(namespace, known) for known in _KUBERNETES):
        return True
    return label in _OWN_LABELS or any(_within(namespace, own) for own in _OWN_NAMESPACES)


def _within(namespace: str, domain: str) -> bool:
    return namespace == domain or namespace.endswith(f".{domain}")


def _labels(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def _beyond_status(claim: Object) -> Any:
    """A claim without what a node may tell about it."""
    metadata = {key: value for key, value in claim["metadata"].items() if key not in ("managedFields", "resourceVersion")}
    status = {key: value for key, value in (claim.get("status") or {}).items() if key not in _CLAIM_STATUS}
    return metadata, claim.get("spec"), status


def _refused(request: Request, obj: Object, why: str) -> Forbidden:
    name = (obj.get("metadata") or {}).get("name") or request.name
    group_resource = request.kind.resource.group_resource
    return Forbidden(f'{group_resource} "{name}" is forbidden: {why}', {"name": name, "kind": request.kind.resource.plural})
