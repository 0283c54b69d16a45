"""Watches over HTTP: order, ends, bookmarks, forms."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import aiohttp
import pytest

from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import ApiError, BadRequest, Gone
from boatyard.machinery.registry.registry import Registry
from boatyard.server import server as server_module
from boatyard.server.server import ApiServer

MAPS = "/api/v1/namespaces/default/configmaps"


def config_map(name: str, **labels: str) -> dict:
    return {"metadata": {"name": name, "namespace": "default", "labels": labels}}


async def lines(response: aiohttp.ClientResponse, count: int) -> list[dict]:
    return [json.loads(await response.content.readline()) for _ in range(count)]


async def test_changes_arrive_in_order(client: HttpClient) -> None:
    start = (await client.list(CONFIG_MAPS)).resource_version
    seen = []

    async def follow() -> None:
        async with aclosing(client.watch(CONFIG_MAPS, resource_version=start)) as events:
            async for event in events:
                seen.append((event.type, event.object["metadata"]["name"]))
                if event.type == "DELETED":
                    return

    following = asyncio.create_task(follow())
    await client.create(CONFIG_MAPS, config_map("a"))
    await client.patch(CONFIG_MAPS, "a", {"data": {"x": "1"}}, "default")
    await client.delete(CONFIG_MAPS, "a", "default")
    await asyncio.wait_for(following, 30)
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_what_leaves_the_selection_is_deleted_for_the_watcher(client: HttpClient, http: aiohttp.ClientSession) -> None:
    await client.create(CONFIG_MAPS, config_map("a", team="x"))
    async with http.get(MAPS, params={"watch": "1", "labelSelector": "team=x"}) as response:
        assert [event["type"] for event in await lines(response, 1)] == ["ADDED"]
        await client.patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"team": "y"}}}, "default")
        assert [event["type"] for event in await lines(response, 1)] == ["DELETED"]


async def test_the_server_ends_it_when_asked(http: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(30):
        async with http.get(MAPS, params={"watch": "true", "timeoutSeconds": "1"}) as response:
            assert response.status == 200
            assert await response.read() == b""


async def test_a_compacted_revision_is_gone(client: HttpClient, registry: Registry, http: aiohttp.ClientSession) -> None:
    start = (await client.list(CONFIG_MAPS)).resource_version
    for number in range(3):
        await client.create(CONFIG_MAPS, config_map(f"m{number}"))
    await registry.ledger.store.compact(registry.ledger.store.revision)
    with pytest.raises(Gone):
        async for _ in client.watch(CONFIG_MAPS, resource_version=start):
            pass
    async with http.get(MAPS, params={"watch": "true", "resourceVersion": start}) as response:
        (event,) = await lines(response, 1)
    assert (response.status, event["type"], event["object"]["code"]) == (200, "ERROR", 410)


async def test_refusals_are_plain_answers(client: HttpClient) -> None:
    with pytest.raises(BadRequest):
        async for _ in client.watch(CONFIG_MAPS, resource_version="x"):
            pass
    with pytest.raises(ApiError, match="Too large resource version"):
        async for _ in client.watch(CONFIG_MAPS, resource_version="99999"):
            pass


async def test_the_end_of_what_was_there_is_marked(client: HttpClient, http: aiohttp.ClientSession) -> None:
    await client.create(CONFIG_MAPS, config_map("a"))
    query = {
        "watch": "true", "sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan",
        "resourceVersion": "0",
    }  # fmt: skip
    async with http.get(MAPS, params=query) as response:
        added, mark = await lines(response, 2)
    assert added["type"] == "ADDED"
    assert mark["type"] == "BOOKMARK"
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert "annotations" not in added["object"]["metadata"]


async def test_a_table_watch_names_its_columns_once(client: HttpClient, http: aiohttp.ClientSession) -> None:
    for name in "ab":
        await client.create(CONFIG_MAPS, config_map(name))
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    async with http.get(MAPS, params={"watch": "true"}, headers=accept) as response:
        first, second = await lines(response, 2)
    assert [c["name"] for c in first["object"]["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert second["object"]["columnDefinitions"] == []
    assert second["object"]["rows"][0]["cells"][0] == "b"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that breaks off nothing of its own accord when it is stopped."""
    monkeypatch.setattr(server_module, "SHUTDOWN_SECONDS", 3600)


@pytest.mark.usefixtures("patient")
async def test_stopping_the_server_ends_watches_cleanly(client: HttpClient, server: ApiServer) -> None:
    begun = asyncio.Event()

    async def follow() -> int:
        count = 0
        async for _ in client.watch(CONFIG_MAPS):
            begun.set()
            count += 1
        return count

    await client.create(CONFIG_MAPS, config_map("a"))
    following = asyncio.create_task(follow())
    await asyncio.wait_for(begun.wait(), 30)
    await asyncio.wait_for(server.stop(), 60)
    assert await asyncio.wait_for(following, 30) == 1


async def test_who_goes_away_leaves_nothing_behind(client: HttpClient, server: ApiServer) -> None:
    await client.create(CONFIG_MAPS, config_map("a"))
    for _ in range(3):
        async with aclosing(client.watch(CONFIG_MAPS)) as events:
            await anext(events)
    async with asyncio.timeout(60):
        while server._watches._running:
            await asyncio.sleep(0.02)
