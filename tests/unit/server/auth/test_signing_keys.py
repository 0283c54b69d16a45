"""The keys of tokens: another one signs, those before it are believed as long as their tokens last, and no crash loses any."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from boatyard.machinery.meta.core import SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import Unauthorized
from boatyard.server.auth import signing_keys
from boatyard.server.auth.pki import Pki
from boatyard.server.auth.signing_keys import LONGEST_SECONDS, MARGIN_SECONDS, SigningKeyError, load, rotate
from boatyard.server.auth.tokens import ServiceAccountTokens
from unit.server.clock import Clock

ACCOUNT = {"kind": "ServiceAccount", "metadata": {"name": "ci", "namespace": "team", "uid": "sa-1"}}
DAY = 86400


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> Path:
    return Pki(tmp_path, clock).signing_key()


def server(file: Path, clock: Clock) -> ServiceAccountTokens:
    return ServiceAccountTokens(file, lambda resource, namespace, name: ACCOUNT if resource == SERVICE_ACCOUNTS else None, clock)


def test_a_running_server_signs_with_the_new_key_and_believes_the_old_one(file: Path, clock: Clock) -> None:
    tokens = server(file, clock)
    before = tokens.issue(ACCOUNT, seconds=LONGEST_SECONDS).token
    first = tokens.keys.signer.kid
    keys = rotate(file, clock)
    clock.time += 1
    after = tokens.issue(ACCOUNT).token
    assert tokens.keys.signer.kid == keys.signer.kid != first
    assert [key["kid"] for key in tokens.keys.published()] == [keys.signer.kid, first]
    for token in (before, after):
        assert tokens.verify(token).caller.uid == "sa-1"
        assert server(file, clock).verify(token).caller.uid == "sa-1", "and after a restart"


def test_the_old_key_goes_when_no_token_of_it_can_be_left(file: Path, clock: Clock) -> None:
    tokens = server(file, clock)
    old = tokens.issue(ACCOUNT, seconds=1 << 32)
    assert old.expires == clock.time + LONGEST_SECONDS, "none is good for longer, whatever is asked"
    rotate(file, clock)
    clock.time = old.expires - 1
    assert tokens.verify(old.token)
    clock.time = old.expires
    with pytest.raises(Unauthorized, match="expired"):
        tokens.verify(old.token)
    assert len(tokens.keys.published()) == 2
    clock.time += MARGIN_SECONDS
    assert len(tokens.keys.published()) == 1
    assert len(rotate(file, clock).retired) == 1, "the file forgets it with the next rotation"


def test_several_rotations(file: Path, clock: Clock) -> None:
    tokens, issued = server(file, clock), list[str]()
    for _ in range(5):
        issued.append(tokens.issue(ACCOUNT, seconds=200 * DAY).token)
        rotate(file, clock)
        clock.time += DAY
    for token in issued:
        assert tokens.verify(token)
    assert len({key["kid"] for key in tokens.keys.published()}) == 6


def test_revoked_keys_are_believed_no_more(file: Path, clock: Clock) -> None:
    tokens = server(file, clock)
    old = tokens.issue(ACCOUNT).token
    tokens.verify(old)  # and is remembered
    rotate(file, clock, revoke=True)
    clock.time += 1
    with pytest.raises(Unauthorized):
        tokens.verify(old)
    assert tokens.verify(tokens.issue(ACCOUNT).token)


def test_nothing_private_is_published(file: Path, clock: Clock) -> None:
    rotate(file, clock)
    for key in server(file, clock).keys.published():
        assert key.keys() == {"use", "alg", "kty", "crv", "kid", "x", "y"}
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().count("PRIVATE") == 2, "of one key only"


@pytest.mark.parametrize("step", range(7))
def test_killed_at_any_step(file: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Whatever was issued before counts after the next start, which signs with the old key or the new one."""
    tokens = server(file, clock)
    before, first = tokens.issue(ACCOUNT).token, tokens.keys.signer.kid
    done = 0

    class Killed(BaseException):
        pass

    def deadly(name: str) -> None:
        real = getattr(os, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            done += 1
            if done > step:
                raise Killed
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, call)

    for name in ("open", "fchmod", "fsync", "replace"):
        deadly(name)
    with pytest.raises(Killed):
        rotate(file, clock)
        raise Killed
    monkeypatch.undo()
    again = server(file, clock)
    assert again.verify(before)
    replaced = again.keys.signer.kid != first
    assert len(again.keys.published()) == (2 if replaced else 1)
    assert again.verify(again.issue(ACCOUNT).token)
    assert len(rotate(file, clock).retired) == (2 if replaced else 1), "it can be done again"


def test_what_can_not_be_read_changes_nothing_that_runs(file: Path, clock: Clock) -> None:
    tokens = server(file, clock)
    token, good = tokens.issue(ACCOUNT).token, file.read_bytes()
    for bad in (b"", b"nonsense", good.replace(b"MIG", b"MIX"), load(file).signer.as_pem(private=False), good + good):
        file.write_bytes(bad)
        clock.time += 2
        assert tokens.verify(token)
        with pytest.raises(SigningKeyError, match="estore it from a backup"):
            server(file, clock)
        with pytest.raises(SigningKeyError):
            rotate(file, clock)
    file.write_bytes(good)
    clock.time += 2
    assert server(file, clock).verify(token)


def test_the_file_is_looked_at_once_a_second_at_most(file: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = server(file, clock)
    token = tokens.issue(ACCOUNT).token
    looks: list[Path] = []
    monkeypatch.setattr(signing_keys, "_stamp", lambda path: (looks.append(path), (0, 0))[1])
    for _ in range(100):
        tokens.verify(token)
    assert not looks
