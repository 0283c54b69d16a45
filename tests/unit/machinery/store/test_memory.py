"""What the store in memory has beyond the contract, which ``tests/conformance/store`` holds it to."""

from __future__ import annotations

import asyncio

from boatyard.machinery.store.memory import MemoryStore
from boatyard.machinery.store.store import Put


async def test_who_watched_before_it_was_opened_anew_hears_nothing_any_more() -> None:
    store = MemoryStore()
    await store.commit([Put("/a/1", b"1")])
    before = store.watch("/a/", 1)
    first = asyncio.ensure_future(anext(before))
    await asyncio.sleep(0)
    store.reopened()
    after = store.watch("/a/", 1)
    second = asyncio.ensure_future(anext(after))
    await asyncio.sleep(0)
    await store.commit([Put("/a/2", b"2")])
    assert [change.key for change in await second] == ["/a/2"]
    assert not first.done()
    first.cancel()
    await asyncio.wait((first,))
    await after.aclose()
