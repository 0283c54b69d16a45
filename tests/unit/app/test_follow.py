"""Logs as lines, whatever builds write."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest

from boatyard.app import follow
from boatyard.ci import object_keys
from boatyard.machinery.meta.errors import ServiceUnavailable
from boatyard.machinery.objects.memory import MemoryObjects

PREFIX = object_keys.attempt_logs("default", "shop", 1, 1)
BUILD = {"spec": {}, "status": {"attempts": [{"number": 1, "pod": "shop-1", "logs": PREFIX}]}}


async def told(chunks: list[bytes]) -> list[bytes]:
    objects, offset = MemoryObjects(), 0
    for chunk in chunks:
        await objects.put(object_keys.log_chunk(PREFIX, "build", offset), chunk)
        offset += len(chunk)
    return [line.text async for line in follow.archived(objects, BUILD)]


async def test_lines_are_whole_though_chunks_end_within_them():
    assert await told([b"one\ntw", b"o\n", b"\nlast"]) == [b"one", b"two", b"", b"last"]


async def test_a_line_that_is_too_long_is_told_in_pieces():
    size = follow.LONGEST_LINE_BYTES
    assert [len(line) for line in await told([b"x" * size + b"\n" + b"y" * (2 * size + 5) + b"\n"])] == [size, size, size, 5]


@pytest.mark.parametrize("seed", range(30))
async def test_the_same_lines_however_the_log_is_divided(seed: int, monkeypatch: pytest.MonkeyPatch):
    """What was told live is recognised in the archive, whose chunks end elsewhere."""
    monkeypatch.setattr(follow, "LONGEST_LINE_BYTES", 4)
    rng = random.Random(seed)
    log = bytes(rng.choice(b"ab\n") if rng.random() < 0.7 else 99 for _ in range(60))
    cuts = sorted(rng.sample(range(1, 60), 5))
    chunks = [log[a:b] for a, b in zip([0, *cuts], [*cuts, 60], strict=True)]
    assert await told(chunks) == await told([log])


async def test_half_a_line_of_a_stream_that_broke_is_left_to_the_archive():
    async def stream() -> AsyncIterator[bytes]:
        yield b"one\ntw"
        raise ServiceUnavailable("the node agent is gone")

    assert [line async for line in follow._lines(stream())] == [b"one"]
