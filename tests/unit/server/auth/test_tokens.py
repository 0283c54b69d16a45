"""Service-account tokens: for whom, for what, how long, and bound to what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from boatyard.machinery.meta.core import NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import Unauthorized
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.server.auth.pki import Pki
from boatyard.server.auth.tokens import ServiceAccountTokens
from unit.server.clock import Clock

ACCOUNT = {"kind": "ServiceAccount", "metadata": {"name": "ci", "namespace": "team", "uid": "sa-1"}}
POD = {"kind": "Pod", "metadata": {"name": "ci-0", "namespace": "team", "uid": "pod-1"}, "spec": {"nodeName": "n1"}}
NODE = {"kind": "Node", "metadata": {"name": "n1", "uid": "node-1"}}
SECRET = {"kind": "Secret", "metadata": {"name": "s", "namespace": "team", "uid": "secret-1"}}


def _in(live: dict[Any, Any]) -> Any:
    return lambda resource, namespace, name: live.get((resource, namespace, name))


@pytest.fixture
def live() -> dict[Any, Any]:
    return {(SERVICE_ACCOUNTS, "team", "ci"): ACCOUNT, (PODS, "team", "ci-0"): POD} | {
        (NODES, None, "n1"): NODE, (SECRETS, "team", "s"): SECRET,
    }  # fmt: skip


@pytest.fixture
def tokens(tmp_path: Path, live: dict[Any, Any], clock: Clock) -> ServiceAccountTokens:
    return ServiceAccountTokens(Pki(tmp_path, clock).signing_key(), _in(live), clock)


def test_a_token_says_who_its_bearer_is(tokens: ServiceAccountTokens) -> None:
    caller = tokens.verify(tokens.issue(ACCOUNT, bound=POD, node=NODE).token).caller
    assert caller.name == "system:serviceaccount:team:ci"
    assert caller.groups == ("system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated")
    assert caller.uid == "sa-1"
    assert caller.extra["authentication.kubernetes.io/pod-name"] == ("ci-0",)
    assert caller.extra["authentication.kubernetes.io/node-name"] == ("n1",)
    assert caller.extra["authentication.kubernetes.io/node-uid"] == ("node-1",)


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


@pytest.mark.parametrize(
    ("gone", "bound"),
    [
        ((SERVICE_ACCOUNTS, "team", "ci"), POD), ((PODS, "team", "ci-0"), POD), ((SECRETS, "team", "s"), SECRET),
        ((NODES, None, "n1"), NODE),
    ],
)  # fmt: skip
def test_it_ends_with_what_it_is_bound_to(tokens: ServiceAccountTokens, live: dict[Any, Any], gone: Any, bound: Any) -> None:
    token = tokens.issue(ACCOUNT, bound=bound).token
    assert tokens.verify(token)
    live[gone] = {**live[gone], "metadata": {**live[gone]["metadata"], "uid": "another"}}
    with pytest.raises(Unauthorized, match="is gone"):
        tokens.verify(token)
    del live[gone]
    with pytest.raises(Unauthorized, match="is gone"):
        tokens.verify(token)


def test_a_pods_token_outlives_its_nodes_object(tokens: ServiceAccountTokens, live: dict[Any, Any]) -> None:
    token = tokens.issue(ACCOUNT, bound=POD, node=NODE).token
    del live[(NODES, None, "n1")]
    assert tokens.verify(token)


def test_what_is_being_deleted_counts_until_its_time(tokens: ServiceAccountTokens, live: dict[Any, Any], clock: Clock) -> None:
    token, key = tokens.issue(ACCOUNT, bound=POD).token, (PODS, "team", "ci-0")
    live[key] = {**POD, "metadata": {**POD["metadata"], "deletionTimestamp": rfc3339(clock.time + 30)}}
    clock.time += 89
    assert tokens.verify(token)
    clock.time += 2
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
    again = ServiceAccountTokens(Pki(tmp_path, clock).signing_key(), _in(live), clock)
    assert again.verify(token).caller.name == "system:serviceaccount:team:ci"
