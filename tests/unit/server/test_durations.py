"""Ages as kubectl shows them."""

from __future__ import annotations

import pytest

from boatyard.server.durations import human, since

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"), (-0.5, "0s"), (0, "0s"), (119.9, "119s"), (120, "2m"), (330, "5m30s"), (10 * MINUTE, "10m"),
        (179 * MINUTE, "179m"), (3 * HOUR, "3h"), (7 * HOUR + 59 * MINUTE, "7h59m"), (8 * HOUR, "8h"), (47 * HOUR, "47h"),
        (48 * HOUR, "2d"), (2 * DAY + HOUR, "2d1h"), (8 * DAY, "8d"), (400 * DAY, "400d"), (730 * DAY, "2y"),
        (365 * 3 * DAY + 10 * DAY, "3y10d"), (365 * 9 * DAY, "9y"),
    ],
)  # fmt: skip
def test_two_units_at_most(seconds: float, text: str) -> None:
    assert human(seconds) == text


def test_what_has_no_time() -> None:
    assert since(None, 0) == since("", 0) == since("yesterday", 0) == "<unknown>"
