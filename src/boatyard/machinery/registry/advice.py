"""What a caller is told of an object although it is taken: what the judge warns of, and what isn't done here."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta.core import ENDPOINT_SLICES, PODS, SECRETS, SERVICES
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quoting import quoted
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.metadata import STANDARD_FINALIZERS
from boatyard.machinery.registry.pod_advice import pod_advice

LEGACY_TOKEN = "kubernetes.io/service-account-token"
"""The type of secrets into which Kubernetes' controller puts tokens that never end."""


def advice(kind: Kind, obj: Object, old: Object | None = None) -> Iterator[str]:
    """Of a new object, or of one that was ``old`` before."""
    if kind.custom is not None:
        if finalizers := obj["metadata"].get("finalizers"):
            yield from _unqualified(finalizers, old)
    elif kind.resource == SERVICES:
        yield from _ignored(obj["spec"])
    elif old is not None:
        return
    elif kind.resource == PODS:
        yield from pod_advice(obj)
    elif kind.resource == SECRETS and obj.get("type") == LEGACY_TOKEN:
        yield f"secrets of type {LEGACY_TOKEN} get no token here: use `kubectl create token` or a projected volume"
    elif kind.resource == ENDPOINT_SLICES and obj.get("addressType") == "FQDN":
        yield "spec.addressType: FQDN endpoints are deprecated"


def _unqualified(finalizers: list[str], old: Object | None) -> Iterator[str]:
    before = (old["metadata"].get("finalizers") or ()) if old is not None else ()
    for name in sorted(set(finalizers).difference(before)):
        if "/" not in name and name not in STANDARD_FINALIZERS:
            told = "prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers"
            yield f"metadata.finalizers: {quoted(name)}: {told}"


def _ignored(spec: Object) -> Iterator[str]:
    """What a service of its type has no use for (``GetWarningsForService``)."""
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
