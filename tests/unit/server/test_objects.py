"""The verbs over HTTP."""

from __future__ import annotations

import aiohttp
import pytest
import yarl

from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.meta.core import CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, NODES, SECRETS
from boatyard.machinery.meta.errors import AlreadyExists, BadRequest, Conflict, NotFound
from boatyard.machinery.meta.resource import Resource

MAPS = "/api/v1/namespaces/default/configmaps"


def config_map(name: str, **data: str) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


async def test_an_object_lives_its_life(client: HttpClient) -> None:
    made = await client.create(CONFIG_MAPS, config_map("a", x="1"))
    assert made["metadata"]["uid"]
    assert await client.get(CONFIG_MAPS, "a", "default") == made
    made["data"]["x"] = "2"
    updated = await client.update(CONFIG_MAPS, made)
    assert updated["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    patched = await client.patch(CONFIG_MAPS, "a", {"data": {"y": "3"}}, "default")
    assert patched["data"] == {"x": "2", "y": "3"}
    await client.delete(CONFIG_MAPS, "a", "default")
    with pytest.raises(NotFound, match='configmaps "a" not found'):
        await client.get(CONFIG_MAPS, "a", "default")


async def test_refusals_come_back_as_what_they_are(client: HttpClient) -> None:
    made = await client.create(CONFIG_MAPS, config_map("a"))
    with pytest.raises(AlreadyExists):
        await client.create(CONFIG_MAPS, config_map("a"))
    await client.patch(CONFIG_MAPS, "a", {"data": {"y": "3"}}, "default")
    with pytest.raises(Conflict, match="the object has been modified"):
        await client.update(CONFIG_MAPS, made)
    with pytest.raises(Conflict, match="does not match the UID in record"):
        await client.delete(CONFIG_MAPS, "a", "default", uid="another")
    with pytest.raises(BadRequest):
        await client.list(CONFIG_MAPS, label_selector="a in (")
    with pytest.raises(NotFound):
        await client.create(CONFIG_MAPS, {"metadata": {"name": "b"}}, "nowhere")


async def test_lists_come_in_pages(client: HttpClient) -> None:
    for number in range(5):
        await client.create(SECRETS, {"metadata": {"name": f"s{number}", "namespace": "default", "labels": {"n": str(number)}}})
    first = await client.list(SECRETS, "default", limit=2)
    assert [s["metadata"]["name"] for s in first.items] == ["s0", "s1"]
    assert first.remaining == 3
    second = await client.list(SECRETS, "default", limit=3, continue_token=first.continue_token)
    assert [s["metadata"]["name"] for s in second.items] == ["s2", "s3", "s4"]
    assert not second.continue_token
    chosen = await client.list(SECRETS, label_selector="n in (1,3)")
    assert [(s["kind"], s["metadata"]["name"]) for s in chosen.items] == [("Secret", "s1"), ("Secret", "s3")]


async def test_yaml_goes_in_and_out(http: aiohttp.ClientSession) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: told}\ndata: {at: '22:22'}\n"
    async with http.post(MAPS, data=text, headers={"Content-Type": "application/yaml"}) as response:
        assert response.status == 201
    async with http.get(f"{MAPS}/told", headers={"Accept": "application/yaml"}) as response:
        assert response.content_type == "application/yaml"
        assert "at: '22:22'" in await response.text()


@pytest.mark.parametrize(
    ("body", "type", "status", "told"),
    [
        (b"{", "application/json", 400, "not valid JSON"),
        (b"[]", "application/json", 400, "must be an object"),
        (b"", "application/json", 400, "is empty"),
        (b"a: {", "application/yaml", 400, "line"),
        (b"x", "text/plain", 415, "unknown format"),
        (b"[" * 100_000, "application/json", 400, "not valid JSON"),
        (b'{"a": 1e400}', "application/json", 400, "out of range"),
        (b"\xff\xfe", "application/json", 400, "JSON"),
        (b" " * (3 << 20) + b"{}", "application/json", 413, "limit is 3145728"),
    ],
)  # fmt: skip
async def test_bad_bodies_are_told_apart(http: aiohttp.ClientSession, body: bytes, type: str, status: int, told: str) -> None:
    async with http.post(MAPS, data=body, headers={"Content-Type": type}) as response:
        assert response.status == status
        answer = await response.json()
    assert answer["kind"] == "Status"
    assert told in answer["message"]


async def test_numbers_are_read_as_go_reads_them(http: aiohttp.ClientSession) -> None:
    kind = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    spec = {
        "group": "numbers.example.com", "scope": "Cluster", "names": {"plural": "numbers", "kind": "Number"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": kind}],
    }  # fmt: skip
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await http.post(definitions, json={"metadata": {"name": "numbers.numbers.example.com"}, "spec": spec})
    numbers = "2.0, 1e2, 1.50, 99999999999999999999, 12345678901234567890123"
    body = f'{{"apiVersion": "numbers.example.com/v1", "kind": "Number", "metadata": {{"name": "n"}}, "a": [{numbers}]}}'
    headers = {"Content-Type": "application/json"}
    async with http.post("/apis/numbers.example.com/v1/numbers", data=body, headers=headers) as response:
        assert '"a":[2,100,1.5,100000000000000000000,1.2345678901234568e22]' in await response.text()


async def test_what_a_custom_document_is_it_says_itself(http: aiohttp.ClientSession) -> None:
    spec = {
        "group": "said.example.com", "scope": "Cluster", "names": {"plural": "saids", "kind": "Said"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}],
    }  # fmt: skip
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await http.post(definitions, json={"metadata": {"name": "saids.said.example.com"}, "spec": spec})
    whole = {"apiVersion": "said.example.com/v1", "kind": "Said", "metadata": {"name": "n"}}
    for member, status in (("apiVersion", 400), ("kind", 400), ("metadata", 422)):
        part = {name: value for name, value in whole.items() if name != member}
        async with http.post("/apis/said.example.com/v1/saids", json=part) as response:
            assert response.status == status
    async with http.post("/apis/said.example.com/v1/saids", json={**whole, "kind": "Other"}) as response:
        assert response.status == 422 and 'kind: Invalid value: "Other": must be Said' in (await response.json())["message"]
    for query, status in ("?limit=x", 400), ("?resourceVersionMatch=Exact", 422), ("", 406):
        async with http.get(f"/apis/said.example.com/v1/saids{query}", headers={"Accept": "text/html"}) as response:
            assert response.status == status, "a list of custom objects is first judged by what it is asked with"


async def test_who_cant_be_answered_isnt_heard(http: aiohttp.ClientSession) -> None:
    async with http.post(MAPS, json={"metadata": {"name": "unheard"}}, headers={"Accept": "text/html"}) as response:
        assert response.status == 406
    assert (await http.get(f"{MAPS}/unheard")).status == 404


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/api/v1/nosuchthings", 404), ("GET", "/api/v2/pods", 404), ("GET", "/apis/no.such/v1/things", 404),
        ("GET", "/api/v1/configmaps/x", 404), ("GET", "/api/v1/namespaces/default/nodes", 404),
        ("GET", "/", 200), ("GET", "/x", 404),
        ("POST", "/api/v1/configmaps", 405), ("PUT", MAPS, 405), ("DELETE", "/api", 404), ("GET", MAPS + "/x/status", 404),
        ("GET", MAPS + "?limit=x", 400), ("GET", MAPS + "?resourceVersionMatch=x", 422),
        ("POST", MAPS + "?dryRun=Some", 422), ("POST", MAPS + "?fieldValidation=x", 422),
        ("TRACE", MAPS, 405), ("DELETE", "/api/v1/namespaces", 405), ("DELETE", "/api/v1/configmaps", 405),
        ("GET", MAPS + "?timeoutSeconds=x", 400), ("GET", MAPS + "?limit=%2B1", 200), ("GET", MAPS + "?fieldSelector=%3D", 200),
        ("GET", MAPS + "?fieldSelector=%20metadata.name=a", 400), ("PUT", MAPS + "/x/status?dryRun=x", 404),
    ],
)  # fmt: skip
async def test_addresses_that_mean_nothing(http: aiohttp.ClientSession, method: str, address: str, status: int) -> None:
    async with http.request(method, address, json={"metadata": {"name": "x"}} if method in ("POST", "PUT") else None) as response:
        assert response.status == status
        if status != 200:
            assert (await response.json())["kind"] == "Status"


@pytest.mark.parametrize("type", ["merge", "json", "strategic-merge"])
async def test_of_a_patch_the_options_are_told_first_then_that_nothing_is_there(http: aiohttp.ClientSession, type: str) -> None:
    headers = {"Content-Type": f"application/{type}-patch+json"}
    for address, status in ((f"{MAPS}/x?force=1", 422), (f"{MAPS}/x", 404), ("/api/v1/namespaces/default/serviceaccounts/x", 404)):
        async with http.patch(address, data=b"{", headers=headers) as response:
            assert response.status == status
    async with http.patch("/api/v1/namespaces/default", data=b"{", headers=headers) as response:
        assert response.status == 400


async def test_what_the_old_option_of_deletions_means(client: HttpClient, http: aiohttp.ClientSession) -> None:
    for name in "abc":
        held = ["x.y/z"] if name != "c" else []
        await client.create(CONFIG_MAPS, {"metadata": {"name": name, "finalizers": held}}, "default")
    for name, asked, status in (("a", "?orphanDependents=false", 202), ("b", "?orphanDependents=true", 200), ("c", "", 200)):
        async with http.delete(f"{MAPS}/{name}{asked}", json=None if asked else {"orphanDependents": False}) as response:
            assert response.status == status
    assert (await client.get(CONFIG_MAPS, "b", "default"))["metadata"]["finalizers"] == ["x.y/z", "orphan"]


async def test_what_a_patch_has_twice_is_told_or_refused(http: aiohttp.ClientSession) -> None:
    data, headers = b'{"metadata":{"labels":{"a":"1"},"labels":{"b":"1"}}}', {"Content-Type": "application/merge-patch+json"}
    async with http.patch("/api/v1/namespaces/default", data=data, headers=headers) as response:
        assert response.status == 200 and response.headers["Warning"] == '299 - "duplicate field \\"metadata.labels\\""'
    async with http.patch("/api/v1/namespaces/default?fieldValidation=Strict", data=data, headers=headers) as response:
        assert response.status == 422 and 'duplicate field "metadata.labels"' in (await response.json())["message"]
    data, headers["Content-Type"] = b'[{"op":"test","op":"test","path":"/kind","value":"Namespace"}]', "application/json-patch+json"
    async with http.patch("/api/v1/namespaces/default", data=data, headers=headers) as response:
        assert response.status == 200 and response.headers["Warning"] == '299 - "json patch duplicate field \\"[0].op\\""'
    async with http.patch("/api/v1/namespaces/nowhere", data=data, headers=headers) as response:
        assert response.status == 404 and "Warning" not in response.headers


NOPE = "application/json;as=Nope;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("method", "address", "accept", "type", "body", "status"),
    [
        ("GET", "?labelSelector=a%3D(&resourceVersionMatch=Exact", "", "", None, 400),
        ("GET", "?watch=1&labelSelector=a%3D(&resourceVersionMatch=Exact", "", "", None, 400),
        ("GET", "?fieldSelector=spec.nope%3Dx&resourceVersionMatch=Exact", "", "", None, 422),
        ("GET", "?labelSelector=!", NOPE, "", None, 400),
        ("GET", "?resourceVersionMatch=Exact", NOPE, "", None, 422),
        ("GET", "?watch=1&resourceVersionMatch=Exact", NOPE, "", None, 422),
        ("GET", "?fieldSelector=spec.nope%3Dx", NOPE, "", None, 406),
        ("GET", "?limit=x", "text/html", "", None, 406),
        ("DELETE", "?labelSelector=!", "", "", b'{"propagationPolicy":"Nope"}', 400),
        ("DELETE", "?fieldSelector=spec.nope%3Dx", "", "", b'{"propagationPolicy":"Nope"}', 400),
        ("POST", "?dryRun=x", "", "text/plain", b"x", 415),
        ("POST", "", "", "", b"", 400),
        ("POST", "", "", "application/yaml", b"", 422),
        ("PUT", "/a?dryRun=x", "", "text/plain", b"x", 422),
        ("POST", "/a", "text/html", "", b"{}", 405),
        ("PATCH", "", NOPE, "text/plain", b"x", 405),
        ("PATCH", "/a?dryRun=x", NOPE, "text/plain", b"x", 415),
        ("PATCH", "/a?dryRun=x", NOPE, "application/merge-patch+json", b"x", 406),
        ("DELETE", "/a?gracePeriodSeconds=x", "", "", b"{}", 404),
        ("DELETE", "/a?gracePeriodSeconds=x", "", "", None, 400),
    ],
)
async def test_of_several_faults_the_one_is_told_that_kubernetes_meets_first(
    http: aiohttp.ClientSession, method: str, address: str, accept: str, type: str, body: bytes | None, status: int
) -> None:
    headers = {"Accept": accept or "application/json", "Content-Type": type or "application/json"}
    async with http.request(method, yarl.URL(MAPS + address, encoded=True), data=body, headers=headers) as response:
        assert response.status == status, await response.text()


async def test_a_status_write_keeps_the_spec(client: HttpClient) -> None:
    await client.create(NODES, {"metadata": {"name": "n1"}, "spec": {"unschedulable": True}})
    node = await client.patch(NODES, "n1", {"spec": {"unschedulable": False}, "status": {"phase": "Running"}}, subresource="status")
    assert (node["spec"], node["status"]["phase"]) == ({"unschedulable": True}, "Running")
    assert (await client.get(NODES, "n1", subresource="status"))["status"]["phase"] == "Running"


async def test_a_dry_run_writes_nothing(client: HttpClient) -> None:
    await client.create(CONFIG_MAPS, config_map("dry"), dry_run=True)
    with pytest.raises(NotFound):
        await client.get(CONFIG_MAPS, "dry", "default")


async def test_a_scale_is_shown_in_columns_of_its_own(client: HttpClient, http: aiohttp.ClientSession) -> None:
    version = {
        "name": "v1", "served": True, "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        "subresources": {"scale": {"specReplicasPath": ".spec.masts", "statusReplicasPath": ".status.masts"}},
    }  # fmt: skip
    spec = {"group": "x.dev", "scope": "Cluster", "names": {"plural": "ships", "kind": "Ship"}, "versions": [version]}
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": "ships.x.dev"}, "spec": spec})
    await client.create(Resource("x.dev", "v1", "ships", "Ship", False), {"metadata": {"name": "mary"}, "spec": {"masts": 3}})
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    async with http.get("/apis/x.dev/v1/ships/mary/scale", headers=accept) as response:
        table = await response.json()
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
    assert table["rows"][0]["cells"][:3] == ["mary", "3", "0"]
    async with http.put("/apis/x.dev/v1/ships", data=b"x") as response:
        assert response.status == 400 and (await response.json())["message"] == "name must be provided"
    async with http.patch("/apis/x.dev/v1/ships", headers={"Content-Type": "application/strategic-merge-patch+json"}) as response:
        assert response.status == 415
    for query, status in (("?limit=x", 400), ("?watch=1&limit=x", 400), ("", 406), ("?watch=1", 406)):
        async with http.get("/apis/x.dev/v1/ships" + query, headers={"Accept": "text/html"}) as response:
            assert response.status == status
    for method, address, status in (("GET", "mary/status", 404), ("DELETE", "mary/scale", 405), ("PATCH", "mary/nope", 404)):
        async with http.request(method, f"/apis/x.dev/v1/ships/{address}", data=b"x") as response:
            told = await response.json()
            assert response.status == status and told["details"] == {"group": "x.dev", "kind": "ships"} | (
                {"name": "mary"} if status == 404 else {}
            )
