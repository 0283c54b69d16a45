"""Under steady churn the file and its log stop growing; commits don't wait long behind compaction."""

import asyncio
from pathlib import Path

import pytest

from boatyard.machinery.store import opening
from boatyard.machinery.store import writer as writing
from boatyard.machinery.store.metrics import Size
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Put

KEYS, VALUE = 200, b"x" * 2000


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening, "CHECKPOINT_PAGES", 200)
    store = await SqliteStore.open(tmp_path / "s.db")
    yield store
    await store.close()


async def churn(store: SqliteStore, rounds: int, kept: int = 400) -> list[Size]:
    """Every key written anew in every round, the history forgotten but for so many revisions; the size after each."""
    sizes: list[Size] = []
    for number in range(rounds):
        await asyncio.gather(*(store.commit([Put(f"/{key}", b"%d" % number + VALUE)]) for key in range(KEYS)))
        await store.compact(max(0, store.revision - kept))
        sizes.append(store.size())
    return sizes


async def test_the_file_and_the_log_stop_growing(store: SqliteStore):
    sizes = await churn(store, 30)
    assert max(size.database_bytes for size in sizes[5:]) <= 1.25 * sizes[5].database_bytes
    assert max(size.log_bytes for size in sizes) < 8_000_000
    assert max(size.history_bytes for size in sizes[5:]) <= 400 * 2100


async def test_the_log_stays_small_under_many_watchers(store: SqliteStore):
    watches = [store.watch("/", 0) for _ in range(200)]
    watching = [asyncio.ensure_future(anext(watch)) for watch in watches]
    sizes = await churn(store, 15)
    assert max(size.log_bytes for size in sizes) < 8_000_000
    await asyncio.gather(*watching)
    for watch in watches:
        await watch.aclose()


async def test_a_long_reader_makes_the_log_grow_only_as_long_as_it_reads(store: SqliteStore):
    reader = opening.connect(store.path, read_only=True)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM current").fetchone()
    grown = (await churn(store, 8))[-1].log_bytes
    reader.close()
    # Twice as much was written by now; but once nobody reads its end, the log starts over.
    assert (await churn(store, 8))[-1].log_bytes <= 1.25 * grown


async def test_space_that_is_free_for_good_is_given_back(store: SqliteStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writing, "SPARE_PAGES", 20)
    await churn(store, 10, kept=10_000)
    grown = store.size().database_bytes
    await store.compact(store.revision)
    await store.commit([Put("/last", b"")])
    await store.close()
    assert store.size().database_bytes < grown / 2
