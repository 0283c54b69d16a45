"""What the server says it serves."""

from __future__ import annotations

import aiohttp
import pytest

from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.registry import Registry

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)

WIDGETS = {
    "metadata": {"name": "widgets.x.dev"},
    "spec": {
        "group": "x.dev", "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"], "categories": ["all"]},
        "versions": [
            {"name": "v1", "served": True, "storage": True,
             "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}},
        ],
    },
}  # fmt: skip


async def test_aggregated_discovery_tells_all_in_two_documents(http: aiohttp.ClientSession) -> None:
    async with http.get("/api", headers={"Accept": AGGREGATED}) as response:
        assert response.headers["Content-Type"] == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        (core,) = (await response.json())["items"]
    (version,) = core["versions"]
    pods = next(r for r in version["resources"] if r["resource"] == "pods")
    assert pods["shortNames"] == ["po"]
    assert pods["scope"] == "Namespaced"
    assert pods["singularResource"] == "pod"
    subresources = {s["subresource"]: s["responseKind"]["kind"] for s in pods["subresources"]}
    assert subresources["exec"] == "PodExecOptions"
    assert subresources["status"] == "Pod"
    async with http.get("/apis", headers={"Accept": AGGREGATED}) as response:
        groups = (await response.json())["items"]
    assert "networking.k8s.io" in [group["metadata"]["name"] for group in groups]


async def test_the_older_way_tells_the_same(http: aiohttp.ClientSession) -> None:
    async with http.get("/apis") as response:
        groups = await response.json()
    assert groups["kind"] == "APIGroupList"
    for group in groups["groups"]:
        version = group["preferredVersion"]["groupVersion"]
        async with http.get(f"/apis/{version}") as response:
            told = await response.json()
        assert (told["kind"], told["groupVersion"]) == ("APIResourceList", version)
    async with http.get("/api/v1") as response:
        names = [resource["name"] for resource in (await response.json())["resources"]]
    assert {"pods", "pods/log", "namespaces/finalize", "serviceaccounts/token"} <= set(names)
    async with http.get("/apis/rbac.authorization.k8s.io") as response:
        assert (await response.json())["kind"] == "APIGroup"


async def test_a_custom_kind_is_told_as_soon_as_it_is_served(http: aiohttp.ClientSession, client: HttpClient) -> None:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, WIDGETS)
    async with http.get("/apis/x.dev/v1") as response:
        (widgets,) = [r for r in (await response.json())["resources"] if "/" not in r["name"]]
    assert (widgets["kind"], widgets["shortNames"], widgets["categories"]) == ("Widget", ["wd"], ["all"])
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, "widgets.x.dev")
    async with http.get("/apis/x.dev") as response:
        assert response.status == 404


async def test_the_steadiest_version_comes_first(http: aiohttp.ClientSession, registry: Registry) -> None:
    for version in ("v1alpha1", "v1", "v2", "v10beta2", "v1beta3"):
        registry.kinds.add(Kind(Resource("y.dev", version, "things", "Thing")))
    async with http.get("/apis/y.dev") as response:
        group = await response.json()
    assert [version["version"] for version in group["versions"]] == ["v2", "v1", "v10beta2", "v1beta3", "v1alpha1"]
    assert group["preferredVersion"]["version"] == "v2"


@pytest.mark.parametrize("path", ["/api/v2", "/apis/none", "/apis/none/v1"])
async def test_what_is_not_served_is_not_found(http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(path) as response:
        assert response.status == 404
