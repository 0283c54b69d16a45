"""Times and durations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.machinery.meta.timestamps import (
    canonical_micro_time,
    canonical_time,
    duration_seconds,
    format_duration,
    parse_time,
    rfc3339,
    rfc3339_micro,
)


def test_times_are_utc_and_cut_to_their_precision():
    assert rfc3339(1767225600.999) == "2026-01-01T00:00:00Z"
    assert rfc3339_micro(1767225600.25) == "2026-01-01T00:00:00.250000Z"


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("2026-01-01T00:00:00Z", 1767225600),
        ("2026-01-01T01:00:00+01:00", 1767225600),
        ("2026-01-01T00:00:00.5Z", 1767225600.5),
        ("2026-01-01t00:00:00z", 1767225600),
        ("1969-12-31T23:59:59Z", -1),
    ],
)
def test_parsing(text, epoch):
    assert parse_time(text) == epoch


@pytest.mark.parametrize("text", ["", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "yesterday"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00.999Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T01:00:00+02:00", "2025-12-31T23:00:00Z"),
        ("2026-01-01T01:00:00-05:30", "2026-01-01T06:30:00Z"),
        ("0001-02-03T00:00:00-00:00", "0001-02-03T00:00:00Z"),
    ],
)
def test_kept_times_are_utc_and_whole(text, kept):
    assert canonical_time(text) == kept == canonical_time(kept)


def test_kept_micro_times_are_utc_and_have_six_digits():
    assert canonical_micro_time("2026-01-01T00:00:00.000001Z") == "2026-01-01T00:00:00.000001Z"
    assert canonical_micro_time("2026-01-01T01:00:00.500000+02:00") == "2025-12-31T23:00:00.500000Z"
    for text in ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.0000001Z"):
        with pytest.raises(ValueError, match="with microseconds"):
            canonical_micro_time(text)


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-01-01t00:00:00z", "2026-01-01T00:00:00+25:00",
     "9999-12-31T23:59:59-02:00", "2026-01-01T00:00:00Z "],
)  # fmt: skip
def test_what_isnt_kept_as_a_time(text):
    for canonical in (canonical_time, canonical_micro_time):
        with pytest.raises(ValueError):
            canonical(text)


@given(st.integers(0, 4_000_000_000))
def test_whole_seconds_survive(epoch):
    assert parse_time(rfc3339(epoch)) == epoch


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h30m", 5400), ("0", 0), ("-10ms", -0.01), ("2.5s", 2.5), ("1m0s", 60), ("1us", 1e-6), (".5h", 1800), ("+1s", 1)],
)
def test_durations(text, seconds):
    assert duration_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "h", "1d", "1h 30m", "s1", "1h-30m", "-"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="not a duration"):
        duration_seconds(text)


@given(st.integers(-(10**9), 10**9))
def test_formatted_durations_read_back(milliseconds):
    assert duration_seconds(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)
    assert format_duration(5400) == "1h30m"
