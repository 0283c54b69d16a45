"""The check finds whatever doesn't fit together, though every page and every row is whole by itself."""

import sqlite3
from pathlib import Path

import pytest

from boatyard.machinery.store.check import check
from boatyard.machinery.store.faults import StoreFormatError
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Delete, Put
from boatyard.machinery.store.sums import current_sum, history_sum


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Revisions: 1 and 2 forgotten; 3 changes /a, 4 makes /b and /c, 5 removes /b, 6 makes it again."""
    store = await SqliteStore.open(tmp_path / "s.db")
    await store.commit([Put("/a", b"1")])
    await store.commit([Put("/old", b"2")])
    await store.commit([Put("/a", b"3")])
    await store.commit([Put("/b", b"4"), Put("/c", b"4")])
    await store.commit([Delete("/b")])
    await store.commit([Put("/b", b"6")])
    await store.compact(2)
    await store.close()
    return tmp_path / "s.db"


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.create_function("current_sum", 4, current_sum)
        connection.create_function("history_sum", 6, history_sum)
        connection.execute(statement)
        connection.execute("UPDATE current SET sum = current_sum(key, value, created, modified)")
        connection.execute("UPDATE history SET sum = history_sum(position, key, previous, created, modified, deleted)")


async def test_a_sound_store_is_sound_and_counted(path: Path):
    heard: list[tuple[str, int, int]] = []
    report = check(path, progress=lambda *told: heard.append(told))
    assert (report.sound, report.revision, report.compacted, report.records, report.history) == (True, 6, 2, 4, 5)
    assert ("records", 4, 4) in heard and ("history", 5, 5) in heard


async def test_a_store_in_use_is_checked_as_it_is_at_one_moment(path: Path):
    store = await SqliteStore.open(path)
    await store.commit([Put("/d", b"7")])
    report = check(path)
    assert (report.sound, report.revision) == (True, 7)
    await store.commit([Put("/d", b"8")])
    await store.close()


WRONG = [
    ("DELETE FROM history WHERE position = 4 << 12", "history", "missing before revision 4"),
    ("DELETE FROM history WHERE position >> 12 = 5", "history", "missing before revision 6"),
    ("DELETE FROM history WHERE position >> 12 = 6", "history", "ends at revision 5"),
    ("DELETE FROM current WHERE key = '/c'", "/c", "left at revision 4, but is there with revision 0"),
    ("UPDATE current SET modified = 5 WHERE key = '/c'", "/c", "left at revision 4, but is there with revision 5"),
    ("UPDATE current SET modified = 3 WHERE key = '/old'", "/old", "of which the history knows nothing"),
    ("UPDATE current SET modified = 9 WHERE key = '/old'", "/old", "the last revision is 6"),
    ("UPDATE history SET modified = 3 WHERE position = 5 << 12", "/b", "found it at 3, but it had been left at 4"),
    ("UPDATE state SET value = 0 WHERE name = 'history_bytes'", "state", "are counted"),
    ("UPDATE state SET value = 9 WHERE name = 'compacted'", "state", "compacted 9"),
]


@pytest.mark.parametrize(("statement", "where", "what"), WRONG)
async def test_what_does_not_fit_is_found(path: Path, statement: str, where: str, what: str):
    change(path, statement)
    assert any(finding.where == where and what in finding.what for finding in check(path).findings)


async def test_a_value_that_is_wrong_to_whoever_knows_values_is_found(path: Path):
    report = check(path, wrong=lambda key, value: "it is a four" if value == b"4" else "")
    assert report.findings == [("/c", "it is a four")]


async def test_an_index_that_lacks_a_row_is_found(path: Path):
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'UNIQUE', '') WHERE name = 'current'")
    assert not check(path).sound


async def test_many_findings_are_counted_not_all_told(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("boatyard.machinery.store.check.MOST", 2)
    report = check(path, wrong=lambda key, value: "wrong")
    assert (len(report.findings), report.left_out) == (2, 2)


async def test_what_is_no_store_is_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="there is no database"):
        check(tmp_path / "nothing.db")
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreFormatError, match="another program"):
        check(tmp_path / "other.db")
