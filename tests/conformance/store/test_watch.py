"""What a watch promises: every change once, in order, from any revision that is kept."""

import asyncio
from contextlib import aclosing

import pytest

from boatyard.machinery.store.store import Change, Compacted, Delete, Put, Route, Store


async def take(store: Store, prefix: str, after: int, count: int) -> list[Change]:
    seen: list[Change] = []
    async with aclosing(store.watch(prefix, after)) as batches:
        async for batch in batches:
            seen += batch
            if len(seen) >= count:
                return seen
    return seen


async def test_the_past_is_told_from_the_revision_asked_for(store: Store):
    await store.commit([Put("/a", b"1")])
    await store.commit([Put("/a", b"2")])
    await store.commit([Delete("/a")])
    await store.commit([Put("/a", b"3")])
    assert await take(store, "/", 1, 3) == [
        Change("/a", b"2", b"1", 2, 1, False),
        Change("/a", b"2", b"2", 3, 1, True),
        Change("/a", b"3", None, 4, 4, False),
    ]


async def test_the_future_follows_the_past_without_gap_or_double(store: Store):
    await store.commit([Put("/0", b"")])

    async def write() -> None:
        for n in range(1, 200):
            await store.commit([Put(f"/{n}", b"")])

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.005)
    seen = await take(store, "/", 0, 200)
    await writing
    assert [change.revision for change in seen] == list(range(1, 201))


async def test_only_the_prefix(store: Store):
    watching = asyncio.create_task(take(store, "/pods/", 0, 2))
    await asyncio.sleep(0)
    for key in ("/pods/a", "/nodes/a", "/pods/b"):
        await store.commit([Put(key, b"")])
    assert [change.key for change in await watching] == ["/pods/a", "/pods/b"]


async def test_all_operations_of_a_commit_in_order(store: Store):
    await store.commit([Put("/b", b""), Put("/a", b"")])
    assert [(c.key, c.revision) for c in await take(store, "/", 0, 2)] == [("/b", 1), ("/a", 1)]


async def test_a_compacted_revision_is_told_at_once(store: Store):
    for n in range(5):
        await store.commit([Put("/a", b"%d" % n)])
    await store.compact(3)
    with pytest.raises(Compacted):
        await take(store, "/", 2, 1)
    assert [change.revision for change in await take(store, "/", 3, 2)] == [4, 5]


async def test_a_revision_of_the_future_waits_for_it(store: Store):
    watching = asyncio.create_task(take(store, "/", 2, 1))
    await asyncio.sleep(0)
    for n in range(3):
        await store.commit([Put(f"/{n}", b"")])
    assert [change.revision for change in await watching] == [3]


async def test_a_watcher_that_falls_too_far_behind_is_told_and_hurts_nobody(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("boatyard.machinery.store.watcher.BACKLOG", 10)
    slow = store.watch("/", 0)
    await store.commit([Put("/first", b"")])
    assert len(await anext(slow)) == 1
    quick = asyncio.create_task(take(store, "/", 1, 30))
    for n in range(30):
        await store.commit([Put(f"/{n}", b"")])
        await asyncio.sleep(0)
    with pytest.raises(Compacted):
        while True:
            await anext(slow)
    assert len(await quick) == 30


async def test_closing_the_store_ends_its_watches(store: Store):
    watching = asyncio.create_task(take(store, "/", 0, 1))
    await asyncio.sleep(0)
    await store.close()
    assert await watching == []


async def test_a_route_brings_what_has_its_value_before_or_after_the_change(store: Store):
    def first_letters(change: Change) -> list[str]:
        return [value[:1].decode() for value in (change.value, change.previous or b"") if value]

    route = Route(first_letters, "x")
    changes: list[Change] = []

    async def listen() -> None:
        async with aclosing(store.watch("/", store.revision, route)) as batches:
            async for batch in batches:
                changes.extend(batch)

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.01)
    for value in (b"x1", b"y2", b"y3", b"x4"):
        await store.commit([Put("/a", value)])
    for _ in range(6000):
        if len(changes) >= 3:
            break
        await asyncio.sleep(0.01)
    listening.cancel()
    await asyncio.wait((listening,))
    assert [change.value for change in changes if "x" in first_letters(change)] == [b"x1", b"y2", b"x4"]
