from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import Gone
from boatyard.machinery.runtime import cache as cache_module
from boatyard.machinery.runtime.cache import Cache
from virtual import virtual


@asynccontextmanager
async def running(client: Any, world: Any, **options: Any) -> AsyncIterator[Cache]:
    cache = Cache(client, CONFIG_MAPS, world, **options)
    task = asyncio.create_task(cache.run())
    try:
        await asyncio.wait_for(cache.synced(), 30)
        yield cache
        assert not task.done(), task
    finally:
        task.cancel()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_it_holds_what_is_there_page_by_page_and_what_comes(client: Any, world: Any) -> None:
    for name in "abc":
        client.put(name)
    async with running(client, world) as cache:
        client.put("d", "other")
        client.put("a", data={"x": "1"})
        client.remove("b")
        await settle()
        assert sorted(obj["metadata"]["name"] for obj in cache.list()) == ["a", "c", "d"]
        assert cache.get("a", "default")["data"] == {"x": "1"}  # type: ignore[index]
        assert [obj["metadata"]["name"] for obj in cache.list("other")] == ["d"]
        assert cache.get("b", "default") is None
        assert client.lists == 2


async def test_one_that_needs_not_be_whole_holds_what_the_metadata_says(client: Any, world: Any) -> None:
    def owned(name: str) -> None:
        client.put(name, data={"x": "1"})
        client.objects["default", name]["metadata"]["ownerReferences"] = [{"uid": "o"}]

    owned("a")
    indexes = {"owner": lambda obj: [one["uid"] for one in obj["metadata"].get("ownerReferences", ())]}
    async with running(client, world, whole=False, indexes=indexes) as cache:
        client.put("b", data={"x": "1"})
        await settle()
        for found in (cache.get("a", "default"), cache.get("b", "default")):
            assert found is not None
            assert (found["apiVersion"], found["kind"], "data" in found) == ("v1", "ConfigMap", False)
            assert found["metadata"]["resourceVersion"] and found["metadata"]["namespace"] == "default"
        assert [obj["metadata"]["name"] for obj in cache.by_index("owner", "o")] == ["a"]
        client.remove("a")
        await settle()
        assert [obj["metadata"]["name"] for obj in cache.list()] == ["b"]
        assert cache.by_index("owner", "o") == []


async def test_handlers_hear_of_every_change_and_of_what_was_there_before_them(client: Any, world: Any) -> None:
    told: list[tuple[str, str]] = []

    def note(old: Any, new: Any) -> None:
        told.append((old["metadata"]["name"] if old else "-", new["metadata"]["name"] if new else "-"))

    client.put("a")
    async with running(client, world) as cache:
        cache.on_change(note)
        client.put("a", data={})
        client.remove("a")
        await settle()
    assert told == [("-", "a"), ("a", "a"), ("a", "-")]


async def test_a_failing_handler_holds_up_nobody(client: Any, world: Any) -> None:
    told: list[Any] = []
    async with running(client, world) as cache:
        cache.on_change(lambda old, new: 1 / 0)  # type: ignore[arg-type,return-value]
        cache.on_change(lambda old, new: told.append(new))
        client.put("a")
        await settle()
    assert len(told) == 1


async def test_indexes_follow_changes_and_deletions(client: Any, world: Any) -> None:
    client.put("a", team="red")
    client.put("b", team="red")
    async with running(client, world, indexes={"team": lambda obj: [obj["team"]] if "team" in obj else []}) as cache:
        assert [obj["metadata"]["name"] for obj in cache.by_index("team", "red")] == ["a", "b"]
        client.put("a", team="blue")
        client.remove("b")
        client.put("c")
        await settle()
        assert cache.by_index("team", "red") == []
        assert [obj["metadata"]["name"] for obj in cache.by_index("team", "blue")] == ["a"]
        cache.add_index("name", lambda obj: [obj["metadata"]["name"]])
        assert len(cache.by_index("name", "c")) == 1


@virtual
async def test_a_broken_watch_resumes_where_it_was(client: Any, world: Any, unreachable: Callable[[], Exception]) -> None:
    async with running(client, world) as cache:
        client.put("a")
        await settle()
        client.break_watches(unreachable())
        client.put("b")
        await asyncio.sleep(0.3)
        assert cache.get("b", "default")
        assert client.lists == 1


async def test_410_lists_again_and_tells_of_what_vanished_meanwhile(client: Any, world: Any) -> None:
    told: list[tuple[Any, Any]] = []
    client.put("stays")
    client.put("goes")
    async with running(client, world) as cache:
        cache.on_change(lambda old, new: told.append((old and old["metadata"]["name"], new and new["metadata"]["name"])))
        told.clear()
        client.break_watches(Gone("compacted"))
        client.remove("goes")
        client.put("comes")
        await settle()
        assert told == [("goes", None), (None, "comes")]
        assert client.lists == 2


async def test_a_server_that_does_not_answer_is_asked_again(
    client: Any, world: Any, unreachable: Callable[[], Exception]
) -> None:
    client.list_faults = [unreachable(), OSError("refused"), TimeoutError()]
    client.put("a")
    async with running(client, world) as cache:
        assert cache.get("a", "default")
    assert client.lists == 4


@virtual
async def test_a_server_that_ends_watches_at_once_is_no_busy_loop(client: Any, world: Any, monkeypatch: Any) -> None:
    class Hasty(type(client)):  # type: ignore[misc]
        async def watch(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
            self.watches += 1
            return
            yield

    hasty = Hasty()
    monkeypatch.setattr(cache_module, "SHORTEST_RETRY_SECONDS", 0.05)
    async with running(hasty, world):
        await asyncio.sleep(0.2)
    assert 1 <= hasty.watches < 10
