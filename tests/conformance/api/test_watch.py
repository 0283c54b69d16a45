"""watch: nothing is missed, nothing comes twice, and selectors are honest."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import ApiError, BadRequest

from .features import feature

SECTION = "Watches"


async def seen(events: Any, count: int) -> list[tuple[str, str]]:
    """The next ``count`` events that aren't bookmarks, as (type, name)."""
    found: list[tuple[str, str]] = []
    async with asyncio.timeout(60), aclosing(events):
        async for type, obj in events:
            if type != "BOOKMARK":
                found.append((type, obj["metadata"]["name"]))
            if len(found) == count:
                return found
    raise AssertionError(f"the watch ended after {found}")


async def make(client: Client, namespace: str, name: str, **labels: str) -> dict[str, Any]:
    return await client.create(CONFIG_MAPS, {"metadata": {"name": name, "labels": labels}}, namespace)


@feature("from a list on: every change once, in order")
async def test_every_change_after_a_list_in_order(client: Client, namespace: str) -> None:
    start = (await client.list(CONFIG_MAPS, namespace)).resource_version
    await make(client, namespace, "a")
    await client.patch(CONFIG_MAPS, "a", {"data": {"k": "v"}}, namespace)
    await make(client, namespace, "b")
    await client.delete(CONFIG_MAPS, "a", namespace)
    events = client.watch(CONFIG_MAPS, namespace, resource_version=start)
    wanted = [("ADDED", "a"), ("MODIFIED", "a"), ("ADDED", "b"), ("DELETED", "a")]
    found = [event for event in await seen(events, 4) if event[1] != "kube-root-ca.crt"]
    assert found == wanted


@feature("from a list on: every change once, in order")
async def test_live_changes_reach_a_waiting_watch(client: Client, namespace: str) -> None:
    made = await make(client, namespace, "a")
    events = client.watch(
        CONFIG_MAPS, namespace, resource_version=made["metadata"]["resourceVersion"], field_selector="metadata.name=b"
    )
    waiting = asyncio.ensure_future(seen(events, 2))
    await asyncio.sleep(0.05)
    await make(client, namespace, "b")
    await client.delete(CONFIG_MAPS, "b", namespace)
    assert await waiting == [("ADDED", "b"), ("DELETED", "b")]


@feature("from nothing or 0: what is there comes first")
async def test_from_zero_what_is_there_comes_first(client: Client, namespace: str) -> None:
    await make(client, namespace, "a", mine="yes")
    await make(client, namespace, "b", mine="yes")
    found: list[tuple[str, str]] = []
    events = client.watch(CONFIG_MAPS, namespace, resource_version="0", label_selector="mine")
    async with asyncio.timeout(60), aclosing(events):  # type: ignore[type-var]
        async for type, obj in events:
            if type != "BOOKMARK":
                found.append((type, obj["metadata"]["name"]))
            if len(found) == 2 and type != "BOOKMARK":
                await client.delete(CONFIG_MAPS, "a", namespace)
            if len(found) == 3:
                break
    assert sorted(found[:2]) == [("ADDED", "a"), ("ADDED", "b")] and found[2] == ("DELETED", "a")


@feature("objects that enter and leave a selection: ADDED, DELETED")
async def test_objects_enter_and_leave_a_selection(client: Client, namespace: str) -> None:
    made = await make(client, namespace, "a", color="blue")
    events = client.watch(CONFIG_MAPS, namespace, resource_version=made["metadata"]["resourceVersion"], label_selector="color=red")
    for color in ("red", "red", "blue", "blue", "red"):
        await client.patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"color": color}}, "data": {"now": color}}, namespace)
    await client.delete(CONFIG_MAPS, "a", namespace)
    # The second "red" and the second "blue" change nothing, so they write nothing.
    assert await seen(events, 4) == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "a"), ("DELETED", "a")]


@feature("from a list on: every change once, in order")
async def test_a_deletion_has_a_revision_of_its_own(client: Client, namespace: str) -> None:
    made = await make(client, namespace, "a")
    await client.delete(CONFIG_MAPS, "a", namespace)
    events = client.watch(CONFIG_MAPS, namespace, resource_version=made["metadata"]["resourceVersion"])
    async with asyncio.timeout(60), aclosing(events):  # type: ignore[type-var]
        async for type, obj in events:
            if type == "DELETED":
                assert int(obj["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
                assert obj["metadata"]["uid"] == made["metadata"]["uid"]
                return


@feature("from any revision: a watch goes on where another stopped")
async def test_a_watch_goes_on_where_another_stopped(client: Client, namespace: str) -> None:
    first = await make(client, namespace, "a")
    second = await make(client, namespace, "b")
    await make(client, namespace, "c")
    for made, rest in ((first, ["b", "c"]), (second, ["c"])):
        events = client.watch(CONFIG_MAPS, namespace, resource_version=made["metadata"]["resourceVersion"])
        assert await seen(events, len(rest)) == [("ADDED", name) for name in rest]


@feature("from a list on: every change once, in order")
async def test_other_namespaces_are_not_seen(client: Client, namespace: str) -> None:
    made = await make(client, namespace, "a")
    events = client.watch(CONFIG_MAPS, namespace, resource_version=made["metadata"]["resourceVersion"])
    elsewhere = await client.create(CONFIG_MAPS, {"metadata": {"generateName": "suite-"}}, "default")
    await client.delete(CONFIG_MAPS, elsewhere["metadata"]["name"], "default")
    await make(client, namespace, "b")
    assert await seen(events, 1) == [("ADDED", "b")]


@feature("a selector or a revision that nobody understands is refused")
async def test_a_selector_nobody_understands(client: Client, namespace: str) -> None:
    with pytest.raises(BadRequest):
        await seen(client.watch(CONFIG_MAPS, namespace, field_selector="data.a=1"), 1)


@feature("a selector or a revision that nobody understands is refused")
async def test_a_revision_that_is_none(client: Client, namespace: str) -> None:
    with pytest.raises(ApiError):
        await seen(client.watch(CONFIG_MAPS, namespace, resource_version="yesterday"), 1)
