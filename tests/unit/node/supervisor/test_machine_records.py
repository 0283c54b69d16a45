"""Records survive a crash at any moment, and tell formats apart."""

import json
import os
from pathlib import Path

import pytest

from boatyard.node.supervisor import identity, records


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = str(tmp_path / "a.json")
    records.write(path, {"name": "x"}, durable=True)
    assert records.read(path) == {"format": 1, "name": "x"}
    assert os.listdir(tmp_path) == ["a.json"]


def test_none_where_there_is_none(tmp_path: Path) -> None:
    assert records.read(str(tmp_path / "a.json")) is None


@pytest.mark.parametrize("content", [b"", b'{"format": 1, "na', b"null", b"[]"])
def test_a_torn_record_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert records.read(str(tmp_path / "a.json")) is None


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"format": 2}))
    with pytest.raises(records.FormatError, match="format 2, this program knows 1"):
        records.read(str(tmp_path / "a.json"))


def test_a_write_that_fails_leaves_the_old_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "a.json")
    records.write(path, {"n": 1})

    def full(_fd: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(records.os, "write", full)
    with pytest.raises(OSError):
        records.write(path, {"n": 2})
    monkeypatch.undo()
    assert records.read(path) == {"format": 1, "n": 1}


def test_a_process_is_known_again() -> None:
    assert identity.alive(identity.identity(os.getpid()))


@pytest.mark.parametrize("change", [{"start_time": 1}, {"boot_id": "another"}, {"pid": 2**22 + 1}])
def test_a_pid_that_came_back_is_another_process(change: dict[str, object]) -> None:
    assert not identity.alive({**identity.identity(os.getpid()), **change})


def test_nothing_is_not_alive() -> None:
    assert not identity.alive(None)
    assert not identity.alive({"pid": 0})
