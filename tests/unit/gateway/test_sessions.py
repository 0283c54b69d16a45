"""Login links and session cookies."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from boatyard.gateway.sessions import LINK_SECONDS, SESSION_SECONDS, Sessions
from boatyard.machinery.runtime.world import RealWorld


class Clock(RealWorld):
    def __init__(self) -> None:
        self.random = random.Random(1)
        self.time = RealWorld().now()

    def now(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(tmp_path: Path, clock: Clock) -> Sessions:
    return Sessions(b"k" * 32, tmp_path / "used", clock)


def test_a_link_works_once_also_after_a_restart(tmp_path: Path, clock: Clock, sessions: Sessions):
    token = sessions.login_token("ann@example")
    assert sessions.redeem(token) == "ann@example"
    assert sessions.redeem(token) is None
    assert Sessions(b"k" * 32, tmp_path / "used", clock).redeem(token) is None


def test_a_link_grows_old(clock: Clock, sessions: Sessions):
    token = sessions.login_token()
    clock.time += LINK_SECONDS + 1
    assert sessions.redeem(token) is None


def test_a_session_lasts_a_week_and_is_no_login_token(clock: Clock, sessions: Sessions):
    cookie = sessions.session("ann")
    assert sessions.user(cookie) == "ann" and sessions.redeem(cookie) is None
    assert sessions.user(sessions.login_token("ann")) is None
    clock.time += SESSION_SECONDS + 1
    assert sessions.user(cookie) is None


def test_a_revocation_ends_what_was_before_it_and_nothing_after(tmp_path: Path, clock: Clock, sessions: Sessions):
    cookie, link = sessions.session("ann"), sessions.login_token("ann")
    Sessions(b"k" * 32, tmp_path / "used", clock).revoke()
    assert sessions.user(cookie) is None and sessions.invited(link) is None and sessions.redeem(link) is None
    clock.time += 1
    assert sessions.user(sessions.session("ann")) == "ann"
    link = sessions.login_token("ann")
    assert sessions.invited(link) == sessions.redeem(link) == "ann" and sessions.invited(link) is None
    sessions.revoke()
    assert sessions.redeem(sessions.login_token("ann")) is None, "the marks of used links stay where they are"


def test_what_was_changed_or_signed_by_another_key_is_nothing(tmp_path: Path, clock: Clock, sessions: Sessions):
    cookie = sessions.session("ann")
    assert sessions.user(cookie.replace("YW5u", "Ym9i")) is None
    assert Sessions(b"x" * 32, tmp_path, clock).user(cookie) is None
    for broken in ("", "a.b.c.d", cookie + "0", "\0" * 100, "é" * 300):
        assert sessions.user(broken) is None and sessions.redeem(broken) is None


def test_a_short_key_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="short"):
        Sessions(b"short", tmp_path, RealWorld())
