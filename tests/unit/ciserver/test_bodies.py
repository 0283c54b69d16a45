"""Bodies of strangers take bounded memory, and slow ones keep nobody waiting for long."""

import asyncio

import pytest

from boatyard.ciserver.bodies import Bodies, TooLarge, TooMany, TooSlow
from virtual import virtual


class Sender:
    """Sends what the test puts; nothing more after an empty piece."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.taken = 0
        for piece in pieces:
            self.pieces.put_nowait(piece)

    async def readany(self) -> bytes:
        piece = await self.pieces.get()
        self.taken += len(piece)
        return piece


async def judged(bodies: Bodies, sender: Sender, until: asyncio.Event | None = None) -> bytes:
    async with bodies.read(sender, None) as body:
        if until is not None:
            await until.wait()
        return body


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_body_is_read_to_its_end():
    bodies = Bodies(10)
    assert await judged(bodies, Sender(b"ab", b"cd", b"")) == b"abcd"
    assert bodies.held == 0


async def test_a_body_that_is_or_says_that_it_is_too_large_is_not_read_on():
    bodies = Bodies(4)
    sender = Sender(b"abc", b"de", b"f", b"")
    with pytest.raises(TooLarge):
        await judged(bodies, sender)
    assert sender.taken == 5 and bodies.held == 0
    with pytest.raises(TooLarge):
        async with bodies.read(Sender(), 5):
            pass


@virtual
async def test_a_body_that_does_not_come_in_time_lets_go_of_its_place():
    bodies = Bodies(10, at_once=1, seconds=0.01)
    with pytest.raises(TooSlow):
        await judged(bodies, Sender(b"ab"))
    assert await judged(bodies, Sender(b"x", b"")) == b"x"


async def test_more_than_may_be_at_once_are_refused_until_one_is_done():
    bodies, done = Bodies(10, at_once=1), asyncio.Event()
    first = asyncio.create_task(judged(bodies, Sender(b"a", b""), done))
    await settled()
    with pytest.raises(TooMany):
        await judged(bodies, Sender(b"b", b""))
    done.set()
    assert await first == b"a"
    assert await judged(bodies, Sender(b"b", b"")) == b"b"


async def test_beyond_the_memory_for_all_only_the_oldest_goes_on():
    bodies, done = Bodies(100, held_bytes=4), asyncio.Event()
    old, young = Sender(b"abcd"), Sender(b"efgh", b"")
    first = asyncio.create_task(judged(bodies, old, done))
    await settled()
    second = asyncio.create_task(judged(bodies, young))
    await settled()
    assert (young.taken, bodies.held) == (0, 4), "it waits unread"
    old.pieces.put_nowait(b"more")
    old.pieces.put_nowait(b"")
    done.set()
    assert await asyncio.gather(first, second) == [b"abcdmore", b"efgh"]
    assert bodies.held == 0


async def test_who_hangs_up_leaves_nothing_behind():
    bodies = Bodies(10, at_once=1)
    task = asyncio.create_task(judged(bodies, Sender(b"ab")))
    await settled()
    task.cancel()
    await asyncio.wait((task,))
    assert bodies.held == 0
    assert await judged(bodies, Sender(b"")) == b""
