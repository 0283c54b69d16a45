from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.connection import Connection
from boatyard.machinery.runtime.simulation import SimWorld, simulate


class Disk:
    """What outlives a component."""

    def __init__(self) -> None:
        self.written: list[Any] = []

    async def write(self, what: Any) -> None:
        await asyncio.sleep(0)
        self.written.append(what)

    def size(self) -> int:
        return len(self.written)


def test_a_killed_component_runs_no_finally_and_starts_again() -> None:
    disk = Disk()

    async def main(life: Incarnation) -> None:
        port = life.port(disk, ["write"])
        try:
            await port.write(f"life {life.number}")
            await asyncio.sleep(100)
        finally:
            disk.written.append("finally")

    async def scenario(world: SimWorld) -> None:
        component = Component(world, "toy", main, downtime_seconds=2)
        component.start()
        await world.sleep(1)
        component.crash()
        component.crash()
        await world.sleep(5)
        assert disk.written == ["life 0", "life 1"]
        component.stop()

    simulate(1, scenario)


def test_tasks_and_timers_that_it_started_die_with_it() -> None:
    told: list[str] = []

    async def child() -> None:
        while True:
            await asyncio.sleep(1)
            told.append("child")

    async def main(life: Incarnation) -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(child())
        loop.call_later(3, told.append, "timer")
        await task

    async def scenario(world: SimWorld) -> None:
        component = Component(world, "toy", main)
        component.start()
        await world.sleep(2.5)
        component.stop()
        await world.sleep(10)

    simulate(1, scenario)
    assert told == ["child", "child"]


def test_it_may_crash_before_and_after_any_write() -> None:
    outcomes: set[tuple[int, ...]] = set()

    def run(seed: int) -> None:
        disk = Disk()

        async def main(life: Incarnation) -> None:
            port = life.port(disk, ["write"])
            if port.size() < 3:  # it goes on from what is on disk
                for number in range(port.size(), 3):
                    await port.write(number)
            await world_end(life)

        async def world_end(life: Incarnation) -> None:
            await asyncio.get_running_loop().create_future()

        async def scenario(world: SimWorld) -> None:
            component = Component(world, "toy", main, crash_rate=0.3)
            component.start()
            await world.until(lambda: disk.written == [0, 1, 2], "all is written", within=1000)
            outcomes.add((component.crashes,))

        history = simulate(seed, scenario)
        assert history.startswith(b"0.000000 toy starts")

    for seed in range(20):
        run(seed)
    assert len(outcomes) > 2


def test_a_component_that_fails_by_itself_fails_the_simulation() -> None:
    async def main(life: Incarnation) -> None:
        raise KeyError("bug")

    async def scenario(world: SimWorld) -> None:
        Component(world, "toy", main).start()
        await world.sleep(10)

    with pytest.raises(KeyError, match="bug"):
        simulate(1, scenario)


class Service:
    def __init__(self) -> None:
        self.created: list[Any] = []

    async def create(self, what: Any) -> str:
        await asyncio.sleep(1)
        self.created.append(what)
        return f"made {what}"

    async def watch(self) -> AsyncIterator[int]:
        for number in range(100):
            yield number
            await asyncio.sleep(1)


def test_a_connection_reaches_the_living_server_only() -> None:
    service, told = Service(), []

    async def server_main(life: Incarnation) -> None:
        life.services["api"] = service
        await asyncio.get_running_loop().create_future()

    async def scenario(world: SimWorld) -> None:
        server = Component(world, "server", server_main)

        async def client_main(life: Incarnation) -> None:
            client: Any = Connection(life, server)
            for number in range(4):
                try:
                    told.append(await client.create(number))
                except OSError as error:
                    told.append(type(error).__name__)
                    await asyncio.sleep(1)
            await asyncio.get_running_loop().create_future()

        Component(world, "client", client_main).start()
        await world.sleep(0.5)
        server.start()
        await world.sleep(2)  # the second call is on its way
        server.stop()
        await world.sleep(10)

    simulate(1, scenario)
    assert told == ["ConnectionRefusedError", "made 1", "ConnectionResetError", "ConnectionRefusedError"]
    assert service.created == [1]


def test_a_call_is_carried_out_though_the_caller_died_and_a_watch_breaks_with_the_server() -> None:
    service, told = Service(), []

    async def server_main(life: Incarnation) -> None:
        life.services["api"] = service
        await asyncio.get_running_loop().create_future()

    async def scenario(world: SimWorld) -> None:
        server = Component(world, "server", server_main)
        server.start()

        async def caller_main(life: Incarnation) -> None:
            client: Any = Connection(life, server)
            await client.create("x")

        async def watcher_main(life: Incarnation) -> None:
            client: Any = Connection(life, server)
            try:
                async for number in client.watch():
                    told.append(number)
            except ConnectionResetError:
                told.append("reset")
            await asyncio.get_running_loop().create_future()

        caller = Component(world, "caller", caller_main)
        caller.start()
        Component(world, "watcher", watcher_main).start()
        await world.sleep(0.5)
        caller.stop()
        await world.sleep(2)
        server.stop()
        await world.sleep(2)

    simulate(1, scenario)
    assert service.created == ["x"]
    assert told == [0, 1, 2, "reset"]


def test_one_that_is_stopped_while_it_is_down_stays_down() -> None:
    async def main(life: Incarnation) -> None:
        await asyncio.sleep(1000)

    async def scenario(world: SimWorld) -> None:
        component = Component(world, "toy", main, downtime_seconds=2)
        component.start()
        component.crash()
        component.stop()
        await world.sleep(10)
        assert component.current is None
        component.start()
        component.crash()
        again = component.start()
        await world.sleep(10)
        assert component.current is again
        component.stop()

    simulate(1, scenario)
