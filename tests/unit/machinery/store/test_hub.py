"""Many watchers: woken in rounds, in turns of the loop, and none of them misses anything."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from boatyard.machinery.store import crowd, watcher
from boatyard.machinery.store.hub import WatchHub
from boatyard.machinery.store.store import Change, Compacted
from virtual import virtual


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


@virtual
async def test_what_comes_while_many_are_woken_goes_with_the_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "ROUND_SECONDS", 0.2)
    monkeypatch.setattr(crowd, "ROUND_SECONDS_EACH", 1.0)
    watching = WatchHub()
    tasks, seen = await followers(watching, 3 * crowd.AT_ONCE, until=9)
    watching.publish([change(1)])
    await asyncio.sleep(0.05)
    for revision in range(2, 10):
        watching.publish([change(revision)])
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await asyncio.gather(*tasks)
    assert seen == [[[1], list(range(2, 10))]] * len(tasks)


@virtual
async def test_rows_of_watchers_are_told_in_turns_of_their_own_and_rest_for_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "ROUND_SECONDS", 0.2)
    monkeypatch.setattr(crowd, "ROUND_SECONDS_EACH", 1.0)
    watching, told, count = WatchHub(), list[tuple[int, int]](), 3 * crowd.AT_ONCE

    async def follow(number: int) -> None:
        def take(batch: Sequence[Change]) -> int:
            told.extend((number, one.revision) for one in batch)
            return len(batch)

        async with aclosing(watching.watch("/k/", 0, [], sink=take)) as batches:
            async for _ in batches:
                pass

    tasks = [asyncio.create_task(follow(number)) for number in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    watching.publish([change(1)])
    for rows in (1, 2, 3):
        assert told == [(number, 1) for number in range(rows * crowd.AT_ONCE)]
        await asyncio.sleep(0)
    watching.publish([change(2)])
    watching.publish([change(3)])
    await asyncio.sleep(0.05)
    assert len(told) == count
    async with asyncio.timeout(30):
        while len(told) < 3 * count:
            await asyncio.sleep(0.01)
    assert told[count:] == [(number, revision) for number in range(count) for revision in (2, 3)]
    watching.close()
    await asyncio.gather(*tasks)


async def test_a_watcher_far_behind_takes_what_waits_in_parts() -> None:
    watching = WatchHub()
    tasks, seen = await followers(watching, 1, until=watcher.BATCH + 1)
    watching.publish([change(revision) for revision in range(1, watcher.BATCH + 2)])
    async with asyncio.timeout(30):
        await asyncio.gather(*tasks)
    assert [len(batch) for batch in seen[0]] == [watcher.BATCH, 1]


@virtual
async def test_what_the_sink_takes_is_not_yielded_and_what_it_refuses_is() -> None:
    watching, poured, yielded, full, free = WatchHub(), list[int](), list[int](), list[bool]([False]), asyncio.Event()

    def take(batch: Sequence[Change]) -> int:
        if full[0]:
            return 0
        poured.extend(one.revision for one in batch)
        return len(batch)

    async def follow() -> None:
        async with aclosing(watching.watch("/k/", 0, [change(1)], sink=take)) as batches:
            async for batch in batches:
                yielded.extend(one.revision for one in batch)
                await free.wait()

    async def all_turns() -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    task = asyncio.create_task(follow())
    await all_turns()
    watching.publish([change(2)])  # while its caller is busy with what went before
    assert (yielded, poured) == ([1], [])
    free.set()
    await all_turns()
    assert yielded == [1, 2]
    for revision in (3, 4):
        watching.publish([change(revision)])
    assert poured == [3, 4]
    free.clear()
    full[0] = True
    watching.publish([change(5)])
    await all_turns()
    full[0] = False
    watching.publish([change(6)])
    assert yielded == [1, 2, 5]
    free.set()
    await all_turns()
    watching.publish([change(7)])
    assert (yielded, poured) == ([1, 2, 5, 6], [3, 4, 7])
    watching.close()
    await task


async def test_what_the_sink_takes_a_part_of_is_yielded_from_there_on() -> None:
    watching, poured, yielded = WatchHub(), list[int](), list[int]()

    def take(batch: Sequence[Change]) -> int:
        poured.extend(one.revision for one in batch[:2])
        return 2

    async def follow() -> None:
        async with aclosing(watching.watch("/k/", 0, [], sink=take)) as batches:
            async for batch in batches:
                yielded.extend(one.revision for one in batch)

    task = asyncio.create_task(follow())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    watching.publish([change(revision) for revision in range(1, 6)])
    watching.publish([change(6)])  # in its turn, behind what it didn't take
    watching.close()
    await task
    assert (poured, yielded) == ([1, 2], [3, 4, 5, 6])


@virtual
async def test_a_watch_with_a_sink_ends_and_is_told_when_it_fell_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "BACKLOG", 2)
    monkeypatch.setattr(watcher, "BATCH", 2)
    watching, poured = WatchHub(), list[int]()

    def take(batch: Sequence[Change]) -> int:
        poured.extend(one.revision for one in batch)
        return len(batch)

    async def follow(seconds: float) -> None:
        async with aclosing(watching.watch("/k/", 0, [change(1)], sink=take)) as batches:
            async for _ in batches:
                await asyncio.sleep(seconds)

    slow, quick = (asyncio.create_task(follow(seconds)) for seconds in (0.05, 0))
    await asyncio.sleep(0.01)
    watching.publish([change(revision) for revision in range(2, 5)])
    with pytest.raises(Compacted):
        await slow
    with pytest.raises(Compacted):  # more at once than may ever wait
        await quick


@pytest.mark.parametrize("seed", range(5))
@virtual
async def test_nobody_misses_or_sees_twice_whatever_sinks_take(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(crowd, "ROUND_SECONDS", 0.002)
    chance, watching, last, count = random.Random(seed), WatchHub(), 300, 3 * crowd.AT_ONCE
    seen: list[list[int]] = [[] for _ in range(count)]

    async def follow(mine: list[int], after: int) -> None:
        def take(batch: Sequence[Change]) -> int:
            # The last comes the other way, where the watch is ended.
            if chance.random() < 0.2 or batch[-1].revision == last:
                return 0
            took = batch if chance.random() < 0.5 else batch[: chance.randint(0, len(batch))]
            mine.extend(one.revision for one in took)
            return len(took)

        async with aclosing(watching.watch("/k/", after, [], sink=take)) as batches:
            async for batch in batches:
                mine.extend(one.revision for one in batch)
                if mine[-1] == last:
                    return
                if chance.random() < 0.3:
                    await asyncio.sleep(chance.random() / 100)

    tasks = [asyncio.create_task(follow(mine, 0)) for mine in seen]
    await asyncio.sleep(0)
    revision = 0
    while revision < last:
        some = min(chance.randint(1, 8), last - revision)
        watching.publish([change(revision + number + 1) for number in range(some)])
        revision += some
        await asyncio.sleep(chance.choice((0, 0, 0.001)))
    async with asyncio.timeout(30):
        await asyncio.gather(*tasks)
    assert seen == [list(range(1, last + 1))] * count
