"""Older formats are brought up to this one: nothing is lost, a copy of the older one is kept, a crash leaves one or the other."""

import sqlite3
from pathlib import Path

import pytest

from boatyard.machinery.store import migrations
from boatyard.machinery.store import statements as sql
from boatyard.machinery.store.check import check
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Put, Record

FORMAT_1 = f"""
PRAGMA page_size = 8192;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE current (key TEXT NOT NULL UNIQUE, value BLOB NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL);
CREATE TABLE history (position INTEGER PRIMARY KEY, key TEXT NOT NULL, previous BLOB, created INTEGER NOT NULL,
  modified INTEGER NOT NULL, deleted INTEGER NOT NULL);
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO state VALUES ('revision', 3), ('compacted', 0);
INSERT INTO current VALUES ('/a', x'32', 1, 2);
INSERT INTO history VALUES (1 << 12, '/a', NULL, 0, 0, 0), (2 << 12, '/a', x'31', 1, 1, 0);
INSERT INTO current VALUES ('/b', x'', 3, 3);
INSERT INTO history VALUES (3 << 12, '/b', NULL, 0, 0, 0);
PRAGMA application_id = {sql.APPLICATION_ID};
PRAGMA user_version = 1;
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    connection = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    connection.executescript(FORMAT_1)
    connection.close()
    return tmp_path / "s.db"


async def test_what_an_older_program_wrote_is_there_and_goes_on(old: Path):
    store = await SqliteStore.open(old)
    assert store.range("/").records == [Record("/a", b"2", 1, 2), Record("/b", b"", 3, 3)]
    assert [change.value for change in await anext(store.watch("/", 0))] == [b"1", b"2", b""]
    assert await store.commit([Put("/a", b"4")]) == 4
    await store.close()
    report = check(old)
    assert (report.findings, report.format) == ([], sql.FORMAT)


async def test_a_copy_of_the_older_one_is_kept_private(old: Path):
    await (await SqliteStore.open(old)).close()
    kept = old.with_name("s.db.format-1")
    assert kept.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(kept) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM history").fetchone() == (3,)


async def test_a_step_that_fails_leaves_the_older_one_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch):
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE current ADD COLUMN sum INTEGER")
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setitem(migrations._STEPS, 1, half)
        with pytest.raises(OSError, match="the disk is full"):
            await SqliteStore.open(old)
    await (await SqliteStore.open(old)).close()
    assert check(old).sound


def test_a_check_before_the_migration_sees_whole_pages(old: Path):
    report = check(old)
    assert (report.sound, report.format) == (True, 1)
