"""Gitea's deliveries and statuses, without a Gitea."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from boatyard.ci.scm import scm
from boatyard.ci.scm.events import Ignored, Malformed, PullRequest, Push
from boatyard.ci.scm.gitea import Gitea
from boatyard.ci.scm.http import Answer, Unreachable

SHA, OTHER = "1" * 40, "2" * 40
SECRET = b"hook secret"


class Answers:
    """An HTTP that gives prepared answers and remembers what was asked."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, str, Mapping[str, str], bytes]] = []

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        self.calls.append((method, url, headers, body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def gitea(*answers: Answer | Exception, **settings: Any) -> tuple[Gitea, Answers]:
    http = Answers(*answers)
    known: dict[str, Any] = {
        "repository_url": "http://git.example/team/shop.git",
        "token": "t0ken",
        "webhook_secrets": (SECRET,),
        **settings,
    }
    return Gitea(scm.ScmSettings(**known), http), http


def push(**changes: Any) -> bytes:
    payload = {
        "ref": "refs/heads/main", "before": OTHER, "after": SHA, "repository": {"id": 1, "full_name": "team/shop"},
        "head_commit": {"message": "Add cart\n\nlong story", "author": {"name": "Ann"}}, "sender": {"login": "ann"},
    }  # fmt: skip
    return json.dumps({**payload, **changes}).encode()


def pull(action: str = "opened", head_repository: Any = None, **changes: Any) -> bytes:
    payload = {
        "action": action, "number": 3, "repository": {"id": 1, "full_name": "team/shop"}, "sender": {"login": "ann"},
        "pull_request": {
            "number": 3, "title": "Cart", "user": {"login": "ann"},
            "head": {"ref": "topic", "sha": SHA, "repo": {"id": 1} if head_repository is None else head_repository},
            "base": {"ref": "main", "sha": OTHER, "repo": {"id": 1}},
        },
    }  # fmt: skip
    return json.dumps({**payload, **changes}).encode()


def headers(kind: str) -> dict[str, str]:
    return {"x-gitea-event": kind, "x-gitea-delivery": "d-1", "content-type": "application/json"}


def test_a_signed_delivery_passes_and_any_known_secret_will_do():
    adapter, _ = gitea(webhook_secrets=(b"new", SECRET))
    adapter.verify({"x-gitea-signature": scm.sign_hmac_sha256(SECRET, b"body")}, b"body")


@pytest.mark.parametrize(
    ("signature", "error"),
    [
        ("", scm.Unsigned),
        ("0" * 64, scm.BadSignature),
        ("schlüssel", scm.BadSignature),
        (scm.sign_hmac_sha256(SECRET, b"another body"), scm.BadSignature),
    ],
)
def test_others_do_not(signature: str, error: type[Exception]):
    adapter, _ = gitea()
    with pytest.raises(error):
        adapter.verify({"x-gitea-signature": signature}, b"body")


def test_without_a_secret_nothing_is_accepted_not_even_what_is_signed_with_an_empty_one():
    adapter, _ = gitea(webhook_secrets=(b"",))
    with pytest.raises(scm.BadSignature):
        adapter.verify({"x-gitea-signature": scm.sign_hmac_sha256(b"", b"body")}, b"body")


def test_a_push():
    event = gitea()[0].event(headers("push"), push())
    assert event == Push(ref="refs/heads/main", before=OTHER, after=SHA, subject="Add cart", author="Ann", sender="ann")


def test_a_new_branch_has_nothing_before_and_a_deleted_one_nothing_after():
    new = gitea()[0].event(headers("push"), push(before="0" * 40))
    gone = gitea()[0].event(headers("push"), push(after="0" * 40, head_commit=None))
    assert isinstance(new, Push) and new.before == "" and not new.deleted
    assert isinstance(gone, Push) and gone.deleted


def test_a_pull_request_from_the_same_repository():
    event = gitea()[0].event(headers("pull_request"), pull())
    assert isinstance(event, PullRequest)
    assert (event.number, event.head_sha, event.head_ref, event.source_branch) == (3, SHA, "refs/pull/3/head", "topic")
    assert (event.target_ref, event.target_sha, event.fork, event.title) == ("refs/heads/main", OTHER, False, "Cart")


@pytest.mark.parametrize("repository", [{"id": 2}, {}, "gone", {"id": None}])
def test_a_head_that_is_not_provably_ours_is_a_fork(repository: Any):
    event = gitea()[0].event(headers("pull_request"), pull(head_repository=repository))
    assert isinstance(event, PullRequest) and event.fork


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("pull_request", pull("closed")),
        ("pull_request", pull("labeled")),
        ("pull_request", pull("edited", changes={"title": {"from": "x"}})),
        ("issues", b"{}"),
        ("create", push()),
        ("push", push(repository={"id": 9, "full_name": "team/other"})),
    ],
)
def test_what_changes_no_tree_of_ours_is_ignored(kind: str, body: bytes):
    assert isinstance(gitea()[0].event(headers(kind), body), Ignored)


def test_a_pull_request_with_another_target_is_tested_again():
    body = pull("edited", changes={"ref": {"from": "main"}})
    assert isinstance(gitea()[0].event(headers("pull_request"), body), PullRequest)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"not json", "the body"),
        (b"[" * 100_000, "the body"),
        (b"[]", "the body"),
        (push(repository=None), "repository"),
        (push(ref="refs/heads/../../etc"), "ref"),
        (push(ref="refs/heads/--upload-pack=x"), "ref"),
        (push(ref=7), "ref"),
        (push(after="main; rm -rf /"), "after"),
        (push(after=None), "after"),
    ],
)
def test_a_malformed_push_names_the_field(body: bytes, path: str):
    with pytest.raises(Malformed, match=f"^{path}"):
        gitea()[0].event(headers("push"), body)


def test_a_pull_request_without_a_head_is_malformed():
    with pytest.raises(Malformed, match=r"pull_request\.head"):
        gitea()[0].event(headers("pull_request"), pull(pull_request={"number": 3, "base": {"ref": "main"}}))


REPORT = scm.Report(SHA, "boatyard/shop", "success", "x" * 400, "https://ci/builds/1", "k")


async def test_a_report_is_posted_with_the_token():
    adapter, http = gitea(Answer(201, b"{}"))
    await adapter.report(REPORT)
    method, url, sent, body = http.calls[0]
    assert (method, url) == ("POST", f"http://git.example/api/v1/repos/team/shop/statuses/{SHA}")
    assert sent["Authorization"] == "token t0ken"
    told = json.loads(body)
    assert (told["state"], told["context"], told["target_url"]) == ("success", "boatyard/shop", "https://ci/builds/1")
    assert len(told["description"]) == 255


async def test_what_was_reported_is_found_on_any_page_by_context_address_and_state():
    def status(state: str) -> dict[str, str]:
        return {"context": "boatyard/shop", "target_url": "https://ci/builds/1", "status": state}

    adapter, _ = gitea(Answer(200, json.dumps([status("pending")]).encode()), Answer(200, json.dumps([status("success")]).encode()))
    assert await adapter.reported(REPORT)
    adapter, _ = gitea(Answer(200, json.dumps([status("pending")]).encode()), Answer(200, b"[]"))
    assert not await adapter.reported(REPORT)


@pytest.mark.parametrize("answer", [Answer(502, b""), Answer(429, b""), Answer(401, b""), Unreachable("refused")])
async def test_a_gitea_that_is_down_may_be_asked_again(answer: Answer | Exception):
    with pytest.raises(scm.Unavailable):
        await gitea(answer)[0].report(REPORT)


@pytest.mark.parametrize("code", [301, 404, 422])
async def test_a_refusal_is_final_and_says_what_gitea_said(code: int):
    with pytest.raises(scm.Refused, match="no such user"):
        await gitea(Answer(code, b'{"message":"no such user"}'))[0].report(REPORT)


def test_settings_that_name_no_repository_are_told():
    assert gitea(repository_url="file:///srv/shop")[0].problems() != []
    assert gitea()[0].problems() == []


@pytest.mark.parametrize(
    ("url", "name", "origin"),
    [
        ("https://git.example/team/shop.git", "team/shop", "https://git.example"),
        ("https://user:pw@git.example:3000/sub/team/shop", "team/shop", "https://git.example:3000/sub"),
        ("git@git.example:team/shop.git", "team/shop", ""),
        ("file:///shop", "", ""),
    ],
)
def test_owner_name_and_address_are_taken_from_the_repository(url: str, name: str, origin: str):
    assert (scm.owner_and_name(url), scm.origin(url)) == (name, origin)


def test_an_unknown_type_is_told():
    with pytest.raises(scm.UnknownScm):
        scm.load("github", scm.ScmSettings("https://github.com/a/b"), Answers())
    with pytest.raises(scm.UnknownScm):
        scm.load("../evil", scm.ScmSettings(""), Answers())
    with pytest.raises(scm.UnknownScm):
        scm.load("events", scm.ScmSettings(""), Answers())
