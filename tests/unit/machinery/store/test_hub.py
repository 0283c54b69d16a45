"""Many watchers: woken in rounds, in turns of the loop, and none of them misses anything."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from boatyard.machinery.store import hub
from boatyard.machinery.store.hub import WatchHub
from boatyard.machinery.store.store import Change


def change(revision: int) -> Change:
    return Change("/k/a", b"v", None, revision, revision, False)


async def followers(watching: WatchHub, count: int, until: int) -> tuple[list[asyncio.Task[None]], list[list[list[int]]]]:
    """So many watchers until a revision, and the batches that each of them got."""
    seen: list[list[list[int]]] = [[] for _ in range(count)]

    async def follow(mine: list[list[int]]) -> None:
        async with aclosing(watching.watch("/k/", 0, [])) as batches:
            async for batch in batches:
                mine.append([one.revision for one in batch])
                if mine[-1][-1] == until:
                    return

    tasks = [asyncio.create_task(follow(mine)) for mine in seen]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks, seen


async def test_a_few_are_woken_at_once_for_every_change() -> None:
    watching = WatchHub()
    tasks, seen = await followers(watching, 3, until=2)
    for revision in (1, 2):
        watching.publish([change(revision)])
        for _ in range(5):
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert seen == [[[1], [2]]] * 3


async def test_what_comes_while_many_are_woken_goes_with_the_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "LONGEST_ROUND_SECONDS", 0.2)
    monkeypatch.setattr(hub, "WAKE_SECONDS", 1.0)
    watching = WatchHub()
    tasks, seen = await followers(watching, 3 * hub.AT_ONCE, until=9)
    watching.publish([change(1)])
    await asyncio.sleep(0.05)
    for revision in range(2, 10):
        watching.publish([change(revision)])
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks)
    assert seen == [[[1], list(range(2, 10))]] * len(tasks)


async def test_a_watcher_far_behind_takes_what_waits_in_parts() -> None:
    watching = WatchHub()
    tasks, seen = await followers(watching, 1, until=hub.BATCH + 1)
    watching.publish([change(revision) for revision in range(1, hub.BATCH + 2)])
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks)
    assert [len(batch) for batch in seen[0]] == [hub.BATCH, 1]
