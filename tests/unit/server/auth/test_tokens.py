"""Service-account tokens: for whom, for what, how long, and bound to what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from boatyard.machinery.meta.core import PODS, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import Unauthorized
from boatyard.machinery.runtime.world import RealWorld
from boatyard.server.auth.pki import Pki
from boatyard.server.auth.tokens import ServiceAccountTokens

ACCOUNT = {"kind": "ServiceAccount", "metadata": {"name": "ci", "namespace": "team", "uid": "sa-1"}}
POD = {"kind": "Pod", "metadata": {"name": "ci-0", "namespace": "team", "uid": "pod-1"}, "spec": {"nodeName": "n1"}}


class Clock(RealWorld):
    def __init__(self) -> None:
        super().__init__()
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live() -> dict[Any, Any]:
    return {(SERVICE_ACCOUNTS, "team", "ci"): ACCOUNT, (PODS, "team", "ci-0"): POD}


@pytest.fixture
def tokens(tmp_path: Path, live: dict[Any, Any], clock: Clock) -> ServiceAccountTokens:
    return ServiceAccountTokens(Pki(tmp_path, clock).signing_key(), lambda *key: live.get(key), clock)


def test_a_token_says_who_its_bearer_is(tokens: ServiceAccountTokens) -> None:
    caller = tokens.verify(tokens.issue(ACCOUNT, bound=POD).token).caller
    assert caller.name == "system:serviceaccount:team:ci"
    assert caller.groups == ("system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated")
    assert caller.uid == "sa-1"
    assert caller.extra["authentication.kubernetes.io/pod-name"] == ("ci-0",)
    assert caller.extra["authentication.kubernetes.io/node-name"] == ("n1",)


def test_it_expires(tokens: ServiceAccountTokens, clock: Clock) -> None:
    issued = tokens.issue(ACCOUNT, seconds=900)
    assert issued.expires == clock.time + 900
    clock.time += 899
    tokens.verify(issued.token)
    clock.time += 1
    with pytest.raises(Unauthorized, match="expired"):
        tokens.verify(issued.token)


def test_nobody_gets_less_than_ten_minutes(tokens: ServiceAccountTokens, clock: Clock) -> None:
    assert tokens.issue(ACCOUNT, seconds=1).expires == clock.time + 600


def test_it_is_good_for_its_audience_only(tokens: ServiceAccountTokens) -> None:
    token = tokens.issue(ACCOUNT, audiences=("vault",)).token
    assert tokens.verify(token, ("vault", "other")).audiences == ("vault",)
    with pytest.raises(Unauthorized, match="audiences"):
        tokens.verify(token)


@pytest.mark.parametrize("gone", [(SERVICE_ACCOUNTS, "team", "ci"), (PODS, "team", "ci-0")])
def test_it_ends_with_what_it_is_bound_to(tokens: ServiceAccountTokens, live: dict[Any, Any], gone: Any) -> None:
    token = tokens.issue(ACCOUNT, bound=POD).token
    live[gone] = {**live[gone], "metadata": {**live[gone]["metadata"], "uid": "another"}}
    with pytest.raises(Unauthorized, match="is gone"):
        tokens.verify(token)
    del live[gone]
    with pytest.raises(Unauthorized, match="is gone"):
        tokens.verify(token)


def test_a_changed_or_foreign_token_is_refused(tokens: ServiceAccountTokens, tmp_path: Path, clock: Clock) -> None:
    token = tokens.issue(ACCOUNT).token
    head, body, signature = token.split(".")
    other = ECKey.import_key(Pki(tmp_path / "other", clock).signing_key().read_bytes())
    foreign = jwt.encode({"alg": "ES256"}, {"iss": "x"}, other, algorithms=["ES256"])
    unsigned = "eyJhbGciOiJub25lIn0." + body + "."
    for bad in ("", "x", "a.b.c", "ünï.cödé.x", f"{head}.{body[:-2]}AA.{signature}", foreign, unsigned, token + "A"):
        with pytest.raises(Unauthorized):
            tokens.verify(bad)


def test_a_token_outlives_a_restart(tokens: ServiceAccountTokens, live: dict[Any, Any], tmp_path: Path, clock: Clock) -> None:
    token = tokens.issue(ACCOUNT, bound=POD).token
    again = ServiceAccountTokens(Pki(tmp_path, clock).signing_key(), lambda *key: live.get(key), clock)
    assert again.verify(token).caller.name == "system:serviceaccount:team:ci"
