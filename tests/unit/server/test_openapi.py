"""OpenAPI documents over HTTP; what is in them is the schema room's."""

from __future__ import annotations

import aiohttp

from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS

from .test_discovery import WIDGETS


async def index(http: aiohttp.ClientSession) -> dict[str, str]:
    async with http.get("/openapi/v3") as response:
        return {path: entry["serverRelativeURL"] for path, entry in (await response.json())["paths"].items()}


async def test_every_group_has_a_document(http: aiohttp.ClientSession) -> None:
    told = await index(http)
    assert {"api/v1", "apis/rbac.authorization.k8s.io/v1", "apis/authorization.k8s.io/v1"} <= set(told)
    for address in told.values():
        async with http.get(address) as response:
            assert response.status == 200
            assert (await response.json())["openapi"] == "3.0.0"


async def test_a_document_may_be_kept_by_its_address(http: aiohttp.ClientSession) -> None:
    address = (await index(http))["api/v1"]
    async with http.get(address) as response:
        assert "immutable" in response.headers["Cache-Control"]
        tag = response.headers["ETag"]
    async with http.get("/openapi/v3/api/v1", headers={"If-None-Match": tag}) as response:
        assert (response.status, await response.read()) == (304, b"")


async def test_only_what_changes_is_made_anew(http: aiohttp.ClientSession, client: HttpClient) -> None:
    before = await index(http)
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, WIDGETS)
    after = await index(http)
    assert set(after) - set(before) == {"apis/x.dev/v1"}
    assert all(after[path] == address for path, address in before.items())
    async with http.get(after["apis/x.dev/v1"]) as response:
        assert "dev.x.v1.Widget" in (await response.json())["components"]["schemas"]
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, "widgets.x.dev")
    assert await index(http) == before


async def test_older_clients_get_version_2_as_they_take_it(http: aiohttp.ClientSession) -> None:
    accept = {"Accept": "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"}
    async with http.get("/openapi/v2", headers=accept) as response:
        document = await response.read()
    assert document.startswith(b"\x0a\x032.0")
    for expected in (b"#/definitions/v1.PodSpec", b"fieldValidation", b"x-kubernetes-patch-merge-key", b'"kind":"Pod"'):
        assert expected in document
    async with http.get("/openapi/v2") as response:
        assert response.status == 406


async def test_no_document(http: aiohttp.ClientSession) -> None:
    for path in ("/openapi/v3/api/v2", "/openapi/v3x", "/openapi"):
        async with http.get(path) as response:
            assert response.status == 404
