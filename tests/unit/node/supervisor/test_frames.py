"""Frames come out as they went in, however the bytes are cut."""

import pytest

from boatyard.node.supervisor import frames


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_frames_come_together_from_any_pieces(step: int) -> None:
    stream = frames.message({"op": "watch"}) + frames.frame(frames.STDIN, b"") + frames.frame(frames.STDOUT, b"x" * 100)
    reader = frames.Frames()
    found = [frame for at in range(0, len(stream), step) for frame in reader.feed(stream[at : at + step])]
    assert found == [(frames.MESSAGE, b'{"op": "watch"}'), (frames.STDIN, b""), (frames.STDOUT, b"x" * 100)]


@pytest.mark.parametrize("bad", [b"\x09\0\0\0\0", b"\0\xff\xff\xff\xff"])
def test_what_is_no_frame_is_refused(bad: bytes) -> None:
    with pytest.raises(frames.FrameError):
        frames.Frames().feed(bad)
