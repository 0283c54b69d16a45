"""The audit log's files: how long and how many they get, and what a crash or a full disk leaves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from boatyard.server.audit.log import DAY_SECONDS, AuditLog
from unit.server.clock import Clock


def opened(path: Path, clock: Clock, **limits: int) -> AuditLog:
    return AuditLog(path / "audit.log", clock, **{"max_bytes": 1000, "files": 3, "days": 30, **limits})


def test_lines_are_there_at_once_and_appended_to_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    first = opened(tmp_path, clock)
    first.write(b"one")
    assert (tmp_path / "audit.log").read_bytes() == b"one\n"
    os.utime(tmp_path / "audit.log", (clock.time, clock.time))
    opened(tmp_path, clock).write(b"two")
    assert (tmp_path / "audit.log").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "audit.log").stat().st_mode & 0o777 == 0o600


def test_it_is_put_aside_by_size_and_only_so_many_are_kept(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock)
    for number in range(100):
        clock.time += 1
        log.write(b"%03d" % number + b"x" * 96)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4 and all(file.stat().st_size <= 1000 for file in files)
    told = b"".join(file.read_bytes() for file in (*sorted(tmp_path.glob("audit-*")), tmp_path / "audit.log"))
    numbers = [int(line[:3]) for line in told.splitlines()]
    assert numbers == list(range(numbers[0], 100)), "in order, none missing, but the oldest"


def test_every_day_has_a_file_and_old_ones_go(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock, days=2)
    for day in range(5):
        log.write(b"day %d" % day)
        clock.time += DAY_SECONDS
    log.write(b"day 5")
    assert (tmp_path / "audit.log").read_bytes() == b"day 5\n"
    kept = [file.read_bytes() for file in sorted(tmp_path.glob("audit-*"))]
    assert kept == [b"day 2\n", b"day 3\n", b"day 4\n"], "put aside two days ago, one, and now"


def test_files_of_one_moment_do_not_replace_each_other(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock, max_bytes=5)
    for number in range(4):
        log.write(b"%d" % number * 5)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_line_torn_by_a_crash_takes_no_other_along(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "audit.log").write_bytes(b'whole\n{"to')
    os.utime(tmp_path / "audit.log", (clock.time, clock.time))
    opened(tmp_path, clock).write(b"next")
    assert (tmp_path / "audit.log").read_bytes() == b'whole\n{"to\nnext\n'


def test_yesterdays_file_is_put_aside_at_the_start(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "audit.log").write_bytes(b"old\n")
    os.utime(tmp_path / "audit.log", (clock.time - DAY_SECONDS, clock.time - DAY_SECONDS))
    opened(tmp_path, clock).write(b"new")
    assert (tmp_path / "audit.log").read_bytes() == b"new\n"
    assert len(list(tmp_path.glob("audit-*"))) == 1


def test_a_full_disk_loses_lines_and_stops_nothing(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    log = opened(tmp_path, clock)
    log.write(b"one")
    real = os.write

    def full(descriptor: int, data: Any) -> int:
        raise OSError(28, "No space left on device")

    def half(descriptor: int, data: Any) -> int:
        return real(descriptor, data[:3])

    monkeypatch.setattr(os, "write", half)
    log.write(b"two two")
    monkeypatch.setattr(os, "write", full)
    log.write(b"three")
    monkeypatch.undo()
    log.write(b"four")
    assert (tmp_path / "audit.log").read_bytes() == b"one\ntwo\nfour\n"
