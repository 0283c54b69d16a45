"""Logs as they come: before there is a pod, over attempts, from any byte on."""

from __future__ import annotations

import asyncio
from typing import Any

from boatyard.ciserver import livelog

A = "a" * 40


class Reader:
    """Follows a stream and collects what it says."""

    def __init__(self, world: Any, container: str = "build", **options: Any) -> None:
        self.chunks: list[Any] = []
        self.task = asyncio.create_task(self._read(world.server.logs.stream(1, container, **options)))

    async def _read(self, stream: Any) -> None:
        async for chunk in stream:
            self.chunks.append(chunk)

    def text(self, attempt: int = 1) -> bytes:
        return b"".join(chunk.data for chunk in self.chunks if chunk.attempt == attempt)


async def running(world: Any) -> None:
    await world.start()
    await world.push(A)
    await world.build("shop-1")


async def ends(reader: Reader) -> None:
    await asyncio.wait_for(reader.task, 30)


async def test_a_stream_opened_before_the_build_is_there_shows_its_first_line_at_once(world, monkeypatch):
    for name in ("_RETRY_SECONDS", "_SETTLE_SECONDS"):
        monkeypatch.setattr(livelog, name, 3600)
    await world.start()
    world.repository.available = False
    await world.push(A)
    reader = Reader(world, "source")
    await asyncio.sleep(0.05)
    world.repository.available = True
    await world.build("shop-1")
    world.pods.write("shop-1", "source", b"Fetching\n")
    await world.pod("shop-1", {"source": "waiting"})
    await asyncio.sleep(0.05)
    assert reader.chunks == []
    await world.pod("shop-1", {"source": "running"})
    await world.until(lambda: reader.text() == b"Fetching\n")
    reader.task.cancel()


async def test_waiting_asks_nobody(world):
    await running(world)
    await world.pod("shop-1", {"build": "waiting"})
    reader = Reader(world)
    await asyncio.sleep(0.3)
    assert world.pods.opened == 0
    reader.task.cancel()


async def test_a_stream_ends_when_the_build_is_over(world):
    await running(world)
    await world.pod("shop-1", {"build": "running"})
    world.pods.write("shop-1", "build", b"one\n")
    reader = Reader(world)
    await world.until(lambda: reader.text() == b"one\n")
    world.pods.write("shop-1", "build", b"two\n", end=True)
    await world.pod("shop-1", {"build": "terminated"})
    await world.becomes("shop-1", "Succeeded")
    await ends(reader)
    assert reader.text() == b"one\ntwo\n"


async def test_a_reader_that_comes_back_goes_on_at_its_byte(world):
    await running(world)
    await world.pod("shop-1", {"build": "running"})
    world.pods.write("shop-1", "build", b"0123456789")
    reader = Reader(world, attempt=1, start=7)
    await world.until(lambda: reader.text() == b"789")
    assert reader.chunks[0].offset == 7
    reader.task.cancel()


async def test_archived_pieces_come_first_and_the_living_pod_goes_on_without_a_gap(world):
    await running(world)
    await world.objects.put("1/logs/1/build/000000000000", b"01234")
    await world.objects.put("1/logs/1/build/000000000005", b"567")
    await world.pod("shop-1", {"build": "running"})
    world.pods.write("shop-1", "build", b"0123456789")
    reader = Reader(world, start=3)
    await world.until(lambda: reader.text() == b"3456789")
    reader.task.cancel()


async def test_the_next_attempt_follows_from_its_beginning(world):
    await running(world)
    await world.pod("shop-1", {"build": "running"})
    await world.becomes("shop-1", "Running", attempts=[{"number": 1, "pod": "shop-1"}])
    world.pods.write("shop-1", "build", b"first try\n")
    reader = Reader(world)
    await world.until(lambda: reader.text() == b"first try\n")
    world.pods.write("shop-1", "build", b"", end=True)
    from boatyard.machinery.meta.core import PODS

    await world.client.delete(PODS, "shop-1", "team", grace_period_seconds=0)
    again = [{"number": 1, "pod": "shop-1", "outcome": "Lost"}, {"number": 2, "pod": "shop-1-r2"}]
    await world.becomes("shop-1", "Running", attempts=again)
    await world.pod("shop-1-r2", {"build": "running"}, build="shop-1", attempt=2)
    world.pods.write("shop-1-r2", "build", b"second try\n", end=True)
    await world.until(lambda: reader.text(2) == b"second try\n")
    await world.pod("shop-1-r2", {"build": "terminated"}, build="shop-1", attempt=2)
    await world.becomes("shop-1", "Succeeded", attempts=again)
    await ends(reader)


async def test_of_a_finished_build_the_archive_is_read(world):
    await running(world)
    await world.objects.put("1/logs/1/build/000000000000", b"all of it\n")
    await world.becomes("shop-1", "Succeeded")
    reader = Reader(world)
    await ends(reader)
    assert reader.text() == b"all of it\n"


async def test_a_gap_in_the_archive_is_never_shown_as_if_there_were_none(world):
    await running(world)
    await world.objects.put("1/logs/1/build/000000000000", b"01234")
    await world.objects.put("1/logs/1/build/000000000009", b"9")
    await world.becomes("shop-1", "Succeeded")
    reader = Reader(world)
    await ends(reader)
    assert reader.text() == b"01234"


async def test_without_following_the_stream_ends_with_what_there_is(world):
    await running(world)
    await world.pod("shop-1", {"build": "running"})
    world.pods.write("shop-1", "build", b"so far\n")
    reader = Reader(world, follow=False)
    await ends(reader)
    assert reader.text() == b"so far\n"


async def test_a_build_that_never_had_a_pod_has_an_empty_log(world):
    await running(world)
    await world.becomes("shop-1", "Cancelled")
    reader = Reader(world)
    await ends(reader)
    assert reader.chunks == []
