"""``generic``: any SCM, or any script, that can sign a small JSON document. This docstring is its specification.

A delivery is a POST to ``…/hooks/generic`` with the headers

* ``X-Boatyard-Delivery``: an id, the same when the delivery is repeated, at most 180 printable characters;
* ``X-Boatyard-Signature``: ``sha256=`` and the hexadecimal HMAC-SHA256 of the body under the webhook secret;

and the body (unknown fields are ignored)::

    {"ref": "refs/heads/main", "before": "<sha>", "after": "<sha>",     # a push; no "before": new; "after" of zeros: deleted
     "repository": {"url": "https://…/shop.git"},                       # optional; another repository's deliveries are ignored
     "commit": {"subject": "…", "author": "…"}, "sender": "…"}          # optional, for people

    {"pullRequest": {"number": 7, "action": "opened",     # opened | reopened | synchronized | retargeted; others are ignored
                     "head": {"ref": "refs/heads/topic", "sha": "<sha>"}, "target": {"ref": "refs/heads/main", "sha": "<sha>"},
                     "fork": false, "title": "…", "author": "…"}}

    {"ping": true}

Reports are POSTed to ``callbackUrl`` (none: nowhere), signed the same way, with ``Idempotency-Key``::

    {"context": "boatyard/shop", "state": "pending|success|failure|error", "sha": "…", "ref": "…", "pullRequest": 7,
     "build": "shop-12", "number": 12, "description": "…", "url": "https://…/builds/12"}

A callback can't be asked what it has seen: after a crash a report may arrive twice, with the same key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from boatyard.ci.scm import events, scm
from boatyard.ci.scm.events import Event, Ignored, Malformed, Ping, PullRequest, Push
from boatyard.ci.scm.http import Http, Unreachable

_NEW_TO_TEST = ("opened", "reopened", "synchronized", "retargeted")


class Generic:
    """One repository, by signed JSON."""

    lists_statuses = False

    def __init__(self, settings: scm.ScmSettings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self.listens = bool(settings.callback_url)

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        scheme, _, signature = headers.get("x-boatyard-signature", "").partition("=")
        if scheme and scheme.strip().lower() != "sha256":
            raise scm.BadSignature
        scm.verify_hmac_sha256(signature, body, self._settings.webhook_secrets)

    def delivery_id(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-boatyard-delivery", "")

    def event(self, headers: Mapping[str, str], body: bytes) -> Event:
        try:
            decoded = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"the body is not JSON: {events.text(str(error), 100)}") from error
        payload = events.mapping(decoded, "the body")
        if payload.get("ping") is True:
            return Ping()
        repository = payload.get("repository")
        url = events.mapping(repository, "repository").get("url") if repository is not None else None
        if isinstance(url, str) and _same_address(url) != _same_address(self._settings.repository_url):
            return Ignored("it is about another repository")
        if payload.get("pullRequest") is not None:
            return _pull_request(events.mapping(payload["pullRequest"], "pullRequest"), payload)
        if "ref" in payload:
            return _push(payload)
        return Ignored("neither ref nor pullRequest")

    def problems(self) -> list[str]:
        return []

    async def reported(self, report: scm.Report) -> bool:
        return False

    async def report(self, report: scm.Report) -> None:
        document: dict[str, Any] = {
            "context": report.context, "state": report.state, "sha": report.sha, "ref": report.ref, "build": report.build,
            "number": report.number, "description": report.description, "url": report.target_url,
        }  # fmt: skip
        if report.pull_request:
            document["pullRequest"] = report.pull_request
        body = json.dumps(document).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": report.key, "User-Agent": "boatyard"}
        if self._settings.webhook_secrets:
            headers["X-Boatyard-Signature"] = "sha256=" + scm.sign_hmac_sha256(self._settings.webhook_secrets[0], body)
        if self._settings.token:
            headers["Authorization"] = f"Bearer {self._settings.token}"
        try:
            answer = await self._http.request("POST", self._settings.callback_url, headers=headers, body=body)
        except Unreachable as error:
            raise scm.Unavailable(str(error)) from error
        if answer.status >= 500 or answer.status in (408, 425, 429):
            raise scm.Unavailable(f"callback: status {answer.status}")
        if answer.status >= 300:
            raise scm.Refused(f"callback: status {answer.status}")


def _same_address(url: str) -> str:
    return url.strip().rstrip("/").removesuffix(".git").removeprefix("file://")


def _push(payload: dict[str, Any]) -> Push:
    commit = payload.get("commit")
    commit = commit if isinstance(commit, dict) else {}
    return Push(
        ref=events.checked_ref(payload.get("ref"), "ref"),
        before=events.checked_sha(payload.get("before"), "before", required=False),
        after=events.checked_sha(payload.get("after"), "after"),
        subject=events.text(commit.get("subject") or commit.get("message")),
        author=events.text(commit.get("author"), 100),
        sender=events.text(payload.get("sender"), 100),
    )


def _pull_request(pull: dict[str, Any], payload: dict[str, Any]) -> Event:
    action = pull.get("action", "opened")
    if action not in _NEW_TO_TEST:
        return Ignored(f"pull request {events.text(action, 40)}: nothing new to test")
    head = events.mapping(pull.get("head"), "pullRequest.head")
    target = events.mapping(pull.get("target"), "pullRequest.target")
    fork = pull.get("fork", False)
    if not isinstance(fork, bool):
        raise Malformed("pullRequest.fork: must be true or false")
    head_sha = events.checked_sha(head.get("sha"), "pullRequest.head.sha")
    if not head_sha:
        raise Malformed("pullRequest.head.sha: required")
    head_ref = events.checked_ref(head.get("ref"), "pullRequest.head.ref")
    return PullRequest(
        number=events.positive(pull.get("number"), "pullRequest.number"),
        head_sha=head_sha,
        head_ref=head_ref,
        target_ref=events.checked_ref(target.get("ref"), "pullRequest.target.ref"),
        target_sha=events.checked_sha(target.get("sha"), "pullRequest.target.sha", required=False),
        source_branch=head_ref.removeprefix("refs/heads/"),
        fork=fork,
        title=events.text(pull.get("title")),
        author=events.text(pull.get("author"), 100),
        sender=events.text(payload.get("sender"), 100),
    )


def adapter(settings: scm.ScmSettings, http: Http) -> Generic:
    """The adapter that :func:`scm.load` looks for."""
    return Generic(settings, http)
