"""Lists that are longer than what is kept in memory for one client."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.registry import documents, keys
from boatyard.machinery.registry import list as lists
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.store.store import Put

MAPS = "/api/v1/namespaces/default/configmaps"
COUNT, BYTES = 120, 100_000


@pytest.fixture
async def many(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Config maps of 12 MB in all: more than a connection takes without its reader."""
    monkeypatch.setattr(lists, "PART", 10)
    for number in range(COUNT):
        metadata = {"name": f"m{number:03}", "namespace": "default", "labels": {"odd": str(number % 2)}}
        obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "x" * BYTES}}
        key = keys.key(CONFIG_MAPS, "default", metadata["name"])
        await registry.ledger.commit([Put(key, documents.encode(obj))])


async def changed_meanwhile(registry: Registry, client: HttpClient, response: aiohttp.ClientResponse) -> bytes:
    """The rest of an answer, when the last object was changed and one was deleted after it had begun."""
    begun = await response.content.readexactly(1000)
    await client.patch(CONFIG_MAPS, f"m{COUNT - 1:03}", {"data": {"k": "new"}}, "default")
    await client.delete(CONFIG_MAPS, f"m{COUNT - 2:03}", "default")
    return begun + await response.read()


async def test_a_list_is_of_one_revision_however_long_it_takes(
    registry: Registry, client: HttpClient, http: aiohttp.ClientSession, many: None
) -> None:
    async with http.get(MAPS) as response:
        found = json.loads(await changed_meanwhile(registry, client, response))
        assert response.headers["Transfer-Encoding"] == "chunked"
    assert [item["metadata"]["name"] for item in found["items"]] == [f"m{number:03}" for number in range(COUNT)]
    assert {len(item["data"]["k"]) for item in found["items"]} == {BYTES}
    assert all(int(item["metadata"]["resourceVersion"]) <= int(found["metadata"]["resourceVersion"]) for item in found["items"])
    assert "continue" not in found["metadata"] and found["kind"] == "ConfigMapList"


async def test_a_selector_and_a_table_come_in_pieces_too(http: aiohttp.ClientSession, many: None) -> None:
    async with http.get(MAPS, params={"labelSelector": "odd=1"}) as response:
        found = json.loads(await response.read())
    assert [item["metadata"]["name"] for item in found["items"]] == [f"m{number:03}" for number in range(1, COUNT, 2)]
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    async with http.get(MAPS, headers=accept, params={"includeObject": "Object"}) as response:
        table = json.loads(await response.read())
    assert [row["cells"][0] for row in table["rows"]] == [f"m{number:03}" for number in range(COUNT)]
    assert table["columnDefinitions"][0]["name"] == "Name" and table["metadata"]["resourceVersion"]


async def test_what_can_not_go_on_breaks_off(
    registry: Registry, client: HttpClient, http: aiohttp.ClientSession, many: None
) -> None:
    """A list whose history is compacted away under it must not look like a whole one."""
    async with http.get(MAPS) as response:
        await response.content.readexactly(1000)
        await client.delete(CONFIG_MAPS, f"m{COUNT - 1:03}", "default")
        await registry.ledger.store.compact(registry.ledger.store.revision)
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_nobody_waits_for_one_who_takes_nothing(client: HttpClient, http: aiohttp.ClientSession, many: None) -> None:
    async with http.get(MAPS) as response:
        async with asyncio.timeout(30):
            assert (await client.get(CONFIG_MAPS, "m000", "default"))["metadata"]["name"] == "m000"
        assert response.status == 200
