"""What is free goes back to the machine; what is in use isn't looked at again and again."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

import pytest

from boatyard.app import memory
from boatyard.machinery.runtime.world import RealWorld


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_memory_between_what_is_in_use_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SECONDS", 0.01)
    blocks = [bytearray(b"x" * 20_000) for _ in range(5000)]
    kept, held = blocks[::100], resident_bytes()
    del blocks
    giving = asyncio.create_task(memory.give_back(RealWorld()))
    async with asyncio.timeout(30):
        while resident_bytes() > held - 50_000_000:
            await asyncio.sleep(0.01)
    giving.cancel()
    assert len(kept) == 50


def test_the_collector_leaves_what_is_there_alone_and_looks_at_everything_seldom() -> None:
    before = gc.get_threshold()
    gc.unfreeze()
    try:
        memory.grow()
        memory.settle()
        assert gc.get_freeze_count() > 1000
        assert gc.get_threshold() == (*before[:2], memory.WHOLE_AFTER)
    finally:
        gc.set_threshold(*before)
