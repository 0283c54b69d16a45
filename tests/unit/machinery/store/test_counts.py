"""How many keys a prefix has: counted once, then followed."""

from __future__ import annotations

import pytest

from boatyard.machinery.store import counts
from boatyard.machinery.store.counts import Counts
from boatyard.machinery.store.store import Change


def made(key: str, revision: int = 1) -> Change:
    return Change(key, b"v", None, revision, revision, False)


def changed(key: str) -> Change:
    return Change(key, b"w", b"v", 2, 1, False)


def deleted(key: str) -> Change:
    return Change(key, b"v", b"v", 3, 1, True)


def test_what_is_made_and_deleted_counts_under_every_prefix_of_its_key() -> None:
    known = Counts()
    known.keep("/k/", 5)
    known.keep("/k/a/", 2)
    known.follow([made("/k/a/x"), made("/k/b/y"), changed("/k/a/x"), deleted("/k/b/y"), made("/other/z")])
    assert (known.get("/k/"), known.get("/k/a/"), known.get("/k/b/")) == (6, 3, None)


def test_prefixes_that_end_in_the_middle_of_a_name_are_not_kept() -> None:
    known = Counts()
    known.keep("/k/na", 1)
    assert known.get("/k/na") is None


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "REMEMBERED", 2)
    known = Counts()
    for prefix in ("/a/", "/b/", "/c/"):
        known.keep(prefix, 1)
    assert [known.get(prefix) for prefix in ("/a/", "/b/", "/c/")] == [None, 1, 1]
