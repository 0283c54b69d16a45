"""What a caller is told of an object although it is taken: what the judge warns of, and what isn't done here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from boatyard.machinery.meta import core
from boatyard.machinery.meta.objects import Object, annotations
from boatyard.machinery.meta.quoting import quoted
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.address_advice import plain_cidr, plain_ip
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.metadata import STANDARD_FINALIZERS
from boatyard.machinery.registry.pod_advice import claim_advice, pod_advice, template_advice, volume_advice

LEGACY_TOKEN = "kubernetes.io/service-account-token"
"""The type of secrets into which Kubernetes' controller puts tokens that never end."""
_STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"
_INGRESS_CLASS = "kubernetes.io/ingress.class"
_TOPOLOGY_HINTS, _TOPOLOGY_MODE = "service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"
_RECYCLE = (
    "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use "
    "dynamic provisioning."
)
_FORMATS = frozenset((
    "bsonobjectid", "byte", "cidr", "creditcard", "date", "date-time", "datetime", "duration", "email", "hexcolor", "hostname",
    "ipv4", "ipv6", "isbn", "isbn10", "isbn13", "mac", "password", "rgbcolor", "ssn", "uri", "uuid", "uuid3", "uuid4", "uuid5",
))  # fmt: skip
"""Formats of texts that Kubernetes knows in schemas of definitions."""
Advice: TypeAlias = Callable[[Object, "Object | None"], Iterator[str]]


def advice(kind: Kind, obj: Object, old: Object | None = None) -> Iterator[str]:
    """Of a new object, or of one that was ``old`` before."""
    if kind.custom is not None:
        if finalizers := obj["metadata"].get("finalizers"):
            yield from _unqualified(finalizers, old)
    elif (told := _ADVICE.get(kind.resource)) is not None:
        yield from told(obj, old)


def _unqualified(finalizers: list[str], old: Object | None) -> Iterator[str]:
    before = (old["metadata"].get("finalizers") or ()) if old is not None else ()
    for name in sorted(set(finalizers).difference(before)):
        if "/" not in name and name not in STANDARD_FINALIZERS:
            more = " including a path (/)" if "." in name else ""
            told = f"prefer a domain-qualified finalizer name{more} to avoid accidental conflicts with other finalizer writers"
            yield f"metadata.finalizers: {quoted(name)}: {told}"


def _pod(obj: Object, old: Object | None) -> Iterator[str]:
    # Whoever changes a pod is hardly ever a person.
    if old is None:
        yield from pod_advice(obj)


def _template(obj: Object, old: Object | None) -> Iterator[str]:
    if old is None or old.get("template") != obj.get("template"):
        yield from template_advice(obj.get("template") or {})


def _secret(obj: Object, old: Object | None) -> Iterator[str]:
    if old is None and obj.get("type") == LEGACY_TOKEN:
        yield f"secrets of type {LEGACY_TOKEN} get no token here: use `kubectl create token` or a projected volume"


def _endpoint_slice(obj: Object, old: Object | None) -> Iterator[str]:
    if old is None and obj.get("addressType") == "FQDN":
        yield "spec.addressType: FQDN endpoints are deprecated"
    for index, endpoint in enumerate(obj.get("endpoints") or ()):
        for place, address in enumerate(endpoint.get("addresses") or ()):
            yield from plain_ip(address, f"endpoints[{index}].addresses[{place}]")


def _ingress(obj: Object, old: Object | None) -> Iterator[str]:
    if old is None and _INGRESS_CLASS in annotations(obj):
        yield f"annotation {quoted(_INGRESS_CLASS)} is deprecated, please use 'spec.ingressClassName' instead"


def _claim(obj: Object, old: Object | None) -> Iterator[str]:
    yield from _class_by_annotation(obj)
    yield from claim_advice(obj.get("spec") or {})


def _volume(obj: Object, old: Object | None) -> Iterator[str]:
    yield from _class_by_annotation(obj)
    if (obj.get("spec") or {}).get("persistentVolumeReclaimPolicy") == "Recycle":
        yield _RECYCLE
    yield from volume_advice(obj.get("spec") or {})


def _class_by_annotation(obj: Object) -> Iterator[str]:
    if _STORAGE_CLASS in annotations(obj):
        yield f'metadata.annotations[{_STORAGE_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead'


def _node(obj: Object, old: Object | None) -> Iterator[str]:
    spec = obj.get("spec") or {}
    if spec.get("externalID"):
        yield "spec.externalID: this field is deprecated, and is unused by Kubernetes"
    for index, cidr in enumerate(spec.get("podCIDRs") or ()):
        yield from plain_cidr(cidr, f"spec.podCIDRs[{index}]")


def _service(obj: Object, old: Object | None) -> Iterator[str]:
    """What a service of its type has no use for, and what is written oddly (``GetWarningsForService``)."""
    spec = obj["spec"]
    if _TOPOLOGY_HINTS in annotations(obj):
        yield f"annotation {_TOPOLOGY_HINTS} is deprecated, please use {_TOPOLOGY_MODE} instead"
    elsewhere, external = spec.get("type") == "ExternalName", spec.get("externalIPs")
    if spec.get("clusterIP") == "None":
        if spec.get("loadBalancerIP"):
            yield "spec.loadBalancerIP is ignored for headless services"
        if external:
            yield "spec.externalIPs is ignored for headless services"
        if spec.get("sessionAffinity", "None") != "None":
            yield "spec.SessionAffinity is ignored for headless services"
    if elsewhere and external:
        yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'
    if not elsewhere and spec.get("externalName"):
        yield 'spec.externalName is ignored when spec.type is not "ExternalName"'
    for index, address in enumerate(external or ()):
        yield from plain_ip(address, f"spec.externalIPs[{index}]")
    if address := spec.get("loadBalancerIP"):
        yield from plain_ip(address, "spec.loadBalancerIP")
    for index, cidr in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        yield from plain_cidr(cidr.strip(), f"spec.loadBalancerSourceRanges[{index}]")


def _definition(obj: Object, old: Object | None) -> Iterator[str]:
    before = _formats_of(old) if old is not None else set()
    for name in sorted(_formats_of(obj) - before):
        yield f"unrecognized format {quoted(name)}"


def _formats_of(definition: Object) -> set[str]:
    """The formats of texts in a definition that nobody checks."""
    found: set[str] = set()
    for version in (definition.get("spec") or {}).get("versions") or ():
        _gather((version.get("schema") or {}).get("openAPIV3Schema"), found)
    return found


def _gather(schema: Any, found: set[str]) -> None:
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "string" and (format := schema.get("format")) and format not in _FORMATS:
        found.add(format)
    for child in (schema.get("properties") or {}).values():
        _gather(child, found)
    for keyword in ("items", "additionalProperties"):
        _gather(schema.get(keyword), found)


_ADVICE: dict[Resource, Advice] = {
    core.CUSTOM_RESOURCE_DEFINITIONS: _definition,
    core.ENDPOINT_SLICES: _endpoint_slice,
    core.INGRESSES: _ingress,
    core.NODES: _node,
    core.PERSISTENT_VOLUME_CLAIMS: _claim,
    core.PERSISTENT_VOLUMES: _volume,
    core.PODS: _pod,
    core.POD_TEMPLATES: _template,
    core.SECRETS: _secret,
    core.SERVICES: _service,
}
