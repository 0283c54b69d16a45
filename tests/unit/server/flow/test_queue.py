"""Who is next: decisions without a clock."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.server.flow.queue import PASSES, FairQueue, Full, Ticket


def queue(seats: int = 4, *, share: int | None = None, queue: int = 1000, queues: int = 10_000) -> FairQueue:
    return FairQueue(seats, share=share or seats, queue=queue, queues=queues)


def ask(line: FairQueue, user: str, width: int = 1) -> Ticket:
    return line.ask(user, width)[0]


def test_whoever_finds_a_free_seat_begins() -> None:
    line = queue(2)
    assert [ask(line, user).seated for user in ("a", "a", "a")] == [True, True, False]
    assert (line.taken, line.waiting) == (2, 1)


def test_a_newcomer_is_next_however_many_of_another_wait() -> None:
    line = queue(1)
    first = ask(line, "flood")
    flood = [ask(line, "flood") for _ in range(100)]
    other = ask(line, "other")
    assert line.leave(first) == [other]
    assert line.leave(other) == [flood[0]]


def test_having_had_nothing_for_a_while_saves_nothing_up() -> None:
    line = queue(1)
    seated = ask(line, "busy")
    for _ in range(50):
        waiting = ask(line, "busy")
        assert line.leave(seated) == [waiting]
        seated = waiting
    order: list[str] = []
    for user in ("idle", "busy") * 5:
        ask(line, user)
    for _ in range(6):
        (seated,) = line.leave(seated)
        order.append(seated.user)
    assert order in (["idle", "busy"] * 3, ["busy", "idle"] * 3)


def test_some_seats_are_left_to_others() -> None:
    line = queue(4, share=3)
    flood = [ask(line, "flood") for _ in range(10)]
    assert [ticket.seated for ticket in flood].count(True) == 3
    assert ask(line, "other").seated


def test_a_wide_request_has_its_turn_although_narrow_ones_go_on_coming() -> None:
    line = queue(4)
    seated = deque(ask(line, "narrow") for _ in range(4))
    wide = ask(line, "wide", 4)
    for _ in range(4):
        ask(line, "narrow")
        line.leave(seated.popleft())
    assert wide.seated


def test_narrow_ones_pass_a_wide_one_of_the_same_user_who_has_his_share_but_only_so_many() -> None:
    line = queue(6, share=4)
    lists = [ask(line, "a", 3) for _ in range(2)]
    assert [ticket.seated for ticket in lists] == [True, False]
    gets = deque(ask(line, "a") for _ in range(PASSES + 5))
    assert [ticket.seated for ticket in gets] == [True] + [False] * (PASSES + 4)
    passed = 0
    while gets[0].seated:
        line.leave(gets.popleft())
        passed += 1
    assert passed == PASSES and not lists[1].seated
    line.leave(lists[0])
    assert lists[1].seated and gets[0].seated and not gets[1].seated


def test_nobody_passes_a_wide_one_that_waits_for_the_seats_of_others() -> None:
    line = queue(4)
    ask(line, "other", 2)
    wide = ask(line, "a", 3)
    assert not ask(line, "a").seated and not ask(line, "b").seated
    assert not wide.seated


def test_a_width_beyond_the_share_is_taken_for_the_share() -> None:
    line = queue(4, share=3)
    assert ask(line, "a", 99).seated
    assert line.taken == 3


def test_too_many_of_one_user_are_refused() -> None:
    line = queue(1, queue=2)
    for _ in range(3):
        ask(line, "a")
    with pytest.raises(Full):
        line.ask("a", 1)
    assert not ask(line, "b").seated


def test_when_too_many_wait_in_all_who_has_most_loses_the_latest() -> None:
    line = queue(1, queues=3)
    ask(line, "flood")
    flood = [ask(line, "flood") for _ in range(3)]
    ticket, lost = line.ask("other", 1)
    assert (ticket.seated, lost) == (False, flood[-1])
    assert line.leave(flood[-1]) == []
    with pytest.raises(Full):
        line.ask("flood", 1)


def test_who_gives_up_waiting_leaves_no_gap() -> None:
    line = queue(1)
    first, second, third = (ask(line, user) for user in "abc")
    assert line.leave(second) == []
    assert line.leave(first) == [third]
    assert line.leave(third) == []
    assert (line.taken, line.waiting) == (0, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6), st.booleans()), max_size=120), st.integers(1, 8))
def test_seats_are_never_oversubscribed_and_nobody_is_forgotten(steps: list[tuple[str, int, bool]], seats: int) -> None:
    line = queue(seats, share=max(1, seats * 3 // 4), queue=20, queues=40)
    seated: list[Ticket] = []
    waiting: list[Ticket] = []

    def settle(now: list[Ticket]) -> None:
        for ticket in now:
            waiting.remove(ticket)
            seated.append(ticket)

    for user, width, leave in steps:
        if leave and (seated or waiting):
            gone = (seated or waiting).pop(0)
            settle(line.leave(gone))
        else:
            try:
                ticket, lost = line.ask(user, width)
            except Full:
                continue
            if lost is not None:
                waiting.remove(lost)
            (seated if ticket.seated else waiting).append(ticket)
        assert line.taken == sum(ticket.width for ticket in seated) <= seats
        assert line.waiting == len(waiting)
        assert all(ticket.seated for ticket in seated) and not any(ticket.seated for ticket in waiting)
    while seated:
        settle(line.leave(seated.pop(0)))
    assert not waiting and (line.taken, line.waiting) == (0, 0)


@given(st.lists(st.integers(1, 6), min_size=60, max_size=60), st.integers(1, 5), st.integers(6, 10))
def test_between_two_who_always_wait_neither_gets_ahead_by_more_than_the_widest(widths: list[int], crowd: int, seats: int) -> None:
    """``a`` asks for more at a time than ``b``: that makes no difference to what they get."""
    line = queue(seats)
    widest = max(widths)
    supply = {"a": deque(widths), "b": deque(reversed(widths))}
    had = {"a": 0, "b": 0}
    seated = deque([ask(line, "before", seats)])

    def sit(ticket: Ticket) -> None:
        seated.append(ticket)
        had[ticket.user] += ticket.width
        feed(ticket.user, 1)

    def feed(user: str, count: int) -> None:
        for _ in range(count):
            if supply[user]:
                ticket = ask(line, user, supply[user].popleft())
                if ticket.seated:  # before a wider one of the same user, for which there is no room
                    sit(ticket)

    feed("a", seats + 1 + crowd * 4)
    feed("b", seats + 1)
    while supply["a"] and supply["b"]:
        for ticket in line.leave(seated.popleft()):
            sit(ticket)
        assert abs(had["a"] - had["b"]) <= 2 * widest
