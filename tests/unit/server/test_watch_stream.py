"""What many are told of: the same bytes for all of them, in pieces of whole commits, as far as each of them takes them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from boatyard.machinery.meta.selectors import FieldSelector, LabelSelector
from boatyard.machinery.registry.selection import Selection
from boatyard.machinery.registry.watch import Batch, RecordEvent
from boatyard.machinery.store.store import Change
from boatyard.server import watch_stream
from boatyard.server.watch_stream import Sight, WatchStream


class Connection:
    """A connection whose other end takes nothing: as much as is written waits in it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.written))

    def write(self, data: bytes) -> None:
        self.written.append(data)


def changes(*of: tuple[int, int]) -> list[Change]:
    """Changes by revision and length of their values."""
    return [Change(f"/k/{number}", b"x" * size, b"", revision, 1, False) for number, (revision, size) in enumerate(of)]


@pytest.fixture
def encoded() -> list[int]:
    """The revisions of what was encoded, in order."""
    return []


@pytest.fixture
def sight(encoded: list[int]) -> Sight:
    def encode(event: RecordEvent) -> bytes:
        encoded.append(event.revision)
        return b"%d %s\n" % (event.revision, event.value)

    return Sight(encode, chunked=False)


def batch_of(some: Any) -> Batch:
    return Batch(changes=some, selection=Selection(LabelSelector(), FieldSelector(()), ()))


def stream(sight: Sight, connection: Connection) -> WatchStream:
    made = WatchStream(cast(Any, SimpleNamespace(transport=connection)), sight)
    made.begin()
    return made


def test_changes_are_cut_between_commits_and_encoded_once_for_all(
    sight: Sight, encoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_stream, "PIECE_BYTES", 100)
    told = changes((1, 40), (2, 40), (3, 40), (3, 40), (3, 40), (4, 10))
    connections = [Connection() for _ in range(3)]
    for taker in [stream(sight, connection) for connection in connections]:
        assert taker.sink(batch_of)(told) == 6
        assert taker.come_to == 4
    one, two, three = (b"%d %s\n" % (revision, b"x" * 40) for revision in (1, 2, 3))
    assert connections[0].written == [one + two, three * 3, b"4 xxxxxxxxxx\n"]
    assert all(connection.written == connections[0].written for connection in connections)
    assert encoded == [1, 2, 3, 3, 3, 4]


def test_who_takes_no_more_is_told_up_to_there(sight: Sight, encoded: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_stream, "PIECE_BYTES", 100)
    monkeypatch.setattr(watch_stream, "UNSENT_BYTES", 150)
    told = changes(*((revision, 90) for revision in range(1, 10)))
    taker = stream(sight, connection := Connection())
    assert taker.sink(batch_of)(told) == len(connection.written) == taker.come_to == 2
    assert taker.sink(batch_of)(told[2:]) == 0
    assert encoded == [1, 2, 3, 3]  # the third was made before it was seen that nothing more is taken


def test_a_commit_longer_than_what_may_wait_is_left_to_the_task(sight: Sight, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_stream, "PIECE_BYTES", 100)
    monkeypatch.setattr(watch_stream, "UNSENT_BYTES", 150)
    taker = stream(sight, connection := Connection())
    assert taker.sink(batch_of)(changes((1, 50), (2, 200), (3, 10))) == 1
    assert (len(connection.written), taker.come_to) == (1, 1)


def test_more_than_is_kept_for_others_is_made_again_for_them(
    sight: Sight, encoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_stream, "PIECE_BYTES", 100)
    monkeypatch.setattr(watch_stream, "TOLD_BYTES", 150)
    monkeypatch.setattr(watch_stream, "LINES_BYTES", 0)
    told = changes((1, 90), (2, 90), (3, 20))
    connections = [Connection() for _ in range(2)]
    for taker, connection in [(stream(sight, connection), connection) for connection in connections]:
        assert taker.sink(batch_of)(told) == 3
        assert b"".join(connection.written).split() == [b"1", b"x" * 90, b"2", b"x" * 90, b"3", b"x" * 20]
    assert encoded == [1, 2, 3, 2, 3]


def test_who_is_told_a_little_later_is_told_the_same_lines(sight: Sight, encoded: list[int]) -> None:
    told = changes(*((revision, 90) for revision in range(1, 6)))
    connections = [Connection() for _ in range(3)]
    takers = [stream(sight, connection) for connection in connections]
    for taker, connection, some in zip(takers, connections, (told[:3], told[1:4], told[2:]), strict=True):
        taker.sink(batch_of)(some)
        assert b"".join(connection.written) == b"".join(b"%d %s\n" % (one.revision, one.value) for one in some)
    assert encoded == [1, 2, 3, 4, 5]


def test_what_one_alone_has_is_kept_for_nobody(sight: Sight, encoded: list[int]) -> None:
    told = changes((1, 90), (2, 90))
    taker = stream(sight, Connection())
    for _ in range(2):
        assert taker.sink(batch_of)(told) == 2
    assert encoded == [1, 2, 1, 2]
    other = stream(sight, Connection())
    for each in (taker, other):
        assert each.sink(batch_of)(told) == 2
    assert encoded == [1, 2, 1, 2, 1, 2]
