"""Records kept in memory: never older than what was published, never more than there is room for."""

from __future__ import annotations

import pytest

from boatyard.machinery.store import recent
from boatyard.machinery.store.recent import Recent
from boatyard.machinery.store.store import Change, Record


def change(key: str, revision: int, *, deleted: bool = False) -> Change:
    return Change(key, b"v%d" % revision, b"before", revision, 1, deleted)


def test_a_change_replaces_what_is_kept_and_nothing_else_is_kept() -> None:
    kept = Recent()
    kept.keep(Record("/a", b"v1", 1, 1))
    kept.follow([change("/a", 2), change("/b", 2)])
    assert kept.get("/a") == Record("/a", b"v2", 1, 2)
    assert kept.get("/b") is None


def test_what_is_deleted_is_forgotten() -> None:
    kept = Recent()
    kept.keep(Record("/a", b"v1", 1, 1))
    kept.follow([change("/a", 2, deleted=True)])
    assert kept.get("/a") is None


def test_a_record_read_ahead_of_what_was_published_stays() -> None:
    kept = Recent()
    kept.keep(Record("/a", b"v5", 5, 5))
    kept.follow([change("/a", 4, deleted=True), change("/a", 5)])
    assert kept.get("/a") == Record("/a", b"v5", 5, 5)


def test_there_is_room_for_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "BYTES", 10_000)
    monkeypatch.setattr(recent, "LARGEST", 2000)
    kept = Recent()
    for number in range(20):
        kept.keep(Record(f"/{number}", b"x" * 1000, 1, 1))
    assert kept.get("/0") is None and kept.get("/19") is not None
    kept.keep(Record("/large", b"x" * 2001, 1, 1))
    assert kept.get("/large") is None
