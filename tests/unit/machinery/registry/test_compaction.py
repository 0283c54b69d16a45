"""History is kept for a time; less when it is too much, but always a little."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from boatyard.machinery.registry.compaction import forget_history
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from boatyard.machinery.store.store import Compacted, Put


class SlowWorld(RealWorld):
    """A clock that goes on when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.slept = asyncio.Semaphore(0)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        await self.slept.acquire()
        self.seconds += seconds


class Forgetting:
    """The loop over a store, a look at a time."""

    def __init__(self, most_bytes: int) -> None:
        self.store, self.world = MemoryStore(), SlowWorld()
        self._loop = asyncio.create_task(forget_history(self.store, self.world, 300.0, most_bytes))

    async def look(self, looks: int, size: int = 1) -> None:
        """So many looks, each ten seconds after the other, with a commit of so many bytes before each."""
        for _ in range(looks):
            await self.store.commit([Put("/a", b"x" * size)])
            self.world.slept.release()
            for _ in range(20):
                await asyncio.sleep(0)

    async def remembers(self, revision: int) -> bool:
        """Whether a watch may go on from there."""
        try:
            await anext(self.store.watch("/", revision))
        except Compacted:
            return False
        return True

    async def end(self) -> None:
        self._loop.cancel()
        await asyncio.wait((self._loop,))


@pytest.fixture
async def forgetting() -> AsyncIterator[Forgetting]:
    running = Forgetting(most_bytes=10_000)
    await asyncio.sleep(0)
    yield running
    await running.end()


async def test_what_is_younger_than_five_minutes_is_remembered(forgetting: Forgetting):
    await forgetting.look(29)
    assert await forgetting.remembers(0)
    await forgetting.look(11)
    assert forgetting.store.revision == 40
    assert not await forgetting.remembers(9)
    assert await forgetting.remembers(10)


async def test_too_much_is_forgotten_sooner(forgetting: Forgetting):
    await forgetting.look(20, size=1000)
    assert forgetting.store.history_bytes <= 10_000
    assert not await forgetting.remembers(9)
    assert await forgetting.remembers(11)


async def test_a_little_is_remembered_however_much_it_is(forgetting: Forgetting):
    await forgetting.look(10, size=50_000)
    assert await forgetting.remembers(9), "ten seconds ago"
    assert not await forgetting.remembers(6)


async def test_a_store_that_cannot_forget_is_tried_again(forgetting: Forgetting, monkeypatch: pytest.MonkeyPatch):
    async def full(revision: int) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(forgetting.store, "compact", full)
        await forgetting.look(35)
    assert await forgetting.remembers(0)
    await forgetting.look(1)
    assert not await forgetting.remembers(4)
