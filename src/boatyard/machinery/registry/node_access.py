"""What a node may do: what concerns itself, and what its pods refer to (Kubernetes' node authorizer)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from boatyard.machinery.meta.core import PERSISTENT_VOLUMES, PODS
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import documents, keys
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.ledger import Ledger

GROUP, PREFIX = "system:nodes", "system:node:"
HOSTNAME = "kubernetes.io/hostname"
LEASES_NAMESPACE = "kube-node-lease"
_READ = ("get", "list", "watch")
_WRITE = ("update", "patch")

_EVERYWHERE = {
    ("", "services"): _READ,
    ("", "nodes"): _READ,
    ("", "namespaces"): _READ,
    ("", "persistentvolumes"): _READ,
    ("discovery.k8s.io", "endpointslices"): _READ,
    ("", "events"): ("get", "create", *_WRITE),
    ("certificates.k8s.io", "certificatesigningrequests"): ("create", *_READ),
    ("authentication.k8s.io", "tokenreviews"): ("create",),
    ("authorization.k8s.io", "subjectaccessreviews"): ("create",),
}
"""What concerns every node."""


class References(NamedTuple):
    """What a pod needs from its namespace, as (plural, name)."""

    node: str
    objects: frozenset[tuple[str, str]]


class NodeAccess:
    """Knows which pods run where, from the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._pods: dict[str, References] = {}  # key of a pod on a node -> what it refers to
        self._used: dict[tuple[str, str, str, str], int] = {}  # (node, namespace, plural, name) -> pods that refer to it
        ledger.listen(PODS, self._changed)
        for record in ledger.store.range(keys.prefix(PODS)).records:
            self._changed(record.key)

    def allows(
        self, caller: Caller, verb: str, group: str, plural: str, subresource: str, namespace: str, name: str, selected: str = ""
    ) -> bool:
        """Whether the caller is a node, and this is its own. ``selected`` is the node that a list of pods is confined to."""
        node = node_of(caller)
        if not node:
            return False
        if (group, plural, subresource) == ("", "pods", "") and verb in ("list", "watch"):
            return selected == node or self._runs_on(node, namespace, name)
        if not subresource and verb in _EVERYWHERE.get((group, plural), ()):
            return True
        if group == "coordination.k8s.io" and plural == "leases":
            own = namespace == LEASES_NAMESPACE and not subresource
            return own and (verb == "create" or (name == node and verb in ("get", "delete", *_WRITE)))
        if group:
            return False
        if plural == "nodes":
            return (verb == "create" and not subresource) or (name == node and subresource in ("", "status") and verb in _WRITE)
        if plural == "pods":
            return self._own_pod(node, verb, subresource, namespace, name)
        if plural == "persistentvolumes":
            return verb == "patch" and not subresource and self._own_volume(node, name)
        if plural == "serviceaccounts":
            wanted = (verb == "get" and not subresource) or (verb == "create" and subresource == "token")
            return wanted and (node, namespace, plural, name) in self._used
        if plural in ("secrets", "configmaps"):
            return verb in _READ and not subresource and (node, namespace, plural, name) in self._used
        if plural == "persistentvolumeclaims":
            wanted = (verb == "get" and not subresource) or (verb in _WRITE and subresource == "status")
            return wanted and (node, namespace, plural, name) in self._used
        return False

    def _own_pod(self, node: str, verb: str, subresource: str, namespace: str, name: str) -> bool:
        allowed = {"": ("get", "delete"), "status": ("get", *_WRITE), "eviction": ("create",)}
        if not name or verb not in allowed.get(subresource, ()):
            return False
        references = self._pods.get(keys.key(PODS, namespace, name))
        if references is None:
            # Of a pod that isn't there a node may hear that it isn't there: its own ends that way.
            return self._ledger.find(PODS, namespace, name) is None
        return references.node == node

    def _runs_on(self, node: str, namespace: str, name: str) -> bool:
        references = self._pods.get(keys.key(PODS, namespace, name)) if namespace and name else None
        return references is not None and references.node == node

    def _own_volume(self, node: str, name: str) -> bool:
        """Whether the volume lies on this node and can't be elsewhere."""
        volume = self._ledger.object(PERSISTENT_VOLUMES, None, name) or {}
        terms = (((volume.get("spec") or {}).get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or ()
        expressions = [expression for term in terms for expression in term.get("matchExpressions") or ()]
        return bool(expressions) and all(
            expression.get("key") == HOSTNAME and expression.get("operator") == "In" and expression.get("values") == [node]
            for expression in expressions
        )

    def _changed(self, key: str) -> None:
        namespace = keys.place(key)[0]
        record = self._ledger.store.get(key)
        if key not in self._pods and (record is None or b'"nodeName":' not in record.value):
            return  # no node is concerned, and nothing of it need be read
        pod = documents.parted(record.value, record.modified)[1] if record else None
        node = (pod.get("spec") or {}).get("nodeName") if pod else None
        fresh = References(node, frozenset(references(pod))) if pod and node else None
        before = self._pods.get(key)
        if fresh == before:
            return
        if before:
            del self._pods[key]
            for plural, other in before.objects:
                used = (before.node, namespace, plural, other)
                self._used[used] -= 1
                if not self._used[used]:
                    del self._used[used]
        if fresh:
            self._pods[key] = fresh
            for plural, other in fresh.objects:
                used = (fresh.node, namespace, plural, other)
                self._used[used] = self._used.get(used, 0) + 1


def node_of(caller: Caller) -> str:
    """The name of the node that calls; empty when the caller is none."""
    return caller.name[len(PREFIX) :] if GROUP in caller.groups and caller.name.startswith(PREFIX) else ""


def references(pod: Object) -> Iterator[tuple[str, str]]:
    """Everything in its namespace that a pod can't run without asking for."""
    spec = pod.get("spec") or {}
    yield "serviceaccounts", spec.get("serviceAccountName") or "default"
    for secret in spec.get("imagePullSecrets") or ():
        yield "secrets", secret.get("name", "")
    for volume in spec.get("volumes") or ():
        if "secret" in volume:
            yield "secrets", volume["secret"].get("secretName", "")
        elif "configMap" in volume:
            yield "configmaps", volume["configMap"].get("name", "")
        elif "persistentVolumeClaim" in volume:
            yield "persistentvolumeclaims", volume["persistentVolumeClaim"].get("claimName", "")
        elif "ephemeral" in volume:
            yield "persistentvolumeclaims", f"{pod['metadata']['name']}-{volume['name']}"
        for source in (volume.get("projected") or {}).get("sources") or ():
            for field, plural in (("secret", "secrets"), ("configMap", "configmaps")):
                if field in source:
                    yield plural, source[field].get("name", "")
    for field in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(field) or ():
            yield from _environment(container)


def _environment(container: Object) -> Iterator[tuple[str, str]]:
    for source in container.get("envFrom") or ():
        for field, plural in (("secretRef", "secrets"), ("configMapRef", "configmaps")):
            if field in source:
                yield plural, source[field].get("name", "")
    for variable in container.get("env") or ():
        value = variable.get("valueFrom") or {}
        for field, plural in (("secretKeyRef", "secrets"), ("configMapKeyRef", "configmaps")):
            if field in value:
                yield plural, value[field].get("name", "")
