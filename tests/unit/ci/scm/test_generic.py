"""The generic SCM: its documented deliveries and reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from boatyard.ci.scm import scm
from boatyard.ci.scm.events import Ignored, Malformed, Ping, PullRequest, Push
from boatyard.ci.scm.generic import Generic
from boatyard.ci.scm.http import Answer, Unreachable

SHA, OTHER = "a" * 40, "b" * 40
SECRET = b"s3cret"
REPORT = scm.Report(
    SHA, "boatyard/shop", "failure", "2 of 7 tests failed", "https://ci/builds/4", "uid-final", "shop-4", 4, "refs/heads/main"
)


class Callback:
    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, Mapping[str, str], bytes]] = []

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        self.calls.append((url, headers, body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def generic(http: Callback | None = None, callback: str = "https://hooks.example/ci") -> Generic:
    settings = scm.ScmSettings("https://git.example/shop.git", webhook_secrets=(SECRET,), callback_url=callback)
    return Generic(settings, http or Callback())


def event(payload: Any) -> Any:
    return generic().event({}, json.dumps(payload).encode())


def test_signatures():
    good = "sha256=" + scm.sign_hmac_sha256(SECRET, b"x")
    generic().verify({"x-boatyard-signature": good}, b"x")
    with pytest.raises(scm.Unsigned):
        generic().verify({}, b"x")
    with pytest.raises(scm.BadSignature):
        generic().verify({"x-boatyard-signature": good}, b"y")
    with pytest.raises(scm.BadSignature):
        generic().verify({"x-boatyard-signature": good.replace("sha256", "sha1")}, b"x")


def test_a_push_and_a_short_branch_name():
    assert event({"ref": "main", "after": SHA}) == Push(ref="refs/heads/main", after=SHA)
    assert event({"ref": "refs/tags/v1", "before": OTHER, "after": "0" * 40}).deleted


def test_a_pull_request():
    document = {"number": 7, "head": {"ref": "topic", "sha": SHA}, "target": {"ref": "main", "sha": OTHER}, "title": "T\nU"}
    assert event({"pullRequest": document}) == PullRequest(
        number=7,
        head_sha=SHA,
        head_ref="refs/heads/topic",
        target_ref="refs/heads/main",
        target_sha=OTHER,
        source_branch="topic",
        title="T",
    )
    assert isinstance(event({"pullRequest": {**document, "action": "closed"}}), Ignored)


def test_ping_and_things_that_mean_nothing():
    assert event({"ping": True}) == Ping()
    assert isinstance(event({"hello": 1}), Ignored)
    assert isinstance(event({"ref": "main", "after": SHA, "repository": {"url": "https://git.example/other.git"}}), Ignored)
    assert isinstance(event({"ref": "main", "after": SHA, "repository": {"url": "https://git.example/shop"}}), Push)


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ([], "the body"),
        ({"ref": "main"}, "after"),
        ({"ref": "a b", "after": SHA}, "ref"),
        ({"ref": "main", "after": SHA, "repository": "x"}, "repository"),
        ({"pullRequest": {"number": 0, "head": {"sha": SHA, "ref": "t"}, "target": {"ref": "m"}}}, "pullRequest.number"),
        (
            {"pullRequest": {"number": 1, "head": {"sha": SHA, "ref": "t"}, "target": {"ref": "m"}, "fork": "no"}},
            "pullRequest.fork",
        ),
        ({"pullRequest": {"number": 1, "head": {"sha": "0" * 40, "ref": "t"}, "target": {"ref": "m"}}}, "pullRequest.head.sha"),
    ],
)
def test_malformed_deliveries_name_the_field(payload: Any, path: str):
    with pytest.raises(Malformed, match=f"^{path}"):
        event(payload)


async def test_a_report_is_signed_and_carries_its_idempotency_key():
    callback = Callback(Answer(204, b""))
    await generic(callback).report(REPORT)
    url, headers, body = callback.calls[0]
    assert url == "https://hooks.example/ci" and headers["Idempotency-Key"] == "uid-final"
    assert headers["X-Boatyard-Signature"] == "sha256=" + scm.sign_hmac_sha256(SECRET, body)
    assert json.loads(body)["state"] == "failure" and json.loads(body)["url"] == "https://ci/builds/4"


async def test_without_a_callback_there_is_nobody_to_report_to():
    assert not generic(Callback(), callback="").listens
    assert generic(Callback()).listens


async def test_a_callback_that_is_down_or_refuses():
    for answer in (Answer(503, b""), Unreachable("x")):
        with pytest.raises(scm.Unavailable):
            await generic(Callback(answer)).report(REPORT)
    with pytest.raises(scm.Refused):
        await generic(Callback(Answer(400, b""))).report(REPORT)
