"""A database that isn't what was written is found out and said, at the start or when the record is met; never a silent loss."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from boatyard.machinery.store.check import check
from boatyard.machinery.store.faults import StoreInUse
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Damaged, Put

WRITE_AND_DIE = """
import asyncio, os, sys
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Put

async def main():
    store = await SqliteStore.open(sys.argv[1])
    for number in range(40):
        await store.commit([Put(f"/{number % 10}", b"the value %d " % number * 100)])
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""
FRAME = 24 + 8192


@pytest.fixture
async def closed(tmp_path: Path) -> Path:
    """A store of ten records with a past, closed in order."""
    path = tmp_path / "s.db"
    store = await SqliteStore.open(path)
    for number in range(40):
        await store.commit([Put(f"/{number % 10}", b"the value %d " % number * 100)])
    await store.close()
    return path


@pytest.fixture(scope="module")
def killed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("killed") / "s.db"
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(path)], check=False)
    return path.parent


@pytest.fixture
def killed(killed_once: Path, tmp_path: Path) -> Path:
    """The same, but the process was killed: everything is in the write-ahead log."""
    shutil.copytree(killed_once, tmp_path / "copy")
    return tmp_path / "copy" / "s.db"


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def flip(path: Path, around: bytes) -> None:
    """Flip one bit of the only place in the file that has these bytes."""
    content = path.read_bytes()
    assert content.count(around) == 1
    overwrite(path, content.index(around), bytes([around[0] ^ 1]))


def log_of(path: Path) -> Path:
    return path.with_name("s.db-wal")


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


AT_THE_START: list[tuple[str, Callable[[Path], None], str]] = [
    ("the file is missing", lambda path: path.unlink(), "missing"),
    ("the file is empty", emptied, "the file is empty"),
    ("the file is zeroed", zeroed, "first bytes"),
    ("another file stands there", lambda path: path.write_text("#!/bin/sh\n" * 1000) and None, "first bytes"),
    ("the log is missing", lambda path: log_of(path).unlink(), "write-ahead log s.db-wal is lost"),
    ("the log is empty", lambda path: emptied(log_of(path)), "write-ahead log s.db-wal is lost"),
    ("the log is zeroed", lambda path: zeroed(log_of(path)), "first bytes of its write-ahead log"),
    ("a page of the log is zeroed", lambda path: overwrite(log_of(path), 32 + 9 * FRAME, bytes(FRAME)), "were acknowledged"),
    ("a bit of the log is flipped", lambda path: overwrite(log_of(path), 32 + 9 * FRAME + 600, b"\x55"), "were acknowledged"),
]


@pytest.mark.parametrize(("harm", "told"), [case[1:] for case in AT_THE_START], ids=[case[0] for case in AT_THE_START])
async def test_what_is_lost_is_said_at_the_start_and_nothing_is_touched(killed: Path, harm: Callable[[Path], None], told: str):
    harm(killed)
    before = {file.name: file.read_bytes() for file in killed.parent.iterdir() if file.suffix != ".db-shm"}
    for _ in range(2):  # the second time is no different: nothing was made anew where something had been
        with pytest.raises(Damaged, match=told) as caught:
            await SqliteStore.open(killed, expected=True)
        assert "boatyard store restore FILE" in str(caught.value)
    after = {file.name: file.read_bytes() for file in killed.parent.iterdir() if file.suffix != ".db-shm"}
    assert after == before
    assert told in check(killed).findings[0].what


async def test_a_log_whose_end_is_torn_is_what_a_power_cut_leaves(killed: Path):
    log = log_of(killed)
    os.truncate(log, log.stat().st_size - 100)
    store = await SqliteStore.open(killed)
    assert store.revision == 39
    await store.close()
    assert check(killed).sound


async def test_a_file_of_half_its_pages_is_not_opened(closed: Path):
    os.truncate(closed, closed.stat().st_size // 2)
    with pytest.raises(Damaged, match="damaged"):
        store = await SqliteStore.open(closed)
        store.range("/")
    assert not check(closed).sound


async def test_a_flipped_bit_in_a_value_is_never_handed_out(closed: Path):
    flip(closed, b"the value 35 " * 100)
    store = await SqliteStore.open(closed)
    with pytest.raises(Damaged, match="the record of /5 is not what was written"):
        store.get("/5")
    with pytest.raises(Damaged, match="/5"):
        store.range("/")
    with pytest.raises(Damaged, match="/5"):
        await store.commit([Put("/1", b"with it"), Put("/5", b"new")])
    assert store.get("/4").value == b"the value 34 " * 100  # type: ignore[union-attr]
    assert await store.commit([Put("/1", b"new")]) == 41, "what isn't damaged goes on"
    await store.close()
    assert [finding.where for finding in check(closed).findings] == ["/5"]


async def test_a_flipped_bit_in_the_past_is_never_told_to_a_watch(closed: Path):
    flip(closed, b"the value 15 " * 100)
    store = await SqliteStore.open(closed)
    with pytest.raises(Damaged, match="the history of /5 at revision 26"):
        await anext(store.watch("/", 10))
    assert len(await anext(store.watch("/", 30))) == 10
    await store.close()
    assert [finding.where for finding in check(closed).findings] == ["/5"]


async def test_a_torn_page_met_while_writing_ends_writing_and_says_so(closed: Path):
    connection = sqlite3.connect(closed)
    page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'history'").fetchone()[0]
    connection.close()
    overwrite(closed, (page - 1) * 8192, bytes(512))
    with pytest.raises(Damaged, match="damaged"):
        store = await SqliteStore.open(closed)
        try:
            await store.commit([Put("/1", b"new")])
        finally:
            assert store.size().damaged
            with pytest.raises(Damaged):
                await store.commit([Put("/2", b"new")])
            await store.close()


async def test_who_may_not_give_way_looks_at_the_pages_all_the_same(closed: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(*what: int) -> None:
        raise PermissionError(*what)

    monkeypatch.setattr(os, "setpriority", refused)
    store = await SqliteStore.open(closed)
    await store.verify()
    await store.close()


async def test_pages_that_nobody_reads_are_looked_at_once_and_then_nothing_is_written(closed: Path):
    connection = sqlite3.connect(closed)
    page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name LIKE 'sqlite_autoindex_current%'").fetchone()[0]
    connection.close()
    store = await SqliteStore.open(closed)
    await store.verify()
    await store.close()
    overwrite(closed, (page - 1) * 8192 + 4096, b"\x55" * 4096)
    store = await SqliteStore.open(closed)
    with pytest.raises(Damaged, match="damaged"):
        await store.verify()
    with pytest.raises(Damaged, match="boatyard store restore"):
        await store.commit([Put("/new", b"")])
    assert store.size().damaged
    await store.close()


COUNTERS = [
    ("UPDATE state SET value = 7 WHERE name = 'revision'", "disagree"),
    ("UPDATE state SET value = 700 WHERE name = 'revision'", "disagree"),
    ("UPDATE state SET value = 41 WHERE name = 'compacted'", "disagree"),
    ("DELETE FROM state", "counters are missing"),
]


@pytest.mark.parametrize(("statement", "told"), COUNTERS)
async def test_counters_that_do_not_fit_the_history_are_said_at_the_start(closed: Path, statement: str, told: str):
    with sqlite3.connect(closed) as connection:
        connection.execute(statement)
    with pytest.raises(Damaged, match=told):
        await SqliteStore.open(closed)
    assert not check(closed).sound


async def test_two_control_planes_on_one_file_are_refused(tmp_path: Path):
    store = await SqliteStore.open(tmp_path / "s.db")
    with pytest.raises(StoreInUse, match="another process has the database"):
        await SqliteStore.open(tmp_path / "s.db")
    await store.close()
    await (await SqliteStore.open(tmp_path / "s.db")).close()


async def test_what_the_disk_refuses_is_said(tmp_path: Path):
    with pytest.raises(OSError, match=r"s\.db can't be opened: No such file or directory"):
        await SqliteStore.open(tmp_path / "missing" / "s.db")
