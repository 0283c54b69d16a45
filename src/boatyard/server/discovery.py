"""Discovery: which groups, versions and types there are. Aggregated (v2, v2beta1) in two documents, and the older many."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from boatyard.machinery.meta.core import NAMESPACES
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.kinds import Kinds
from boatyard.server.answers import answer
from boatyard.server.call import Call
from boatyard.server.media import parse

AGGREGATED_VERSIONS = ("v2", "v2beta1")

_SUBRESOURCES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    # group, version and kind of what is sent to it, and its verbs
    "scale": ("autoscaling", "v1", "Scale", ("get", "patch", "update")),
    "binding": ("", "v1", "Binding", ("create",)),
    "eviction": ("policy", "v1", "Eviction", ("create",)),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", ("create",)),
    "log": ("", "v1", "Pod", ("get",)),
    "exec": ("", "v1", "PodExecOptions", ("create", "get")),
    "attach": ("", "v1", "PodAttachOptions", ("create", "get")),
    "portforward": ("", "v1", "PodPortForwardOptions", ("create", "get")),
}
_OWN_VERBS = {"finalize": ("update",)}
_CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
"""In Kubernetes' own order for custom kinds, which kubectl shows."""
_STATUS_VERBS = ("get", "patch", "update")
_PATHS = (
    "/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v3", "/openid/v1/jwks",
    "/readyz", "/version",
)  # fmt: skip
_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")


class Discovery:
    """Documents about the served kinds, made again when those change."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._made: dict[str, Any] = {}
        self._generation = -1

    def answer(self, call: Call) -> web.Response | None:
        """The document of an address, or None when there is none."""
        if call.request.method not in ("GET", "HEAD"):
            return None
        path = call.request.path.rstrip("/")
        version = _aggregated(call) if path in ("/api", "/apis") else ""
        if version:
            type = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            return answer(self._document(f"{path}?{version}"), type=type)
        document = self._document(path)
        return None if document is None else answer(document)

    def _document(self, key: str) -> Any:
        if self._generation != self._kinds.generation:
            self._generation, self._made = self._kinds.generation, _documents(self._kinds.all())
        return self._made.get(key)


def _aggregated(call: Call) -> str:
    """The version of aggregated discovery that is asked for, or empty."""
    for _, parameters in parse(", ".join(call.request.headers.getall("Accept", ()))):
        if parameters.get("as") == "APIGroupDiscoveryList" and parameters.get("v") in AGGREGATED_VERSIONS:
            return parameters["v"]
    return ""


def _documents(kinds: list[Kind]) -> dict[str, Any]:
    """Every document by path; aggregated ones by path and version (``/apis?v2``)."""
    groups: dict[str, dict[str, list[Kind]]] = {}
    for kind in kinds:
        groups.setdefault(kind.resource.group, {}).setdefault(kind.resource.version, []).append(kind)
    made: dict[str, Any] = {
        "": {"paths": [*_PATHS]},
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
    }
    listed: list[dict[str, Any]] = []
    for group, versions in sorted(groups.items(), key=lambda item: (item[0].count(".") > 2, item[0])):
        names = sorted(versions, key=_priority, reverse=True)
        for version in names:
            address = f"/apis/{group}/{version}" if group else f"/api/{version}"
            made[address] = {
                "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/{version}" if group else version,
                "resources": [entry for kind in versions[version] for entry in _legacy(kind)],
            }  # fmt: skip
        if group:
            told = [{"groupVersion": f"{group}/{version}", "version": version} for version in names]
            listed.append({"name": group, "versions": told, "preferredVersion": told[0]})
            made[f"/apis/{group}"] = {"kind": "APIGroup", "apiVersion": "v1", **listed[-1]}
    made["/apis"] = {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
    order = ["", *(group["name"] for group in listed)]
    for version in AGGREGATED_VERSIONS:
        items = {group: _aggregated_group(group, groups[group]) for group in order if group in groups}
        frame = {"kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{version}", "metadata": {}}
        made[f"/api?{version}"] = {**frame, "items": [items[group] for group in items if not group]}
        made[f"/apis?{version}"] = {**frame, "items": [items[group] for group in items if group]}
    return made


def _legacy(kind: Kind) -> list[dict[str, Any]]:
    resource = kind.resource
    entry: dict[str, Any] = {
        "name": resource.plural, "singularName": _singular(kind), "namespaced": resource.namespaced, "kind": resource.kind,
        "verbs": verbs_of(kind),
    }  # fmt: skip
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    entries = [entry]
    for name in kind.subresources:
        group, version, kind_name, verbs = _subresource(kind, name)
        entry = {
            "name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced, "kind": kind_name,
            "verbs": list(verbs),
        }  # fmt: skip
        if (group, version) != (resource.group, resource.version):
            entry |= {"group": group, "version": version}
        entries.append(entry)
    return entries


def _aggregated_group(group: str, versions: dict[str, list[Kind]]) -> dict[str, Any]:
    told = [
        {"version": version, "freshness": "Current", "resources": [_aggregated_kind(kind) for kind in versions[version]]}
        for version in sorted(versions, key=_priority, reverse=True)
    ]
    return {"metadata": {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None}, "versions": told}


def _aggregated_kind(kind: Kind) -> dict[str, Any]:
    resource = kind.resource
    told: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster", "singularResource": _singular(kind), "verbs": verbs_of(kind),
    }  # fmt: skip
    if kind.short_names:
        told["shortNames"] = list(kind.short_names)
    if kind.categories:
        told["categories"] = list(kind.categories)
    if kind.subresources:
        told["subresources"] = []
        for name in kind.subresources:
            group, version, kind_name, verbs = _subresource(kind, name)
            response = {"group": group, "version": version, "kind": kind_name}
            told["subresources"].append({"subresource": name, "responseKind": response, "verbs": list(verbs)})
    return told


def _subresource(kind: Kind, name: str) -> tuple[str, str, str, tuple[str, ...]]:
    known = _SUBRESOURCES.get(name)
    resource = kind.resource
    return known or (resource.group, resource.version, resource.kind, _OWN_VERBS.get(name, _STATUS_VERBS))


def verbs_of(kind: Kind) -> list[str]:
    """What can be done with a kind. Namespaces are deleted one by one, as in Kubernetes."""
    if kind.custom is not None:
        return list(_CUSTOM_VERBS)
    return [verb for verb in kind.verbs if verb != "deletecollection" or kind.resource != NAMESPACES]


def _singular(kind: Kind) -> str:
    return kind.singular or kind.resource.kind.lower()


def _priority(version: str) -> tuple[int, int, int]:
    """Kubernetes' order of versions: v2 > v1 > v1beta2 > v1beta1 > v1alpha1."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return (0, 0, 0)
    return {None: 3, "beta": 2, "alpha": 1}[match[2]], int(match[1]), int(match[3] or 0)
