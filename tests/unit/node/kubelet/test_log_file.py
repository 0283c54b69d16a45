"""CRI records become the container's own output, however they are cut."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from boatyard.node.kubelet.log_file import BLOCK_BYTES, LogParser, tail_offset, tail_text

STAMP = "2026-01-01T00:00:0{}.000000000Z"
TEXT = st.binary(max_size=40).map(lambda data: data.replace(b"\n", b""))
RECORDS = st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.booleans(), TEXT), max_size=20)


def encode(records):
    return b"".join(
        f"{STAMP.format(number % 10)} {stream} {'P' if partial else 'F'} ".encode() + text + b"\n"
        for number, (stream, partial, text) in enumerate(records)
    )


def plain(records):
    return b"".join(text + (b"" if partial else b"\n") for _, partial, text in records)


@given(RECORDS, st.lists(st.integers(1, 50), min_size=1))
def test_the_output_is_the_same_in_whatever_pieces_the_file_is_read(records, sizes):
    data, parser, said, at, turn = encode(records), LogParser(), b"", 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        said += parser.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    assert said == plain(records)


@given(st.lists(TEXT, max_size=12), st.integers(0, 15))
def test_the_tail_begins_with_the_line_it_should(tmp_path_factory, lines, count):
    path: Path = tmp_path_factory.mktemp("log") / "0.log"
    path.write_bytes(encode([("stdout", False, line) for line in lines]))
    with path.open("rb") as file:
        file.seek(tail_offset(path, count))
        said = LogParser().feed(file.read())
    wanted = lines[len(lines) - min(count, len(lines)) :]
    assert said == b"".join(line + b"\n" for line in wanted)


def test_a_tail_is_found_behind_many_blocks(tmp_path):
    path = tmp_path / "0.log"
    last = [("stdout", True, b"y" * BLOCK_BYTES), ("stdout", False, b"end")]
    path.write_bytes(encode([("stdout", False, b"x" * 300)] * 2000 + last))
    assert path.stat().st_size > 8 * BLOCK_BYTES
    with path.open("rb") as file:
        file.seek(tail_offset(path, 2))
        said = LogParser().feed(file.read())
    assert said == b"x" * 300 + b"\n" + b"y" * BLOCK_BYTES + b"end\n"


def test_timestamps_come_once_a_line(tmp_path):
    data = encode([("stdout", True, b"one "), ("stdout", False, b"line"), ("stderr", False, b"two")])
    said = LogParser(timestamps=True).feed(data)
    assert said == b"2026-01-01T00:00:00.000000000Z one line\n2026-01-01T00:00:02.000000000Z two\n"


def test_lines_before_a_moment_are_left_out():
    data = encode([("stdout", False, b"early"), ("stdout", False, b"late")])
    assert LogParser(since="2026-01-01T00:00:00.500000").feed(data) == b"late\n"


def test_what_is_not_cri_is_passed_on_as_it_is():
    assert LogParser().feed(b"garbage\n" + b"z" * 500 + b"\n") == b"garbage\n" + b"z" * 500 + b"\n"


def test_the_tail_s_text_is_short(tmp_path):
    path = tmp_path / "0.log"
    path.write_bytes(encode([("stdout", False, b"line %d" % n) for n in range(1000)]))
    assert tail_text(path, 2, 2048) == "line 998\nline 999\n"
    assert len(tail_text(path, 80, 100)) == 100
    assert tail_text(tmp_path / "none", 5, 100) == ""
