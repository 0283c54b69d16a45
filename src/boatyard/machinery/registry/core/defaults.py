"""What documents of Kubernetes' own kinds mean where they say nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable

from boatyard.machinery.meta import core
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.core.normal import normalize
from boatyard.machinery.registry.core.pod_defaults import default_pod_spec
from boatyard.machinery.registry.core.pod_resources import default_pod_resources
from boatyard.machinery.registry.core.services import reached_from_outside
from boatyard.machinery.registry.core.types import core_schema

RBAC = "rbac.authorization.k8s.io"


def default(resource: Resource, obj: Object) -> None:
    """Fill in defaults, in place, after bringing the document into normal form. Doing it twice changes nothing.

    Call it on a document that has no type errors (``types.type_errors``).
    """
    if not core_schema(resource).accepts(obj, normal=True):
        normalize(resource, obj)
    fill(resource, obj)


def fill(resource: Resource, obj: Object) -> None:
    """:func:`default` of a document that is in normal form already."""
    if own := _FILL.get(resource):
        own(obj)


def _pod(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    default_pod_spec(spec)
    default_pod_resources(spec)
    spec.setdefault("enableServiceLinks", True)


def _pod_template(obj: Object) -> None:
    template = obj.setdefault("template", {})
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def _service(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("type", "ClusterIP")
    if spec["sessionAffinity"] == "ClientIP":
        spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {}).setdefault("timeoutSeconds", 10800)
    elif spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if port.get("targetPort") in (None, 0, "") and "port" in port:
            port["targetPort"] = port["port"]
    if reached_from_outside(spec):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")


def _claim(obj: Object) -> None:
    obj.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
    obj.setdefault("status", {}).setdefault("phase", "Pending")


def _volume(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("volumeMode", "Filesystem")
    if not spec.get("persistentVolumeReclaimPolicy"):
        spec["persistentVolumeReclaimPolicy"] = "Retain"
    if isinstance(path := spec.get("hostPath"), dict):
        path.setdefault("type", "")


def _secret(obj: Object) -> None:
    if not obj.get("type"):
        obj["type"] = "Opaque"
    plain = obj.pop("stringData", None)
    if isinstance(plain, dict):
        data = obj.setdefault("data", {})
        for key, value in plain.items():
            data[key] = base64.b64encode(str(value).encode()).decode()


def _lease(obj: Object) -> None:
    obj.setdefault("spec", {})


def _namespace(obj: Object) -> None:
    metadata = obj.setdefault("metadata", {})
    if metadata.get("name") and ("generateName" not in metadata or "resourceVersion" in metadata):
        # A name that is generated isn't known yet where Kubernetes fills in defaults.
        metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata["name"]
    obj.setdefault("spec", {})
    if not metadata.get("deletionTimestamp"):
        obj.setdefault("status", {}).setdefault("phase", "Active")


def _endpoint_slice(obj: Object) -> None:
    for endpoint in obj.get("endpoints") or ():
        endpoint.setdefault("conditions", {})
    for port in obj.get("ports") or ():
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def _binding(obj: Object) -> None:
    reference = obj.get("roleRef")
    if isinstance(reference, dict) and not reference.get("apiGroup"):
        reference["apiGroup"] = RBAC
    for subject in obj.get("subjects") or ():
        if not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
            subject["apiGroup"] = RBAC


def _definition(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    names = spec.get("names")
    if isinstance(names, dict) and isinstance(kind := names.get("kind"), str):
        names.setdefault("singular", kind.lower())
        names.setdefault("listKind", f"{kind}List")
    spec.setdefault("conversion", {}).setdefault("strategy", "None")
    for version in spec.get("versions") or ():
        for column in version.get("additionalPrinterColumns") or ():
            if column.get("priority") == 0:
                del column["priority"]


_FILL: dict[Resource, Callable[[Object], None]] = {
    core.PODS: _pod,
    core.POD_TEMPLATES: _pod_template,
    core.SERVICES: _service,
    core.PERSISTENT_VOLUME_CLAIMS: _claim,
    core.PERSISTENT_VOLUMES: _volume,
    core.SECRETS: _secret,
    core.LEASES: _lease,
    core.NAMESPACES: _namespace,
    core.ENDPOINT_SLICES: _endpoint_slice,
    core.ROLE_BINDINGS: _binding,
    core.CLUSTER_ROLE_BINDINGS: _binding,
    core.CUSTOM_RESOURCE_DEFINITIONS: _definition,
}
