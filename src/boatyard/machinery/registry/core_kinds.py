"""Kubernetes' own kinds, as the registry serves them: names, subresources, field selectors, strategies."""

from __future__ import annotations

from dataclasses import replace

from boatyard.machinery.meta import core, names
from boatyard.machinery.registry.core.types import core_schema
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.review_kinds import REVIEWS
from boatyard.machinery.registry.strategies.certificate_signing_requests import CertificateSigningRequests
from boatyard.machinery.registry.strategies.custom_resource_definitions import CustomResourceDefinitions
from boatyard.machinery.registry.strategies.immutable_data import ImmutableData
from boatyard.machinery.registry.strategies.initial_status import InitialStatus
from boatyard.machinery.registry.strategies.namespaces import Namespaces
from boatyard.machinery.registry.strategies.nodes import Nodes
from boatyard.machinery.registry.strategies.pods import Pods
from boatyard.machinery.registry.strategies.service_accounts import ServiceAccounts
from boatyard.machinery.registry.strategies.services import Services
from boatyard.machinery.schema.structural import Structural


def _same(*paths: str) -> dict[str, str]:
    return {path: path for path in paths}


_POD_FIELDS = _same(
    "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase",
    "status.podIP", "status.nominatedNodeName",
)  # fmt: skip
_PENDING = {"phase": "Pending"}
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_EVENT_FIELDS = {
    **_same(*(f"involvedObject.{part}" for part in _INVOLVED), "reason", "reportingComponent", "type"),
    "source": "source.component",
}


def _with_schema(kind: Kind) -> Kind:
    def schema() -> Structural:
        return core_schema(kind.resource)

    return replace(kind, schema=schema)


_KINDS = (
    Kind(core.CONFIG_MAPS, ("cm",), strategy=ImmutableData("data", "binaryData")),
    Kind(
        core.EVENTS, ("ev",), fields=_EVENT_FIELDS, check_name=names.path_segment, made_by_update=True, collected=False,
    ),
    Kind(
        core.NAMESPACES, ("ns",), subresources=("status", "finalize"), fields=_same("status.phase"), returns_deleted=True,
        check_name=names.dns1123_label, strategy=Namespaces(),
    ),
    Kind(core.NODES, ("no",), subresources=("status",), fields=_same("spec.unschedulable"), strategy=Nodes()),
    Kind(core.PERSISTENT_VOLUMES, ("pv",), subresources=("status",), returns_deleted=True, strategy=InitialStatus(_PENDING)),
    Kind(core.PERSISTENT_VOLUME_CLAIMS, ("pvc",), subresources=("status",), returns_deleted=True, strategy=InitialStatus(_PENDING)),
    Kind(
        core.PODS, ("po",), ("all",), subresources=("status", "binding", "eviction", "log", "exec", "attach", "portforward"),
        fields=_POD_FIELDS, generation=True, returns_deleted=True, strategy=Pods(),
    ),
    Kind(core.POD_TEMPLATES, returns_deleted=True, generation=True),
    Kind(core.SECRETS, fields=_same("type"), strategy=ImmutableData("data")),
    Kind(
        core.SERVICES, ("svc",), ("all",), subresources=("status",), fields=_same("spec.clusterIP", "spec.type"),
        check_name=names.dns1035_label, made_by_update=True, returns_deleted=True, strategy=Services(),
    ),
    Kind(core.SERVICE_ACCOUNTS, ("sa",), subresources=("token",), returns_deleted=True, strategy=ServiceAccounts()),
    Kind(core.ENDPOINT_SLICES, generation=True, generation_of_labels=True),
    Kind(core.INGRESSES, ("ing",), subresources=("status",), generation=True, strategy=InitialStatus({"loadBalancer": {}})),
    Kind(core.LEASES, conditional=True, made_by_update=True),
    Kind(
        core.CERTIFICATE_SIGNING_REQUESTS, ("csr",), subresources=("status", "approval"), fields=_same("spec.signerName"),
        strategy=CertificateSigningRequests(),
    ),
    Kind(core.ROLES, check_name=names.path_segment, made_by_update=True),
    Kind(core.ROLE_BINDINGS, check_name=names.path_segment, made_by_update=True),
    Kind(core.CLUSTER_ROLES, check_name=names.path_segment, made_by_update=True),
    Kind(core.CLUSTER_ROLE_BINDINGS, check_name=names.path_segment, made_by_update=True),
    Kind(
        core.CUSTOM_RESOURCE_DEFINITIONS, ("crd", "crds"), ("api-extensions",), subresources=("status",), generation=True,
        conditional=True, strategy=CustomResourceDefinitions(),
    ),
)  # fmt: skip

CORE_KINDS = tuple(_with_schema(kind) for kind in (*_KINDS, *(Kind(review, stored=False) for review in REVIEWS)))
