"""A build's log as the command line tells it."""

from __future__ import annotations

import pytest

from boatyard.cli.commands.build import _told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"OK", b"OK"),
        (b"", b""),
        (b"##[boatyard] step 2 begin 1795248258786 unit tests", b"--- unit tests"),
        (b"##[boatyard] step 2 end 1795248259245 ok 0", None),
        (b"##[boatyard] step 2 end 1795248259245 failed 1", b"--- failed, exit code 1"),
        (b"##[boatyard] step 3 end 1795248259245 timeout 143", b"--- timeout, exit code 143"),
        (b"no newline##[boatyard] step 2 end 1795248259245 ok 0", b"no newline"),
        (b"no newline##[boatyard] step 2 end 1795248259245 failed 7", b"no newline\n--- failed, exit code 7"),
        (b"##[boatyard] is what a build says itself", b"##[boatyard] is what a build says itself"),
    ],
)
def test_marks_of_steps_become_headings_and_all_else_stays(line: bytes, told: bytes | None):
    assert _told(line) == told
