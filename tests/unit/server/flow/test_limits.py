"""Limits as they are set and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from boatyard.server.flow.limits import LimitError, Limits, changed, load, save


def test_what_is_set_is_kept_and_the_rest_is_the_default(tmp_path: Path) -> None:
    file = tmp_path / "limits.json"
    assert load(file) == Limits()
    save(file, changed(load(file), ["watches-per-user=5", "reading=8"]))
    assert load(file) == Limits(watches_per_user=5, reading=8)
    save(file, changed(load(file), ["reading=9"]))
    assert load(file) == Limits(watches_per_user=5, reading=9)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("speed=3", "--limit speed=3: speed is no limit; known are reading, writing, "),
        ("reading", "--limit reading: write reading=NUMBER, a whole number of at least 1"),
        ("reading=0", "write reading=NUMBER"),
        ("reading=-1", "write reading=NUMBER"),
        ("reading=much", "write reading=NUMBER"),
    ],
)
def test_what_is_no_limit_is_refused(text: str, told: str) -> None:
    with pytest.raises(LimitError, match=told):
        changed(Limits(), [text])


@pytest.mark.parametrize("content", ["", "[]", '{"reading": "x"}', '{"speed": 1}'])
def test_a_file_that_cant_be_read_is_told_of(tmp_path: Path, content: str) -> None:
    file = tmp_path / "limits.json"
    file.write_text(content)
    with pytest.raises(LimitError, match=r"limits\.json can't be read"):
        load(file)


def test_nobody_has_all_seats_unless_there_is_only_one() -> None:
    assert [Limits().share(seats) for seats in (1, 4, 16)] == [1, 3, 12]
