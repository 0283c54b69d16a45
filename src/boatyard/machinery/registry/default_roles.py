"""The cluster roles that are always there, as in Kubernetes, for the kinds that are served.

``admin``, ``edit`` and ``view`` gather the rules of every cluster role with the label
``rbac.authorization.k8s.io/aggregate-to-…: "true"``: that is how the rooms above make their kinds part of them.
"""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.caller import MASTERS

GROUP = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_INFO = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_DISCOVERY = sorted(["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", *_INFO])
_ISSUER = [path + end for path in ("/.well-known/openid-configuration", "/openid/v1/jwks") for end in ("", "/")]
_NETWORKING = ["ingresses", "ingresses/status"]
_CORE_VIEW = [
    "configmaps", "events", "namespaces", "persistentvolumeclaims", "persistentvolumeclaims/status", "pods", "pods/log",
    "pods/status", "podtemplates", "serviceaccounts", "services", "services/status",
]  # fmt: skip
_CORE_EDIT = ["configmaps", "events", "persistentvolumeclaims", "pods", "podtemplates", "secrets", "serviceaccounts", "services"]


def default_roles() -> list[tuple[Resource, Object]]:
    """Every role and binding, in the order in which they are made."""
    roles = [
        _role("cluster-admin", [_rule("*", ["*"], ["*"]), {"nonResourceURLs": ["*"], "verbs": ["*"]}]),
        _role("system:discovery", [{"nonResourceURLs": _DISCOVERY, "verbs": ["get"]}]),
        _role("system:public-info-viewer", [{"nonResourceURLs": _INFO, "verbs": ["get"]}]),
        _role("system:service-account-issuer-discovery", [{"nonResourceURLs": _ISSUER, "verbs": ["get"]}]),
        _role(
            "system:basic-user",
            [
                _rule("authorization.k8s.io", ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
                _rule("authentication.k8s.io", ["selfsubjectreviews"], ["create"]),
            ],
        ),
        _role(
            "system:aggregate-to-view",
            [
                _rule("", _CORE_VIEW, _READ),
                _rule("discovery.k8s.io", ["endpointslices"], _READ),
                _rule("networking.k8s.io", _NETWORKING, _READ),
            ],
            to="view",
        ),
        _role(
            "system:aggregate-to-edit",
            [
                _rule("", ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"], _READ),
                _rule("", ["serviceaccounts"], ["impersonate"]),
                _rule("", [*_CORE_EDIT, "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"], _WRITE),
                _rule("", ["pods/eviction", "serviceaccounts/token"], ["create"]),
                _rule("networking.k8s.io", ["ingresses"], _WRITE),
                _rule("coordination.k8s.io", ["leases"], [*_WRITE, *_READ]),
            ],
            to="edit",
        ),
        _role(
            "system:aggregate-to-admin",
            [
                _rule("authorization.k8s.io", ["localsubjectaccessreviews"], ["create"]),
                _rule(GROUP, ["rolebindings", "roles"], [*_WRITE, *_READ]),
            ],
            to="admin",
        ),
        _gathered("admin", []),
        _gathered("edit", ["admin"]),
        _gathered("view", ["edit"]),
    ]  # fmt: skip
    bindings = [
        _binding("cluster-admin", [MASTERS]),
        _binding("system:basic-user", ["system:authenticated"]),
        _binding("system:discovery", ["system:authenticated"]),
        _binding("system:service-account-issuer-discovery", ["system:serviceaccounts"]),
        _binding("system:public-info-viewer", ["system:authenticated", "system:unauthenticated"]),
    ]
    return [*((CLUSTER_ROLES, role) for role in roles), *((CLUSTER_ROLE_BINDINGS, binding) for binding in bindings)]


def _rule(group: str, resources: list[str], verbs: list[str]) -> Object:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _metadata(name: str, to: list[str]) -> Object:
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults", **{f"{GROUP}/aggregate-to-{role}": "true" for role in to}}
    return {"name": name, "labels": labels}


def _role(name: str, rules: list[Object], *, to: str = "") -> Object:
    return {"metadata": _metadata(name, [to] if to else []), "rules": rules}


def _gathered(name: str, to: list[str]) -> Object:
    selector: dict[str, Any] = {"matchLabels": {f"{GROUP}/aggregate-to-{name}": "true"}}
    return {"metadata": _metadata(name, to), "aggregationRule": {"clusterRoleSelectors": [selector]}}


def _binding(role: str, groups: list[str]) -> Object:
    subjects = [{"kind": "Group", "apiGroup": GROUP, "name": group} for group in groups]
    return {
        "metadata": _metadata(role, []),
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    }
