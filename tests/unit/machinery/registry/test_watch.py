"""Watches: bookmarks, forgotten history, the slow and the many."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CONFIG_MAPS, SECRETS
from boatyard.machinery.meta.errors import Gone, NotFound
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.caller import SYSTEM
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.store import watcher
from boatyard.machinery.store.memory import MemoryStore


async def make(client: EmbeddedClient, name: str) -> str:
    return (await client.create(CONFIG_MAPS, {"metadata": {"name": name}}, "default"))["metadata"]["resourceVersion"]


async def test_bookmarks_carry_a_quiet_watch_along(client: EmbeddedClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "IDLE_SECONDS", 0.02)
    start = await make(client, "a")
    elsewhere = await client.create(SECRETS, {"metadata": {"name": "s"}}, "default")
    async with asyncio.timeout(30), aclosing(client.watch(CONFIG_MAPS, "default", resource_version=start)) as events:
        async for type, obj in events:
            assert type == "BOOKMARK" and obj["kind"] == "ConfigMap"
            assert obj["metadata"] == {"resourceVersion": elsewhere["metadata"]["resourceVersion"]}
            return


async def test_no_bookmarks_for_who_wants_none(client: EmbeddedClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "IDLE_SECONDS", 0.01)
    start = await make(client, "a")
    async with aclosing(client.watch(CONFIG_MAPS, "default", resource_version=start, bookmarks=False)) as events:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await anext(events)


async def test_the_end_of_what_was_there_can_be_marked(registry: Registry, client: EmbeddedClient) -> None:
    await make(client, "a")
    found: list[str] = []
    async with aclosing(registry.watch(SYSTEM, CONFIG_MAPS, "default", initial_end=True)) as events:
        async for event in events:
            found.append(event.type)
            if event.type == "BOOKMARK":
                break
    assert found == ["ADDED", "BOOKMARK"]


async def test_a_revision_that_is_forgotten(client: EmbeddedClient, store: MemoryStore) -> None:
    start = await make(client, "a")
    await make(client, "b")
    await store.compact(store.revision)
    async with aclosing(client.watch(CONFIG_MAPS, "default", resource_version=start)) as events:
        with pytest.raises(Gone, match="too old resource version"):
            await anext(events)


async def test_a_slow_watcher_is_told_and_hurts_nobody(client: EmbeddedClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "BACKLOG", 10)
    start = await make(client, "first")
    slow = client.watch(CONFIG_MAPS, "default", resource_version=start)
    quick = client.watch(CONFIG_MAPS, "default", resource_version=start)
    async with aclosing(slow), aclosing(quick):
        first = [asyncio.ensure_future(anext(events)) for events in (slow, quick)]
        await make(client, "c0")
        assert [(await each).type for each in first] == ["ADDED", "ADDED"]
        for number in range(1, 30):
            await make(client, f"c{number}")
            assert (await anext(quick)).object["metadata"]["name"] == f"c{number}"
        with pytest.raises(Gone):
            for _ in range(40):
                await anext(slow)


async def test_a_kind_nobody_serves_is_refused_before_the_first_event(client: EmbeddedClient) -> None:
    with pytest.raises(NotFound):
        async with aclosing(client.watch(Resource("no.example.com", "v1", "things", "Thing"))) as events:
            await anext(events)


async def test_a_watch_that_is_left_leaves_nothing_behind(client: EmbeddedClient, store: MemoryStore) -> None:
    before = len(asyncio.all_tasks())
    for _ in range(20):
        async with aclosing(client.watch(CONFIG_MAPS, "default", resource_version="0")) as events:
            waiting = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
    assert len(asyncio.all_tasks()) == before and store._hub._by_prefix == {}


async def test_an_object_enters_and_leaves_what_a_selector_chooses(client: EmbeddedClient) -> None:
    start = await make(client, "a")
    watched = {"team=x": {"label_selector": "team=x"}, "name": {"field_selector": "metadata.name=a"}}
    told: dict[str, list[tuple[str, str]]] = {which: [] for which in watched}

    async def listen(which: str) -> None:
        async with aclosing(client.watch(CONFIG_MAPS, "default", resource_version=start, **watched[which])) as events:
            async for type, obj in events:
                told[which].append((type, obj["metadata"]["name"]))

    listening = [asyncio.ensure_future(listen(which)) for which in watched]
    await asyncio.sleep(0)
    for labels in ({"team": "x"}, {"team": "x", "more": "1"}, {"team": "y"}, {"team": None}):
        await client.patch(CONFIG_MAPS, "a", {"metadata": {"labels": labels}}, "default")
        await make(client, f"other-{labels['team']}-{len(labels)}".lower())
    async with asyncio.timeout(60):
        while len(told["team=x"]) < 3 or len(told["name"]) < 4:
            await asyncio.sleep(0.01)
    for _ in range(20):
        await asyncio.sleep(0)  # what should not come would come now
    for task in listening:
        task.cancel()
    await asyncio.wait(listening)
    assert told["team=x"] == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert told["name"] == [("MODIFIED", "a")] * 4
