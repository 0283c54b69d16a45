from __future__ import annotations

import asyncio

from boatyard.machinery.runtime.queue import WorkQueue
from boatyard.machinery.runtime.simulation import SimWorld, simulate
from boatyard.machinery.runtime.world import RealWorld
from virtual import virtual


def queue(**options: float) -> WorkQueue[str]:
    return WorkQueue(RealWorld(), **options)


async def test_a_key_added_twice_is_worked_on_once_and_order_is_kept() -> None:
    q = queue()
    for key in ("b", "a", "b"):
        q.add(key)
    assert [await q.get(), await q.get()] == ["b", "a"]
    assert len(q) == 0


async def test_a_key_added_while_it_is_worked_on_waits_for_that_worker() -> None:
    q = queue()
    q.add("a")
    await q.get()
    q.add("a")
    assert len(q) == 0
    q.done("a")
    assert await q.get() == "a"


async def test_a_key_done_without_being_added_again_is_gone() -> None:
    q = queue()
    q.add("a")
    q.done(await q.get())
    assert len(q) == 0


@virtual
async def test_later_keeps_the_earliest_time_and_taking_the_key_drops_the_plan() -> None:
    q = queue()
    q.add_after("a", 100)
    q.add_after("a", 0.01)
    q.add_after("a", 50)
    assert await asyncio.wait_for(q.get(), 30) == "a"
    q.add_after("b", 0.01)
    q.add("b")
    await q.get()
    q.done("b")
    await asyncio.sleep(0.03)
    assert len(q) == 0


def test_what_rounding_leaves_of_a_wait_still_moves_the_clock() -> None:
    """Or who waits for a moment would be a hair before it for ever."""

    async def scenario(world: SimWorld) -> None:
        q: WorkQueue[str] = WorkQueue(world)
        await world.sleep(1000)
        before = asyncio.get_running_loop().time()
        q.add_after("a", 7e-15)
        await q.get()
        assert asyncio.get_running_loop().time() > before

    simulate(1, scenario)


async def test_back_off_doubles_with_jitter_up_to_a_limit_and_forget_starts_anew() -> None:
    q = queue(base_seconds=1, max_seconds=4)
    for low, high in ((0.5, 1), (1, 2), (2, 4), (2, 4)):
        assert low <= q.add_rate_limited("a") <= high
    q.forget("a")
    assert q.add_rate_limited("a") <= 1
    q.close()


async def test_a_cancelled_waiter_loses_no_key() -> None:
    q = queue()
    first, second = asyncio.create_task(q.get()), asyncio.create_task(q.get())
    await asyncio.sleep(0)
    q.add("a")  # wakes the first …
    first.cancel()  # … which never comes to take it
    assert await asyncio.wait_for(second, 30) == "a"


@virtual
async def test_close_drops_what_was_planned() -> None:
    q = queue()
    q.add_after("a", 0.01)
    q.close()
    await asyncio.sleep(0.03)
    assert len(q) == 0
