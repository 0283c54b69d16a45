"""Tokens of service accounts: what may be asked for, what is in them, and with what they end. Judged by a kube-apiserver."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from .both import ADMIN, Answer, As, Both

pytestmark = pytest.mark.real

REVIEW = "/apis/authentication.k8s.io/v1/tokenreviews"
TIMES = ("iat", "nbf", "exp", "jti")
BOUNDS = 600, 1 << 32


@pytest.fixture
async def where(pair: Both, namespace: str) -> str:
    """Two accounts, pods (one on a node, one on a node that isn't there), a secret, a node; where the tokens of ``ci`` are."""
    base = f"/api/v1/namespaces/{namespace}"
    await pair.make("/api/v1/nodes", {"metadata": {"name": f"{namespace}-n1"}})
    for name in ("ci", "other"):
        await pair.make(f"{base}/serviceaccounts", {"metadata": {"name": name}})
    for name, account, node in (
        ("p", "ci", ""),
        ("on", "ci", f"{namespace}-n1"),
        ("lost", "ci", f"{namespace}-n9"),
        ("o", "other", ""),
    ):
        container = {"name": "c", "image": "busybox:1"}
        spec = {"serviceAccountName": account, "automountServiceAccountToken": False, "containers": [container]}
        await pair.make(f"{base}/pods", {"metadata": {"name": name}, "spec": spec | ({"nodeName": node} if node else {})})
    await pair.make(f"{base}/secrets", {"metadata": {"name": "s"}})
    return f"{base}/serviceaccounts/ci/token"


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def comparable(answer: Answer) -> Answer:
    """The token as what it says, without what must differ: times, ids, the issuer's name."""
    body = json.loads(
        json.dumps(answer.body).replace("https://kubernetes.default.svc.cluster.local", "https://kubernetes.default.svc")
    )
    if answer.code == 201:
        claims = claims_of(body["status"].pop("token"))
        assert claims["jti"] and claims["iat"] == claims["nbf"]
        body["claims"] = {
            **{name: value for name, value in claims.items() if name not in TIMES},
            "life": claims["exp"] - claims["iat"],
        }
        body["claims"] = json.loads(json.dumps(body["claims"]).replace(".svc.cluster.local", ".svc"))
        _without_uids(body["claims"])
        body["status"].pop("expirationTimestamp")
    return Answer(answer.code, body)


def _without_uids(claims: dict[str, Any]) -> None:
    for reference in claims["kubernetes.io"].values():
        if isinstance(reference, dict) and "uid" in reference:
            assert len(reference["uid"]) == 36
            reference["uid"] = "a uid"


async def same(pair: Both, path: str, body: Any, who: As = ADMIN, **headers: str) -> Answer:
    told, judged = (comparable(answer) for answer in await pair.ask("POST", path, body, who, **headers))
    assert told == judged, f"{path} {body}\n ours {told}\n real {judged}"
    return told


def reference(kind: str = "Pod", name: str = "p", **more: str) -> dict[str, Any]:
    return {"spec": {"boundObjectRef": {"kind": kind, "apiVersion": "v1", "name": name, **more}}}


GIVEN = [
    {},
    {"spec": {}},
    {"spec": None},
    {"spec": {"audiences": ["vault"]}},
    {"spec": {"audiences": ["vault", "api", "vault", ""]}},
    {"spec": {"audiences": []}},
    {"spec": {"audiences": None, "expirationSeconds": None, "boundObjectRef": None}},
    {"metadata": {"name": "ci"}},
    {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}, "generateName": "x", "finalizers": ["a.b/c"]}},
    {"status": {"token": "mine"}},
    {"metadata": {"creationTimestamp": None}, "spec": {}, "status": {"token": "", "expirationTimestamp": None}},
    {"status": None},
    *({"spec": {"expirationSeconds": seconds}} for seconds in (BOUNDS[0], BOUNDS[0] + 1, 3607, 31536000)),
]


async def test_what_is_given(pair: Both, where: str) -> None:
    for body in GIVEN:
        assert (await same(pair, where, body)).code == 201


REFUSED = [
    *({"spec": {"expirationSeconds": seconds}} for seconds in (BOUNDS[0] - 1, 0, -1, BOUNDS[1] + 1, 1 << 62)),
    {"metadata": {"name": "other"}},
    {"metadata": {"name": "other"}, "spec": {"expirationSeconds": 1}},
    reference("ConfigMap"),
    reference("pod"),
    reference(""),
    reference(apiVersion="apps/v1"),
    reference("Pod", ""),
    reference("Secret", ""),
    reference("Node", ""),
    reference("Pod", "none"),
    reference("Secret", "none"),
    reference("Node", "none"),
    reference("Pod", "p", uid="another"),
    reference("Secret", "s", uid="another"),
    reference("Pod", "o"),
    reference("Pod", "none", uid="x"),
]


async def test_what_is_refused(pair: Both, where: str) -> None:
    for body in REFUSED:
        assert (await same(pair, where, body)).code in (400, 404, 409, 422)


UNREADABLE = [
    {"spec": {"expirationSeconds": "1h"}},
    {"spec": {"expirationSeconds": 1.5}},
    {"spec": {"audiences": "x"}},
    {"spec": []},
    {"spec": {"boundObjectRef": "p"}},
    {"kind": "Pod", "apiVersion": "v1"},
    {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1"},
    {"metadata": {"namespace": "elsewhere"}},
]


async def test_what_is_no_such_document(pair: Both, where: str) -> None:
    """Go's decoder has its own words for these."""
    for body in UNREADABLE:
        told, judged = await pair.ask("POST", where, body)
        assert (told.code, told.body["reason"]) == (judged.code, judged.body["reason"]) == (400, "BadRequest"), body


async def test_unknown_fields(pair: Both, where: str) -> None:
    body = {"spec": {"odd": 1, "boundObjectRef": {"kind": "Pod", "name": "p", "namespace": "x"}}, "even": 2}
    for query in ("", "?fieldValidation=Warn", "?fieldValidation=Strict", "?fieldValidation=Ignore"):
        await same(pair, where + query, body)


async def test_an_account_that_is_not_there(pair: Both, where: str, namespace: str) -> None:
    base = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    assert (await same(pair, f"{base}/none/token", {})).code == 404
    assert (await same(pair, f"{base}/none/token", {"spec": {"expirationSeconds": 1}})).code == 404
    assert (await same(pair, "/api/v1/namespaces/nowhere/serviceaccounts/ci/token", {})).code == 404


async def test_the_account_may_be_meant_by_its_uid(pair: Both, where: str) -> None:
    account = where.removesuffix("/token")
    for number, answer in enumerate(await pair.whole("GET", account)):
        uid = answer["metadata"]["uid"]
        for asked, code in ((uid, 201), ("another", 409)):
            told = (await pair.whole("POST", where, {"metadata": {"uid": asked}}))[number]
            assert told.get("code", 201) == code, told
            if code == 409:
                about = 'Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "ci": the UID in the token request'
                assert told["message"] == f"{about} (another) does not match the UID of the service account ({uid})"
            else:
                assert told["metadata"]["uid"] == uid


async def test_a_dry_run_gives_a_token_all_the_same(pair: Both, where: str) -> None:
    await same(pair, f"{where}?dryRun=All", {})
    await same(pair, f"{where}?dryRun=Some", {})


async def test_what_a_bound_token_says(pair: Both, where: str, namespace: str) -> None:
    """The node of a bound pod is in it, with its uid if it is there."""
    for kind, name in (("Pod", "p"), ("Pod", "on"), ("Pod", "lost"), ("Secret", "s"), ("Node", f"{namespace}-n1")):
        body = reference(kind, name)
        body["spec"]["expirationSeconds"] = 1200
        assert (await same(pair, where, body)).code == 201
        body["spec"]["boundObjectRef"].pop("apiVersion")
        assert (await same(pair, where, body)).code == 201


async def review(pair: Both, tokens: list[str], audiences: list[str] | None = None) -> tuple[Any, Any]:
    """What each says of its token."""
    found = []
    for number, token in enumerate(tokens):
        spec = {"token": token, **({"audiences": audiences} if audiences else {})}
        answer = (await pair.ask("POST", REVIEW, {"spec": spec}))[number]
        assert answer.code == 201
        status = json.loads(json.dumps(answer.body["status"]).replace(".svc.cluster.local", ".svc"))
        status.pop("error", None)
        for values in status.get("user", {}).get("extra", {}).values():
            values[:] = ["an id" if len(value) >= 36 else value for value in values]
        status.get("user", {}).pop("uid", None)
        found.append(status)
    return found[0], found[1]


async def issue(pair: Both, where: str, body: Any) -> list[str]:
    return [answer.body["status"]["token"] for answer in await pair.ask("POST", where, body)]


async def test_who_its_bearer_is(pair: Both, where: str, namespace: str) -> None:
    node = f"{namespace}-n1"
    for body in (
        {},
        *(reference(*bound) for bound in (("Pod", "p"), ("Pod", "on"), ("Pod", "lost"), ("Secret", "s"), ("Node", node))),
    ):
        told, judged = await review(pair, await issue(pair, where, body))
        assert told == judged and told["authenticated"], body


async def test_for_whom_it_is(pair: Both, where: str) -> None:
    tokens = await issue(pair, where, {"spec": {"audiences": ["vault", "web"]}})
    for audiences in (None, ["vault"], ["web", "other", "vault"], ["other"]):
        told, judged = await review(pair, tokens, audiences)
        assert told == judged, audiences


async def test_it_ends_with_what_it_is_bound_to(pair: Both, where: str, namespace: str) -> None:
    """Of the account too, and when one of the same name is made again. (What was looked at, the real one remembers for ten seconds:
    these tokens are looked at when it is over.)"""
    base, account = f"/api/v1/namespaces/{namespace}", {"metadata": {"name": "ci"}}
    for path, body in (
        (f"{base}/pods/p", reference()),
        (f"{base}/secrets/s", reference("Secret", "s")),
        (f"/api/v1/nodes/{namespace}-n1", reference("Node", f"{namespace}-n1")),
        (f"{base}/serviceaccounts/ci", {}),
    ):
        tokens = await issue(pair, where, body)
        for answer in await pair.ask("DELETE", f"{path}?gracePeriodSeconds=0"):
            assert answer.code == 200
        await _over(pair, tokens)
        if path.endswith("ci"):
            await pair.ask("POST", f"{base}/serviceaccounts", account)
            await _over(pair, tokens)


async def _over(pair: Both, tokens: list[str]) -> None:
    for left in range(1200, -1, -1):
        told, judged = await review(pair, tokens)
        assert not told.get("authenticated"), "ours ends at once"
        if told == judged:
            return
        assert left, f"ours {told}\n real {judged}"
        await asyncio.sleep(0.05)  # the real one hears of deletions a moment later


async def test_others_can_check_them(pair: Both, where: str, namespace: str) -> None:
    """By the keys that are published, to every service account."""
    configuration, keys = "/.well-known/openid-configuration", "/openid/v1/jwks"
    tokens = await issue(pair, where, {"spec": {"audiences": ["vault"]}})
    for number, found in enumerate(await pair.whole("GET", keys)):
        key = KeySet.import_key_set(found)
        assert jwt.decode(tokens[number], key, algorithms=["ES256", "RS256"]).claims["aud"] == ["vault"]
        assert all({"use", "kid", "alg", "kty"} <= key.keys() and "d" not in key for key in found["keys"])
    ours, theirs = await pair.whole("GET", configuration)
    assert ours.keys() == theirs.keys() and ours["jwks_uri"].endswith(keys)
    assert ours["issuer"] == claims_of(tokens[0])["iss"]
    for path in (configuration, keys, keys + "/"):
        for who in (As("jane"), As(f"system:serviceaccount:{namespace}:ci")):
            assert await pair.code("GET", path, who=who) == (403 if who.user == "jane" else 200)
        assert await pair.code("POST", path) == 405
    for path in ("clusterroles", "clusterrolebindings"):
        told, judged = await pair.ask("GET", f"/apis/rbac.authorization.k8s.io/v1/{path}/system:service-account-issuer-discovery")
        judged.body["metadata"].pop("annotations")
        assert told == judged
