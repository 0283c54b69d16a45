"""deletecollection, and the life of namespaces."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CONFIG_MAPS, NAMESPACES
from boatyard.machinery.meta.errors import AlreadyExists, Forbidden, Invalid

from .features import feature
from .wire import Wire

SECTION = "Delete"
HOLD = "suite.boatyard.dev/hold"
MERGE = "application/merge-patch+json"


@pytest_asyncio.fixture(loop_scope="session")
async def maps(client: Client, namespace: str) -> str:
    """The address of four config maps."""
    for number in range(4):
        labels = {"mine": "", "half": "low" if number < 2 else "high"}
        await client.create(CONFIG_MAPS, {"metadata": {"name": f"c{number}", "labels": labels}}, namespace)
    return f"/api/v1/namespaces/{namespace}/configmaps"


async def names(wire: Wire, maps: str) -> list[str]:
    return [item["metadata"]["name"] for item in (await wire("GET", f"{maps}?labelSelector=mine")).json["items"]]


@feature("a collection, by selectors, in pages, with preconditions and dry run")
async def test_by_selectors(wire: Wire, maps: str) -> None:
    answer = (await wire("DELETE", f"{maps}?labelSelector=half%3Dlow")).json
    assert answer["kind"] == "ConfigMapList" and [item["metadata"]["name"] for item in answer["items"]] == ["c0", "c1"]
    assert await names(wire, maps) == ["c2", "c3"]
    await wire("DELETE", f"{maps}?fieldSelector=metadata.name%3Dc3")
    assert await names(wire, maps) == ["c2"]


@feature("a collection, by selectors, in pages, with preconditions and dry run")
async def test_in_pages(wire: Wire, maps: str) -> None:
    first = (await wire("DELETE", f"{maps}?labelSelector=mine&limit=3")).json
    assert [item["metadata"]["name"] for item in first["items"]] == ["c0", "c1", "c2"]
    assert await names(wire, maps) == ["c3"]
    token = quote(first["metadata"]["continue"], safe="")
    rest = (await wire("DELETE", f"{maps}?labelSelector=mine&limit=3&continue={token}")).json
    assert [item["metadata"]["name"] for item in rest["items"]] == ["c3"] and "continue" not in rest["metadata"]


@feature("a collection, by selectors, in pages, with preconditions and dry run")
async def test_preconditions_and_dry_run(wire: Wire, maps: str) -> None:
    assert (await wire("DELETE", f"{maps}?labelSelector=mine&dryRun=All")).status == 200
    refused = await wire("DELETE", f"{maps}?labelSelector=mine", {"preconditions": {"uid": "other"}})
    assert refused.said[:2] == (409, "Conflict")
    assert len(await names(wire, maps)) == 4


@feature("a collection, by selectors, in pages, with preconditions and dry run")
async def test_finalizers_hold(wire: Wire, maps: str) -> None:
    await wire("PATCH", f"{maps}/c0", {"metadata": {"finalizers": [HOLD]}}, type=MERGE)
    await wire("DELETE", f"{maps}?labelSelector=mine")
    assert await names(wire, maps) == ["c0"]
    assert (await wire("GET", f"{maps}/c0")).json["metadata"]["deletionTimestamp"]
    await wire("PATCH", f"{maps}/c0", {"metadata": {"finalizers": None}}, type=MERGE)
    assert await names(wire, maps) == []


@feature("namespaces go one by one, not as a collection")
async def test_namespaces_are_no_collection(wire: Wire) -> None:
    assert (await wire("DELETE", "/api/v1/namespaces")).said[:2] == (405, "MethodNotAllowed")


@feature("namespaces: protected ones, and those that end")
@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_the_namespaces_that_stay(client: Client, name: str) -> None:
    with pytest.raises(Forbidden, match="this namespace may not be deleted"):
        await client.delete(NAMESPACES, name)


@feature("namespaces: protected ones, and those that end")
async def test_what_may_be_done_in_one_that_ends(wire: Wire, client: Client) -> None:
    made = await client.create(NAMESPACES, {"metadata": {"generateName": "suite-ends-", "finalizers": [HOLD]}})
    name = made["metadata"]["name"]
    maps = f"/api/v1/namespaces/{name}/configmaps"
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "finalizers": [HOLD]}}, name)
    await client.delete(NAMESPACES, name)
    refused = await wire("POST", maps, {"metadata": {"name": "late"}})
    assert refused.said[:2] == (403, "Forbidden")
    assert refused.json["details"]["causes"] == [
        {"reason": "NamespaceTerminating", "message": f"namespace {name} is being terminated", "field": "metadata.namespace"}
    ]
    changed = await client.patch(CONFIG_MAPS, "c", {"data": {"a": "1"}, "metadata": {"finalizers": None}}, name)
    assert changed["data"] == {"a": "1"}
    await client.delete(CONFIG_MAPS, "c", name)
    await client.patch(NAMESPACES, name, {"metadata": {"finalizers": None}})


@feature("`finalize` of a namespace: it goes when its content has gone and this says so")
async def test_finalize(wire: Wire, client: Client) -> None:
    made = await client.create(NAMESPACES, {"metadata": {"generateName": "suite-ends-"}})
    name = made["metadata"]["name"]
    await client.delete(NAMESPACES, name)
    ending = (await wire("GET", f"/api/v1/namespaces/{name}")).json
    assert ending["status"]["phase"] == "Terminating" and ending["spec"]["finalizers"] == ["kubernetes"]
    told = await wire("PUT", f"/api/v1/namespaces/{name}/finalize", {**ending, "spec": {"finalizers": []}})
    assert told.status == 200 and not told.json["spec"].get("finalizers")
    assert (await wire("GET", f"/api/v1/namespaces/{name}")).status == 404


async def _finalized(wire: Wire, client: Client) -> str:
    """The address of a namespace that nothing would hold."""
    made = await client.create(NAMESPACES, {"metadata": {"generateName": "suite-ends-"}})
    address = f"/api/v1/namespaces/{made['metadata']['name']}"
    assert (await wire("PUT", f"{address}/finalize", {**made, "spec": {"finalizers": []}})).status == 200
    return address


@feature("namespaces: marked by the first deletion, whatever holds them; the next, or the next write, ends them")
async def test_one_that_nothing_holds_is_marked_first(wire: Wire, client: Client) -> None:
    address = await _finalized(wire, client)
    tried = (await wire("DELETE", f"{address}?dryRun=All")).json
    assert tried["kind"] == "Namespace" and "deletionTimestamp" not in (await wire("GET", address)).json["metadata"]
    marked = (await wire("DELETE", address)).json
    assert marked["status"]["phase"] == "Terminating" and not marked["spec"].get("finalizers")
    assert (await wire("GET", address)).json["metadata"]["deletionTimestamp"] == marked["metadata"]["deletionTimestamp"]
    ended = await wire("DELETE", address)
    assert (ended.status, ended.json["kind"], ended.json["metadata"]["uid"]) == (200, "Namespace", marked["metadata"]["uid"])
    assert (await wire("GET", address)).status == 404


@feature("namespaces: marked by the first deletion, whatever holds them; the next, or the next write, ends them")
async def test_a_write_that_changes_nothing_ends_one_that_is_marked(wire: Wire, client: Client) -> None:
    address = await _finalized(wire, client)
    await wire("DELETE", address)
    assert (await wire("PATCH", f"{address}?dryRun=All", {}, type=MERGE)).status == 200
    assert (await wire("GET", address)).status == 200
    assert (await wire("PATCH", address, {}, type=MERGE)).json["status"]["phase"] == "Terminating"
    assert (await wire("GET", address)).status == 404


@feature("namespaces: marked by the first deletion, whatever holds them; the next, or the next write, ends them")
async def test_what_else_is_to_go_first_is_said_at_the_second_deletion_too(wire: Wire, client: Client) -> None:
    address = await _finalized(wire, client)
    first = (await wire("DELETE", f"{address}?propagationPolicy=Orphan")).json["metadata"]
    assert first["finalizers"] == ["orphan"] and "deletionGracePeriodSeconds" not in first
    second = (await wire("DELETE", f"{address}?propagationPolicy=Foreground")).json["metadata"]
    assert second["finalizers"] == ["foregroundDeletion"] and second["deletionGracePeriodSeconds"] == 0
    assert (await wire("DELETE", f"{address}?propagationPolicy=Background")).status == 200
    assert (await wire("GET", address)).status == 404


@feature("generateName", section="Create")
async def test_a_name_and_a_prefix(client: Client, namespace: str) -> None:
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "generateName": "c-"}}, namespace)
    assert made["metadata"]["name"] == "c"
    with pytest.raises(AlreadyExists):
        await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "generateName": "c-"}}, namespace)


@feature("a generated name that is taken: 409 with Retry-After", section="Create")
@pytest.mark.parametrize(("held", "before"), [(False, ""), (True, "object is being deleted: ")])
async def test_a_generated_name_that_is_taken(wire: Wire, namespace: str, held: bool, before: str) -> None:
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    body = {"metadata": {"name": "c", "generateName": "c-", **({"finalizers": ["suite.boatyard.dev/hold"]} if held else {})}}
    assert (await wire("POST", maps, body)).status == 201
    if held:
        await wire("DELETE", f"{maps}/c")
    told = await wire("POST", maps, body)
    words = f'{before}configmaps "c" already exists, the server was not able to generate a unique name for the object'
    assert told.said == (409, "AlreadyExists", words)
    assert told.json["details"] == {"name": "c", "kind": "configmaps", "retryAfterSeconds": 1}
    assert told.headers["Retry-After"] == "1"
    await wire("PATCH", f"{maps}/c", {"metadata": {"finalizers": None}}, type="application/merge-patch+json")


OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c0", "uid": "0"}
WRONG_OWNERS = [
    ([{**OWNER, "name": ""}], "metadata.ownerReferences.name"), ([{**OWNER, "uid": ""}], "metadata.ownerReferences.uid"),
    ([{**OWNER, "apiVersion": ""}], "metadata.ownerReferences.apiVersion"),
    ([{**OWNER, "controller": True}, {**OWNER, "uid": "1", "controller": True}], "metadata.ownerReferences"),
]  # fmt: skip


@feature("owner references: complete, at most one of a controller")
@pytest.mark.parametrize(("owners", "field"), WRONG_OWNERS)
async def test_owners_that_are_wrong(client: Client, namespace: str, owners: list[dict[str, str]], field: str) -> None:
    with pytest.raises(Invalid) as told:
        await client.create(CONFIG_MAPS, {"metadata": {"name": "owned", "ownerReferences": owners}}, namespace)
    assert field in [cause["field"] for cause in told.value.details["causes"]]


@feature("owner references: complete, at most one of a controller")
async def test_owners_of_other_kinds(client: Client, namespace: str) -> None:
    owner = await client.create(CONFIG_MAPS, {"metadata": {"name": "owner"}}, namespace)
    reference = {**OWNER, "name": "owner", "uid": owner["metadata"]["uid"], "blockOwnerDeletion": True, "controller": True}
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "owned", "ownerReferences": [reference]}}, namespace)
    assert made["metadata"]["ownerReferences"] == [reference]
