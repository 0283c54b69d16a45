"""Discovery and OpenAPI: what a client learns before it asks for anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .waiting import until
from .widgets import defined
from .wire import Wire

SECTION = "Discovery and OpenAPI"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
SPROCKETS = Resource("suite.boatyard.dev", "v1", "sprockets", "Sprocket")


def kinds(document: Any) -> Iterator[tuple[str, Any]]:
    """Every type of an aggregated document: ``group/version/plural`` and what is told of it."""
    for group in document["items"]:
        for version in group["versions"]:
            for found in version["resources"]:
                yield f"{group['metadata'].get('name', '')}/{version['version']}/{found['resource']}", found


async def announced(wire: Wire) -> bool:
    """Whether the widgets are in both forms of discovery: a kube-apiserver serves a kind before it tells of it."""
    aggregated = dict(kinds((await wire("GET", "/apis", accept=AGGREGATED)).json))
    groups = [group["name"] for group in (await wire("GET", "/apis")).json["groups"]]
    alone = await wire("GET", "/apis/suite.boatyard.dev/v1")
    resources = alone.json["resources"] if alone.status == 200 else ()
    return (
        "suite.boatyard.dev/v1/widgets" in aggregated and "suite.boatyard.dev" in groups
        and {"widgets", "widgets/status"} <= {one["name"] for one in resources}
    )  # fmt: skip


@feature("aggregated discovery (apidiscovery.k8s.io v2) in two documents")
async def test_aggregated(wire: Wire, widgets: Resource) -> None:
    await until(lambda: announced(wire))
    asked = f"{AGGREGATED},application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
    found: dict[str, Any] = {}
    for path in ("/api", "/apis"):
        answer = await wire("GET", f"{path}?timeout=32s", accept=asked)
        assert answer.type == AGGREGATED and answer.json["kind"] == "APIGroupDiscoveryList"
        assert answer.json["apiVersion"] == "apidiscovery.k8s.io/v2"
        found |= dict(kinds(answer.json))
    pods = found["/v1/pods"]
    assert pods["responseKind"]["kind"] == "Pod" and pods["scope"] == "Namespaced"
    assert pods["shortNames"] == ["po"] and pods["categories"] == ["all"] and pods["singularResource"] == "pod"
    assert {"log", "exec", "status", "eviction", "binding"} <= {sub["subresource"] for sub in pods["subresources"]}
    widget = found["suite.boatyard.dev/v1/widgets"]
    assert set(widget["verbs"]) == {"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"}


@feature("legacy discovery: groups, versions, types and subresources")
async def test_legacy(wire: Wire, widgets: Resource) -> None:
    await until(lambda: announced(wire))
    assert (await wire("GET", "/api")).json["versions"] == ["v1"]
    groups = {group["name"]: group for group in (await wire("GET", "/apis")).json["groups"]}
    told = groups["suite.boatyard.dev"]
    assert told["preferredVersion"] == {"groupVersion": "suite.boatyard.dev/v1", "version": "v1"}
    alone = (await wire("GET", "/apis/suite.boatyard.dev")).json
    assert (alone["kind"], alone["versions"]) == ("APIGroup", told["versions"])
    listed = (await wire("GET", "/apis/suite.boatyard.dev/v1")).json
    assert (listed["kind"], listed["groupVersion"]) == ("APIResourceList", "suite.boatyard.dev/v1")
    names = {entry["name"]: entry for entry in listed["resources"]}
    assert names["widgets"]["kind"] == "Widget" and names["widgets"]["namespaced"] and names["widgets"]["singularName"] == "widget"
    assert names["widgets/status"]["verbs"] == ["get", "patch", "update"]
    core = {entry["name"]: entry for entry in (await wire("GET", "/api/v1")).json["resources"]}
    assert core["pods/eviction"]["group"] == "policy" and core["pods/eviction"]["kind"] == "Eviction"


@feature("a custom kind is there and gone with its definition")
async def test_definitions_come_and_go(wire: Wire, client: Client) -> None:
    async def told() -> bool:
        document = (await wire("GET", "/apis", accept=AGGREGATED)).json
        return "suite.boatyard.dev/v1/sprockets" in dict(kinds(document))

    await defined(client, SPROCKETS)
    await until(told)
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, SPROCKETS.group_resource)

    async def forgotten() -> bool:
        return not await told()

    await until(forgotten)


@feature("OpenAPI v3: an index whose addresses change with what they lead to")
async def test_the_index(wire: Wire, widgets: Resource) -> None:
    async def there() -> bool:
        return "apis/suite.boatyard.dev/v1" in (await wire("GET", "/openapi/v3")).json["paths"]

    await until(there)
    paths = (await wire("GET", "/openapi/v3")).json["paths"]
    assert {"api/v1", "apis/rbac.authorization.k8s.io/v1"} <= paths.keys()
    address = paths["api/v1"]["serverRelativeURL"]
    path, _, tag = address.partition("?hash=")
    assert path == "/openapi/v3/api/v1" and len(tag) >= 64
    document = await wire("GET", address)
    assert document.json["openapi"].startswith("3.") and "immutable" in document.headers["Cache-Control"]
    unchanged = await wire("GET", path, headers={"If-None-Match": document.headers["ETag"]})
    assert (unchanged.status, unchanged.body) == (304, b"")


def referred(schemas: Any, node: Any) -> Any:
    """The schema that a node refers to, also from within ``allOf``."""
    reference = node.get("$ref") or node["allOf"][0]["$ref"]
    return schemas[reference.rpartition("/")[2]]


@feature("OpenAPI v3: schemas with kind, list types and merge keys; patches that take fieldValidation")
async def test_a_document(wire: Wire) -> None:
    document = (await wire("GET", "/openapi/v3/api/v1")).json
    pod = {"group": "", "version": "v1", "kind": "Pod"}
    schemas = document["components"]["schemas"]
    (found,) = (one for one in schemas.values() if one.get("x-kubernetes-group-version-kind") == [pod])
    containers = referred(schemas, found["properties"]["spec"])["properties"]["containers"]
    assert containers["x-kubernetes-list-type"] == "map" and containers["x-kubernetes-list-map-keys"] == ["name"]
    assert containers["x-kubernetes-patch-strategy"] == "merge" and containers["x-kubernetes-patch-merge-key"] == "name"
    patch = document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == pod
    assert patch["x-kubernetes-action"] == "patch"
    assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
    assert {"application/strategic-merge-patch+json", "application/apply-patch+yaml"} <= patch["requestBody"]["content"].keys()


@feature("OpenAPI v3 of a custom kind: its own schema, and no strategic merge patch")
async def test_a_custom_document(wire: Wire, widgets: Resource) -> None:
    async def there() -> bool:
        answer = await wire("GET", "/openapi/v3/apis/suite.boatyard.dev/v1")
        return answer.status == 200 and b'"Widget"' in answer.body

    await until(there)
    document = (await wire("GET", "/openapi/v3/apis/suite.boatyard.dev/v1")).json
    (schema,) = (
        found
        for found in document["components"]["schemas"].values()
        if {"group": "suite.boatyard.dev", "version": "v1", "kind": "Widget"} in found.get("x-kubernetes-group-version-kind", ())
    )
    assert schema["properties"]["spec"]["properties"]["size"] == {"type": "integer", "minimum": 1}
    path = document["paths"]["/apis/suite.boatyard.dev/v1/namespaces/{namespace}/widgets/{name}"]
    assert "application/strategic-merge-patch+json" not in path["patch"]["requestBody"]["content"]


@feature("OpenAPI v2 as protobuf, for kubectl before 1.29")
async def test_version_2(wire: Wire) -> None:
    answer = await wire("GET", "/openapi/v2", accept=V2)
    assert answer.status == 200 and answer.body.startswith(b"\n\x032.0") and b"PodSpec" in answer.body


@feature("the list of addresses (/)")
async def test_the_list_of_addresses(wire: Wire) -> None:
    assert {"/api", "/api/v1", "/apis", "/healthz", "/livez", "/readyz", "/openapi/v3", "/version"} <= set(
        (await wire("GET", "/")).json["paths"]
    )
