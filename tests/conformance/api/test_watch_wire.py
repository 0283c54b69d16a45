"""Watches as they come over the wire: where they begin, what ends them, what is sent between."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CONFIG_MAPS

from .features import feature, without
from .subjects import Subject
from .waiting import told_of
from .wire import Wire

SECTION = "Watches"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
END = "k8s.io/initial-events-end"


def address(namespace: str, query: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps?watch=true&labelSelector=mine&{query}"


async def make(client: Client, namespace: str, name: str, **data: str) -> str:
    """A config map of these tests; its revision."""
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": name, "labels": {"mine": ""}}, "data": data}, namespace)
    return made["metadata"]["resourceVersion"]


@feature("from a list on: a JSON event a line, chunked")
async def test_what_a_watch_looks_like(wire: Wire, client: Client, namespace: str) -> None:
    seen = (await client.list(CONFIG_MAPS, namespace)).resource_version
    await make(client, namespace, "a", k="v")
    async with wire.watch(address(namespace, f"resourceVersion={seen}")) as events:
        assert events.response.headers["Content-Type"] == "application/json"
        assert events.response.headers["Transfer-Encoding"] == "chunked"
        event = await events.next()
    assert event["type"] == "ADDED" and event.keys() == {"type", "object"}
    found = event["object"]
    assert (found["apiVersion"], found["kind"], found["data"]) == ("v1", "ConfigMap", {"k": "v"})


@feature("from nothing or 0: what is there comes first")
@pytest.mark.parametrize("begin", ["", "resourceVersion=0"])
async def test_from_nothing_and_from_zero(wire: Wire, client: Client, namespace: str, begin: str) -> None:
    await make(client, namespace, "a")
    await make(client, namespace, "b")
    async with wire.watch(address(namespace, begin)) as events:
        assert sorted(await events.some(2)) == [("ADDED", "a"), ("ADDED", "b")]
        await client.delete(CONFIG_MAPS, "a", namespace)
        assert await events.some(1) == [("DELETED", "a")]


@feature("timeoutSeconds ends it, without an error")
async def test_it_ends_when_its_time_is_up(wire: Wire, client: Client, namespace: str) -> None:
    begun = time.monotonic()
    seen = await make(client, namespace, "a")
    async with wire.watch(address(namespace, f"resourceVersion={seen}&timeoutSeconds=1")) as events:
        assert await events.rest() == []
    assert 0.5 < time.monotonic() - begun < 60


@feature("no bookmarks unless asked for")
async def test_no_bookmark_unasked(wire: Wire, client: Client, namespace: str) -> None:
    await told_of(client, CONFIG_MAPS, namespace, await make(client, namespace, "a"))
    async with wire.watch(address(namespace, "resourceVersion=0&timeoutSeconds=1")) as events:
        assert [event["type"] for event in await events.rest()] == ["ADDED"]


@feature("bookmarks (allowWatchBookmarks): one before the watch ends, with nothing but a revision")
async def test_a_bookmark_before_the_end(wire: Wire, client: Client, namespace: str) -> None:
    seen = await make(client, namespace, "a")
    found: list[dict[str, Any]] = []
    for seconds in (3, 30):  # a kube-apiserver tells two seconds before the end, and only of what has come to it during the watch
        query = f"resourceVersion={seen}&timeoutSeconds={seconds}&allowWatchBookmarks=true"
        async with wire.watch(address(namespace, query)) as events:
            await client.create(CONFIG_MAPS, {"metadata": {"generateName": "unseen-"}}, namespace)
            found = await events.rest()
        if found:
            break
    assert [event["type"] for event in found][-1:] == ["BOOKMARK"]
    last = found[-1]["object"]
    assert (last["apiVersion"], last["kind"]) == ("v1", "ConfigMap")
    assert int(last["metadata"]["resourceVersion"]) > int(seen) and not last["metadata"].get("name")


@feature("streaming lists (sendInitialEvents): what is there, a BOOKMARK that says so, then changes")
@pytest.mark.parametrize("begin", ["", "&resourceVersion={}", "&resourceVersion=0"])
async def test_a_streaming_list(wire: Wire, client: Client, namespace: str, begin: str) -> None:
    await make(client, namespace, "a")
    seen = await make(client, namespace, "b")
    await told_of(client, CONFIG_MAPS, namespace, seen)
    query = f"sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true{begin.format(seen)}"
    async with wire.watch(address(namespace, query)) as events:
        assert sorted(await events.some(2)) == [("ADDED", "a"), ("ADDED", "b")]
        event = await events.next()
        assert event["type"] == "BOOKMARK" and event["object"]["metadata"]["annotations"] == {END: "true"}
        assert int(event["object"]["metadata"]["resourceVersion"]) >= int(seen)
        await make(client, namespace, "c")
        assert await events.some(1) == [("ADDED", "c")]


@feature("streaming lists (sendInitialEvents): what is there, a BOOKMARK that says so, then changes")
async def test_a_streaming_list_whose_client_takes_no_bookmarks(wire: Wire, client: Client, namespace: str) -> None:
    seen = await make(client, namespace, "a")
    query = f"sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion={seen}"
    async with wire.watch(address(namespace, query)) as events:
        assert await events.some(1) == [("ADDED", "a")]
        await make(client, namespace, "b")
        assert await events.some(1) == [("ADDED", "b")]


@feature("sendInitialEvents=false: only what changes from now on")
async def test_without_what_is_there(wire: Wire, client: Client, namespace: str) -> None:
    await make(client, namespace, "a")
    async with wire.watch(address(namespace, "sendInitialEvents=false&resourceVersionMatch=NotOlderThan")) as events:
        await make(client, namespace, "b")
        assert await events.some(1) == [("ADDED", "b")]


@feature("410 as an ERROR event when the history doesn't reach back")
async def test_a_revision_that_is_forgotten(subject: Subject, wire: Wire, client: Client, namespace: str) -> None:
    await make(client, namespace, "a")
    forgotten = await subject.forgotten(int(await make(client, namespace, "b")))
    async with wire.watch(address(namespace, f"resourceVersion={forgotten}")) as events:
        event = await events.next()
        assert await events.rest() == []
    assert event["type"] == "ERROR"
    status = event["object"]
    assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
    assert status["message"].startswith("too old resource version: ")


@feature("a watch from a revision that is not reached yet: 504 with Retry-After")
@without("kubernetes", because="it waits until the revision is reached, for as long as the watch may last")
async def test_the_future(wire: Wire, namespace: str) -> None:
    answer = await wire("GET", address(namespace, "resourceVersion=999999999"))
    assert answer.said[:2] == (504, "Timeout") and answer.headers["Retry-After"] == "1"


@feature("a revision that is no number is refused")
@without("kubernetes", because="it says 500")
async def test_a_revision_that_is_none(wire: Wire, namespace: str) -> None:
    assert (await wire("GET", address(namespace, "resourceVersion=abc"))).said[:2] == (400, "BadRequest")


@feature("as Tables: columns in the first event only")
async def test_a_table(wire: Wire, client: Client, namespace: str) -> None:
    await make(client, namespace, "a", k="v")
    async with wire.watch(address(namespace, "resourceVersion=0"), accept=TABLE) as events:
        first = await events.next()
        await client.patch(CONFIG_MAPS, "a", {"data": {"l": "w"}}, namespace)
        second = await events.next()
    assert first["type"] == "ADDED" and first["object"]["kind"] == "Table"
    assert [column["name"] for column in first["object"]["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert second["type"] == "MODIFIED" and not second["object"]["columnDefinitions"]
    (row,) = second["object"]["rows"]
    assert row["cells"][:2] == ["a", 2] and row["object"]["kind"] == "PartialObjectMetadata"


@feature("as partial metadata")
async def test_partial_metadata(wire: Wire, client: Client, namespace: str) -> None:
    await make(client, namespace, "a", k="v")
    async with wire.watch(address(namespace, "resourceVersion=0"), accept=PARTIAL) as events:
        found = (await events.next())["object"]
    assert found.keys() == {"apiVersion", "kind", "metadata"} and found["kind"] == "PartialObjectMetadata"


@feature("one object, by its name in the field selector")
async def test_one_object(wire: Wire, client: Client, namespace: str) -> None:
    await make(client, namespace, "a")
    await make(client, namespace, "b")
    async with wire.watch(address(namespace, "fieldSelector=metadata.name%3Db")) as events:
        assert await events.some(1) == [("ADDED", "b")]
    named = await wire("GET", f"/api/v1/namespaces/{namespace}/configmaps/b?watch=true")
    assert named.json["kind"] == "ConfigMap", "an object's own address can't be watched"


@feature("a thousand watchers")
@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.long)])
async def test_many_watchers(wire: Wire, client: Client, namespace: str, count: int) -> None:
    seen = await make(client, namespace, "first")
    async with AsyncExitStack() as stack:
        where = address(namespace, f"resourceVersion={seen}")
        watches: list[Any] = []
        for _ in range(count // 50):
            some = (stack.enter_async_context(wire.watch(where)) for _ in range(50))
            watches += await asyncio.gather(*some)
        await make(client, namespace, "second")
        found = await asyncio.gather(*(events.some(1) for events in watches))
    assert found == [[("ADDED", "second")]] * count


@feature("a watcher that reads nothing hurts nobody else")
async def test_a_slow_watcher(wire: Wire, client: Client, namespace: str) -> None:
    seen = await make(client, namespace, "a", k="")
    where = address(namespace, f"resourceVersion={seen}")
    async with wire.watch(where), wire.watch(where) as quick:
        for number in range(20):
            await client.patch(CONFIG_MAPS, "a", {"data": {"k": str(number) * 100_000}}, namespace)
        assert await quick.some(20) == [("MODIFIED", "a")] * 20
