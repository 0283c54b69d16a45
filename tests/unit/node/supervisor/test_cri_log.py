"""A container's output becomes CRI records, in bounded memory, whatever the bytes and whatever the disk."""

import os
import re
from pathlib import Path

import pytest

from boatyard.node.supervisor import log
from boatyard.node.supervisor.log import PIECE, Lines, LogFile

RECORD = re.compile(rb"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) ([FP]) (.*)$", re.DOTALL)


def records(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    lines = data.split(b"\n")
    assert lines.pop() == b""
    found = [RECORD.match(line) for line in lines]
    assert all(found)
    return [(match[1], match[2], match[3]) for match in found if match]


def test_each_line_is_a_record() -> None:
    assert Lines("stdout").feed(b"a\n\nb\n", b"T") == b"T stdout F a\nT stdout F \nT stdout F b\n"


def test_a_line_may_come_in_pieces() -> None:
    lines = Lines("stderr")
    assert lines.feed(b"he", b"1") == b""
    assert lines.feed(b"llo\nrest", b"2") == b"2 stderr F hello\n"
    assert lines.end(b"3") == b"3 stderr F rest\n"
    assert lines.end(b"4") == b""


@pytest.mark.parametrize("length", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 5 * PIECE + 7])
@pytest.mark.parametrize("step", [1000, 65536])
def test_a_long_line_is_cut_and_comes_together_again(length: int, step: int) -> None:
    text = bytes(97 + number % 26 for number in range(length)) + b"\nnext\n"
    lines = Lines("stdout")
    stamp = b"2026-01-01T00:00:00.000000000Z"
    out = b"".join(lines.feed(text[at : at + step], stamp) for at in range(0, len(text), step)) + lines.end(stamp)
    found = records(out)
    assert all(len(piece) <= PIECE for _, _, piece in found)
    assert [kind for _, kind, _ in found[:-2]] == [b"P"] * (len(found) - 2)
    assert b"".join(piece for _, _, piece in found[:-1]) == text[:length]
    assert found[-1] == (b"stdout", b"F", b"next")


def test_a_line_of_a_hundred_megabytes_needs_no_memory(tmp_path: Path) -> None:
    import tracemalloc

    file = LogFile(str(tmp_path / "log"), 2**30)
    chunk = b"x" * 65536
    tracemalloc.start()
    for _ in range(1600):
        file.feed("stdout", chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    file.close()
    assert peak < 2**20
    assert os.path.getsize(tmp_path / "log") > 1600 * 65536


def test_binary_output_is_kept_byte_for_byte(tmp_path: Path) -> None:
    data = bytes(byte for byte in range(256) if byte != 10)
    file = LogFile(str(tmp_path / "log"), 2**20)
    file.feed("stdout", data + b"\n")
    file.close()
    assert records((tmp_path / "log").read_bytes()) == [(b"stdout", b"F", data)]


def test_at_its_limit_the_log_says_so_and_the_rest_is_counted(tmp_path: Path) -> None:
    file = LogFile(str(tmp_path / "log"), 1000)
    for _ in range(100):
        file.feed("stdout", b"0123456789" * 5 + b"\n")
    file.close()
    found = records((tmp_path / "log").read_bytes())
    assert found[-1] == (b"stderr", b"F", b"boatyard: the log has reached its limit of 1000 bytes; the rest is dropped")
    assert file.lost == 5100 - 51 * (len(found) - 1)


def test_a_full_disk_loses_output_but_never_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LogFile(str(tmp_path / "log"), 2**20)
    file.feed("stdout", b"before\n")
    real = os.write
    full = True

    def write(fd: int, data: bytes) -> int:
        if full:
            real(fd, data[:5])
            raise OSError(28, "No space left on device")
        return real(fd, data)

    monkeypatch.setattr(log.os, "write", write)
    file.feed("stdout", b"lost\n")
    full = False
    file.feed("stdout", b"after\n")
    file.close()
    assert [text for _, _, text in records((tmp_path / "log").read_bytes())] == [
        b"before",
        b"boatyard: 5 bytes of output are lost here: No space left on device",
        b"after",
    ]
    assert file.lost == 5


def test_a_log_leaves_the_last_of_the_disk_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LogFile(str(tmp_path / "log"), 2**20)
    real = os.statvfs(tmp_path)
    size = real.f_blocks * real.f_frsize
    least = min(size // log.LEAST_SHARE, log.LEAST_BYTES) // real.f_frsize
    for free, text in ((least - 1, b"lost\n"), (least + 1, b"kept\n")):
        disk = os.statvfs_result((*real[:4], free, *real[5:]))
        monkeypatch.setattr(log.os, "fstatvfs", lambda fd, disk=disk: disk)
        file.feed("stdout", text)
    file.close()
    assert [text for _, _, text in records((tmp_path / "log").read_bytes())] == [
        b"boatyard: 5 bytes of output are lost here: the disk is nearly full",
        b"kept",
    ]


def test_a_container_started_again_appends(tmp_path: Path) -> None:
    for text in (b"one\n", b"two\n"):
        file = LogFile(str(tmp_path / "log"), 2**20)
        file.feed("stdout", text)
        file.close()
    assert [text for _, _, text in records((tmp_path / "log").read_bytes())] == [b"one", b"two"]


def test_the_tail_is_the_text_of_the_last_records(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    file = LogFile(path, 2**20)
    for number in range(1000):
        file.feed("stdout", b"line %d\n" % number)
    file.close()
    assert log.tail(path, 18) == b"line 998\nline 999\n"
    assert log.tail(str(tmp_path / "none"), 18) == b""
