"""What only the store on disk promises: it outlives its process, refuses files it doesn't know, and survives a full disk."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from boatyard.machinery.store.faults import StoreFormatError
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Compacted, Delete, Put

WRITE_UNTIL_KILLED = """
import asyncio, sys
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Put

async def main():
    store = await SqliteStore.open(sys.argv[1])
    async def writer(number):
        while True:
            revision = await store.commit([Put(f"/{number}/a", b"x" * 500), Put(f"/{number}/b", b"y" * 500)])
            print(number, revision, flush=True)
    await asyncio.gather(*(writer(n) for n in range(8)))

asyncio.run(main())
"""


async def test_what_was_committed_is_there_after_opening_again(tmp_path: Path):
    store = await SqliteStore.open(tmp_path / "s.db")
    await store.commit([Put("/a", b"1"), Put("/b", b"1")])
    await store.commit([Delete("/b")])
    await store.close()
    again = await SqliteStore.open(tmp_path / "s.db")
    assert again.revision == 2
    assert [r.value for r in again.range("/").records] == [b"1"]
    async with aclosing(again.watch("/", 1)) as watch:
        assert [(c.key, c.deleted) for c in await anext(watch)] == [("/b", True)]
    await again.close()


async def test_compaction_is_remembered(tmp_path: Path):
    store = await SqliteStore.open(tmp_path / "s.db")
    for _ in range(1200):
        await store.commit([Put("/a", b"1")])
    await store.compact(1100)
    await store.close()
    connection = sqlite3.connect(tmp_path / "s.db")
    assert connection.execute("SELECT count(*) FROM history").fetchone() == (100,)
    connection.close()
    again = await SqliteStore.open(tmp_path / "s.db")
    with pytest.raises(Compacted):
        await anext(again.watch("/", 1))
    await again.close()


@pytest.mark.parametrize("rounds", [3])
async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, rounds: int):
    acknowledged: dict[str, int] = {}
    for _ in range(rounds):
        command = [sys.executable, "-c", WRITE_UNTIL_KILLED, str(tmp_path / "s.db")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        for _ in range(200):
            number, revision = process.stdout.readline().split()
            acknowledged[number] = int(revision)
        os.kill(process.pid, signal.SIGKILL)
        for line in process.stdout.read().splitlines(keepends=True):
            if line.endswith("\n"):
                number, revision = line.split()
                acknowledged[number] = int(revision)
        process.wait()
        store = await SqliteStore.open(tmp_path / "s.db")
        for number, revision in acknowledged.items():
            first, second = store.get(f"/{number}/a"), store.get(f"/{number}/b")
            assert first and second and first.modified == second.modified >= revision
        await store.close()


async def test_a_file_of_another_program_is_refused(tmp_path: Path):
    connection = sqlite3.connect(tmp_path / "s.db")
    connection.execute("PRAGMA application_id = 77")
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(StoreFormatError, match="another program"):
        await SqliteStore.open(tmp_path / "s.db")


async def test_a_file_of_a_newer_program_is_refused(tmp_path: Path):
    await (await SqliteStore.open(tmp_path / "s.db")).close()
    connection = sqlite3.connect(tmp_path / "s.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreFormatError, match="format 99"):
        await SqliteStore.open(tmp_path / "s.db")


async def test_a_commit_that_does_not_fit_the_disk_is_refused_and_later_ones_go_on(tmp_path: Path):
    store = await SqliteStore.open(tmp_path / "s.db")
    await store.commit([Put("/a", b"1")])
    writing = store._writer._connection
    pages = writing.execute("PRAGMA page_count").fetchone()[0]
    writing.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(OSError, match="not written"):
        await store.commit([Put("/a", b"x" * 1_000_000)])
    assert (store.revision, store.get("/a").value) == (1, b"1")  # type: ignore[union-attr]
    assert await store.commit([Put("/a", b"2")]) == 2
    await store.close()


async def test_a_page_is_never_ahead_of_what_watchers_were_told(tmp_path: Path):
    store = await SqliteStore.open(tmp_path / "s.db")
    await store.commit([Put("/a", b"1")])
    await store.commit([Put("/a", b"2"), Put("/b", b"2")])
    store._revision = 1  # as while the news of the second commit is still on its way to the event loop
    page = store.range("/")
    assert (page.revision, [(r.key, r.value, r.modified) for r in page.records]) == (1, [("/a", b"1", 1)])
    assert store.range("/c").revision == 1
    await store.close()
