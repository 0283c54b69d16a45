from __future__ import annotations

import asyncio
import logging
import time

import pytest

from boatyard.machinery.runtime import simulation
from boatyard.machinery.runtime.simloop import Deadlock, Overtime
from boatyard.machinery.runtime.simulation import START, SimWorld, simulate


def test_time_jumps() -> None:
    async def scenario(world: SimWorld) -> None:
        await world.sleep(86_400)
        assert world.now() == START + 86_400
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await world.loop.create_future()
        assert world.monotonic() == 90_000

    began = time.process_time()
    simulate(1, scenario)
    assert time.process_time() - began < 5


def test_the_same_seed_gives_the_same_history_and_another_seed_another() -> None:
    async def scenario(world: SimWorld) -> None:
        async def work(number: int) -> None:
            for _ in range(5):
                await world.sleep(world.random.random())
                world.note(f"{number} {world.uid()} {world.token()}")

        await asyncio.gather(*(work(number) for number in range(10)))

    first = simulate(7, scenario)
    assert first.count(b"\n") == 49
    assert simulate(7, scenario) == first
    assert simulate(8, scenario) != first


def test_a_long_history_is_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "LINES_AT_ONCE", 4)

    async def scenario(world: SimWorld) -> None:
        for number in range(11):
            world.note(str(number))
            assert world.history.decode().splitlines() == [f"0.000000 {one}" for one in range(number + 1)]

    assert simulate(1, scenario).count(b"\n") == 10


def test_a_deadlock_is_told_with_who_waits() -> None:
    async def scenario(world: SimWorld) -> None:
        await world.loop.create_future()

    with pytest.raises(Deadlock, match="scenario at"):
        simulate(1, scenario)


def test_a_simulation_that_never_ends_is_told() -> None:
    async def scenario(world: SimWorld) -> None:
        while True:
            await world.sleep(1)

    with pytest.raises(Overtime):
        simulate(1, scenario, limit_seconds=100)


def test_failures_come_out() -> None:
    async def scenario(world: SimWorld) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        simulate(1, scenario)


def test_a_callback_that_raises_fails_the_simulation() -> None:
    async def scenario(world: SimWorld) -> None:
        world.loop.call_soon(lambda: 1 / 0)
        await world.sleep(1)

    with pytest.raises(ZeroDivisionError):
        simulate(1, scenario)


def test_threads_are_refused() -> None:
    async def scenario(world: SimWorld) -> None:
        await asyncio.to_thread(print)

    with pytest.raises(RuntimeError, match="thread"):
        simulate(1, scenario)


def test_until_waits_for_what_holds_and_says_what_did_not() -> None:
    async def scenario(world: SimWorld) -> None:
        world.loop.call_later(10, done.append, True)
        await world.until(lambda: bool(done), "done")
        with pytest.raises(TimeoutError, match="pigs fly"):
            await world.until(lambda: False, "pigs fly")

    done: list[bool] = []
    simulate(1, scenario)


def test_a_bug_that_the_program_survives_by_logging_it_fails_the_simulation() -> None:
    async def scenario(world: SimWorld) -> None:
        try:
            raise KeyError("bug")
        except KeyError:
            logging.getLogger("boatyard.somewhere").exception("going on")
        await world.sleep(10)

    with pytest.raises(KeyError, match="bug"):
        simulate(1, scenario)
