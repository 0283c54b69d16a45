"""The loop of simulations: order of timers, and memory that is cleared at moments of its own."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator
from typing import Any

from boatyard.machinery.runtime import simloop
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.simulation import SimWorld, simulate


class Kept:
    """What a life holds."""


async def steps(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_timers_of_one_moment_fire_in_the_order_they_were_asked_for() -> None:
    told: list[int] = []

    async def scenario(world: SimWorld) -> None:
        loop = asyncio.get_running_loop()
        for number in range(50):
            loop.call_later(1, told.append, number)
        loop.call_later(1, told.append, -1).cancel()
        await world.sleep(2)

    simulate(1, scenario)
    assert told == list(range(50))


def test_what_a_dead_life_held_is_freed_and_touches_nothing(monkeypatch: Any) -> None:
    monkeypatch.setattr(simloop, "COLLECT_EVERY_STEPS", 1000)
    held: list[weakref.ref[Kept]] = []
    disk: list[str] = []

    async def lines() -> AsyncGenerator[str, None]:
        try:
            while True:
                await asyncio.sleep(1)
                yield "line"
        finally:
            disk.append("a generator's finally")

    async def main(life: Incarnation) -> None:
        class Disk:
            async def write(self, what: str) -> None:
                disk.append(what)

        kept, port = Kept(), life.port(Disk(), ["write"])
        held.append(weakref.ref(kept))
        try:
            async for _ in lines():
                asyncio.get_running_loop().create_task(asyncio.sleep(100, kept))
        finally:
            await port.write("a task's finally")

    async def scenario(world: SimWorld) -> None:
        component = Component(world, "toy", main, downtime_seconds=0.1)
        component.start()
        await world.sleep(5.5)
        component.crash()
        await world.sleep(5.5)
        await steps(3000)
        await world.sleep(200)
        await steps(3000)
        assert [one() is None for one in held] == [True, False]
        component.stop()

    simulate(1, scenario)
    assert disk == []


def test_when_memory_is_cleared_is_no_part_of_history(monkeypatch: Any) -> None:
    async def scenario(world: SimWorld) -> None:
        async def main(life: Incarnation) -> None:
            while True:
                await world.sleep(world.random.random())
                world.note(f"life {life.number}")
                await life.crash_point("now and then")

        component = Component(world, "toy", main, crash_rate=0.1)
        component.start()
        await world.sleep(500)
        component.stop()

    rarely = simulate(1, scenario)
    monkeypatch.setattr(simloop, "COLLECT_EVERY_STEPS", 100)
    assert simulate(1, scenario) == rarely
