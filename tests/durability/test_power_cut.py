"""After a power cut: everything that was acknowledged, nothing half there, and what watches were told is told again."""

from __future__ import annotations

import random
import sqlite3
from contextlib import aclosing
from pathlib import Path

import pytest

from boatyard.machinery.store.backup import EPOCH, backup, restore
from boatyard.machinery.store.check import check
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Change, Damaged, Delete, Put
from durability import powercut
from durability.recording import Recording, moments, notes, outcomes, record
from durability.workload import operations


def recorded(shim: Path, place: Path, kind: str, seed: int, synchronous: str = "FULL") -> Recording:
    """The workload of this kind on ``place/store/s.db``."""
    return record(shim, place, "workload.py", place / "store" / "s.db", kind, str(seed), synchronous)


class Expected:
    """What the notes up to a moment promise."""

    def __init__(self, entries: list[powercut.Entry]) -> None:
        self.begun: dict[int, int] = {}
        self.acknowledged: dict[int, int] = {}
        self.commits: dict[int, tuple[int, int]] = {}
        for _, told in notes(entries):
            if "begun" in told:
                self.begun[told["begun"][0]] = told["begun"][1]
            if "acknowledged" in told:
                writer, number, revision = told["acknowledged"]
                self.acknowledged[writer] = number
                self.commits[revision] = (writer, number)

    async def hold(self, path: Path) -> None:
        """Assert it of the file that a cut left."""
        store = await SqliteStore.open(path)
        try:
            for writer, begun in self.begun.items():
                number = _found(store, writer)
                assert self.acknowledged.get(writer, 0) <= number <= begun, f"writer {writer}: lost {self.acknowledged} > {number}"
            seen = await _history(store)
            revisions = sorted({change.revision for change in seen})
            assert revisions == list(range(store.size().compacted + 1, store.revision + 1))
            for revision, (writer, number) in self.commits.items():
                if revision > store.size().compacted:
                    told = [(c.key, c.deleted, c.value) for c in seen if c.revision == revision]
                    assert told == [_told(o, writer, number) for o in operations(writer, number)]
            assert await store.commit([Put("/after", b"the cut")]) == max((store.revision, *self.commits))
        finally:
            await store.close()
        report = check(path)
        assert report.findings == []


def _found(store: SqliteStore, writer: int) -> int:
    """The number of the writer's last commit, of which everything is there."""
    records = {key: store.get(f"/{writer}/{key}") for key in "abc"}
    if records["a"] is None:
        assert records == {"a": None, "b": None, "c": None}
        return 0
    number = int(records["a"].value.split(b":")[1])
    for operation in operations(writer, number):
        record = records[operation.key[-1]]
        if isinstance(operation, Delete):
            assert record is None
        else:
            assert record and (record.value, record.modified) == (operation.value, records["a"].modified)
    return number


def _told(operation: Put | Delete, writer: int, number: int) -> tuple[str, bool, bytes]:
    if isinstance(operation, Put):
        return operation.key, False, operation.value
    before = next(o for o in operations(writer, number - 1) if o.key == operation.key)
    assert isinstance(before, Put)
    return operation.key, True, before.value


async def _history(store: SqliteStore) -> list[Change]:
    after = store.size().compacted
    if after == store.revision:
        return []
    async with aclosing(store.watch("/", after)) as batches:
        async for batch in batches:
            return batch
    return []


async def cut_often(recording: Recording, rng: random.Random, place: Path, rounds: int) -> None:
    """Cut the recorded run at random moments; everything must hold each time."""
    for image, moment in outcomes(recording, rng, place, moments(recording, rng, rounds)):
        await Expected(recording.entries[:moment]).hold(image / "s.db")


ROUNDS = [pytest.param(1, 10, id="10 rounds"), *(pytest.param(seed, 10, marks=pytest.mark.long) for seed in range(2, 12))]


@pytest.mark.parametrize(("seed", "rounds"), ROUNDS)
async def test_a_power_cut_loses_nothing_that_was_acknowledged(shim: Path, tmp_path: Path, seed: int, rounds: int):
    recording = recorded(shim, tmp_path, "churn", seed)
    await cut_often(recording, random.Random(seed), tmp_path, rounds)


async def filled(directory: Path, revisions: int) -> Path:
    """A store that was closed in order, or of the first format."""
    directory.mkdir(exist_ok=True)
    store = await SqliteStore.open(directory / "s.db")
    for number in range(store.revision, revisions):
        await store.commit([Put(f"/{number % 50}", b"%d " % number * 100)])
    await store.close()
    return directory / "s.db"


async def test_a_power_cut_during_a_migration_leaves_the_one_or_the_other(shim: Path, tmp_path: Path):
    path = await filled(tmp_path / "store", 200)
    with sqlite3.connect(path) as connection:  # as a program of the first format would have written it
        connection.executescript(
            "ALTER TABLE current DROP COLUMN sum; ALTER TABLE history DROP COLUMN sum; PRAGMA user_version = 1;"
        )
        connection.execute("DELETE FROM state WHERE name = 'history_bytes'")
    connection.close()
    recording = recorded(shim, tmp_path, "open", 1)
    rng = random.Random(1)
    for image, _ in outcomes(recording, rng, tmp_path, moments(recording, rng, 15)):
        store = await SqliteStore.open(image / "s.db")
        assert (store.revision, len(store.range("/").records)) == (200, 50)
        await store.close()
        assert check(image / "s.db").findings == []
        assert check(image / "s.db.format-1").sound


async def test_a_backup_that_was_said_to_be_made_is_whole(shim: Path, tmp_path: Path):
    await filled(tmp_path / "store", 300)
    recording = recorded(shim, tmp_path, "backup", 1)
    rng = random.Random(1)
    for image, moment in outcomes(recording, rng, tmp_path, moments(recording, rng, 15)):
        if recording.noted(moment, "backed_up") is not None or (image / "backup.db").exists():
            assert (check(image / "backup.db").findings, check(image / "backup.db").revision) == ([], 300)


async def test_a_power_cut_during_a_restore_leaves_the_old_or_the_new_or_says_so(shim: Path, tmp_path: Path):
    path = await filled(tmp_path / "store", 300)
    backup(path, path.with_name("backup.db"), check)
    await filled(tmp_path / "store", 400)
    recording = recorded(shim, tmp_path, "restore", 1)
    seen: set[str] = set()
    rng = random.Random(1)
    for image, moment in outcomes(recording, rng, tmp_path, moments(recording, rng, 40)):
        try:
            store = await SqliteStore.open(image / "s.db", expected=True)
        except Damaged:
            seen.add("refused")
            assert recording.noted(moment, "restored") is None
            restore(image / "s.db", image / "backup.db", check)
        else:
            seen.add("old" if store.revision == 400 else "new")
            assert store.revision == (2 * EPOCH if recording.noted(moment, "restored") is not None else store.revision)
            await store.close()
        report = check(image / "s.db")
        assert report.findings == [] and report.revision in (400, 2 * EPOCH)
    assert {"old", "new"} <= seen


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
async def test_the_test_would_notice_a_store_that_does_not_sync(shim: Path, tmp_path: Path, synchronous: str):
    recording = recorded(shim, tmp_path, "churn", 1, synchronous)
    with pytest.raises(Exception, match=r"lost|damaged"):
        await cut_often(recording, random.Random(1), tmp_path, 20)
