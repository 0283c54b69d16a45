"""The way back: a backup is one sound state, a restore never gives a revision a second meaning, and neither loses what is there."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from boatyard.machinery.store.backup import EPOCH, backup, restore
from boatyard.machinery.store.check import check
from boatyard.machinery.store.faults import StoreFormatError, StoreInUse
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Compacted, Damaged, Put


async def fill(path: Path, *values: bytes) -> None:
    store = await SqliteStore.open(path)
    for value in values:
        await store.commit([Put("/a", value)])
    await store.close()


async def test_a_backup_of_a_store_in_use_is_one_state_of_it(tmp_path: Path):
    store = await SqliteStore.open(tmp_path / "s.db")
    await store.commit([Put("/a", b"0"), Put("/b", b"0")])

    async def write() -> None:
        for number in range(1, 300):
            await store.commit([Put("/a", b"%d" % number * 500), Put("/b", b"%d" % number * 500)])

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.02)
    report = await asyncio.to_thread(backup, tmp_path / "s.db", tmp_path / "b.db", check)
    await writing
    await store.close()
    assert report.sound and 0 < report.revision < 300
    with sqlite3.connect(tmp_path / "b.db") as copy:
        assert len({value for (value,) in copy.execute("SELECT value FROM current")}) == 1
    assert (tmp_path / "b.db").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []


async def test_a_damaged_store_is_not_backed_up(tmp_path: Path):
    await fill(tmp_path / "s.db", b"the value")
    content = (tmp_path / "s.db").read_bytes()
    (tmp_path / "s.db").write_bytes(content.replace(b"the value", b"the valve"))
    with pytest.raises(Damaged, match=r"it was not backed up.*/a"):
        backup(tmp_path / "s.db", tmp_path / "b.db", check)
    assert not (tmp_path / "b.db").exists()


async def test_nothing_is_written_over(tmp_path: Path):
    await fill(tmp_path / "s.db", b"1")
    (tmp_path / "b.db").write_text("precious")
    with pytest.raises(FileExistsError, match="choose another name"):
        backup(tmp_path / "s.db", tmp_path / "b.db", check)
    assert (tmp_path / "b.db").read_text() == "precious"


async def test_a_restore_brings_the_state_back_and_keeps_what_was_there(tmp_path: Path):
    path = tmp_path / "s.db"
    await fill(path, b"1", b"2")
    backup(path, tmp_path / "b.db", check)
    await fill(path, b"3")
    done = restore(path, tmp_path / "b.db", check)
    store = await SqliteStore.open(path)
    assert store.get("/a").value == b"2"  # type: ignore[union-attr]
    assert (done.told, store.revision) == (2, done.revision)
    await store.close()
    assert done.aside is not None and check(done.aside / "s.db").revision == 3
    assert check(path).sound


async def test_no_revision_gets_a_second_meaning(tmp_path: Path):
    path = tmp_path / "s.db"
    await fill(path, b"1")
    backup(path, tmp_path / "b.db", check)
    await fill(path, b"2", b"3")
    for _ in range(2):
        told = check(path).revision
        restore(path, tmp_path / "b.db", check)
        store = await SqliteStore.open(path)
        assert store.revision >= told + EPOCH
        for known in (1, 2, told, told + 100):  # whatever a client may have heard of, and what came after
            with pytest.raises(Compacted):
                await anext(store.watch("/", known))
        revision = store.revision
        assert await store.commit([Put("/a", b"new")]) == revision + 1
        assert [change.previous for change in await anext(store.watch("/", revision))] == [b"1"]
        await store.close()


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b"rubbish" * 9000), lambda path: path.unlink()])
async def test_what_is_damaged_or_missing_is_replaced_all_the_same(tmp_path: Path, harm):
    path = tmp_path / "s.db"
    await fill(path, b"1")
    backup(path, tmp_path / "b.db", check)
    harm(path)
    assert restore(path, tmp_path / "b.db", check).revision == 2 * EPOCH
    assert check(path).sound


async def test_a_damaged_backup_is_refused_and_nothing_is_touched(tmp_path: Path):
    path = tmp_path / "s.db"
    await fill(path, b"the value")
    backup(path, tmp_path / "b.db", check)
    (tmp_path / "b.db").write_bytes((tmp_path / "b.db").read_bytes().replace(b"the value", b"the valve"))
    before = path.read_bytes()
    with pytest.raises(Damaged, match="nothing was restored"):
        restore(path, tmp_path / "b.db", check)
    assert path.read_bytes() == before


async def test_a_store_in_use_and_files_of_others_are_refused(tmp_path: Path):
    path = tmp_path / "s.db"
    await fill(path, b"1")
    backup(path, tmp_path / "b.db", check)
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreFormatError, match="another program"):
        restore(path, tmp_path / "other.db", check)
    store = await SqliteStore.open(path)
    with pytest.raises(StoreInUse):
        restore(path, tmp_path / "b.db", check)
    await store.close()


async def test_a_restore_that_was_cut_off_is_said_and_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "s.db"
    await fill(path, b"1")
    backup(path, tmp_path / "b.db", check)

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("boatyard.machinery.store.backup._set_aside", cut)
        with pytest.raises(KeyboardInterrupt):
            restore(path, tmp_path / "b.db", check)
    path.rename(tmp_path / "aside")  # it had come as far as this
    with pytest.raises(Damaged, match="a restore was cut off; repeat it"):
        await SqliteStore.open(path)
    restore(path, tmp_path / "b.db", check)
    assert check(path).records == 1
