"""Gitea (and Forgejo): webhooks signed by ``X-Gitea-Signature``, commit statuses by API.

Sources: Gitea's documentation, "Webhooks", and its swagger (``/repos/{owner}/{repo}/statuses/{sha}``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from boatyard.ci.scm import events, scm
from boatyard.ci.scm.events import Event, Ignored, Malformed, Ping, PullRequest, Push
from boatyard.ci.scm.http import Answer, Http, Unreachable

_HEAD_MOVED = ("opened", "reopened", "synchronized", "synchronize")
_PAGE = 50
_MAX_PAGES = 20


class Gitea:
    """One repository of a Gitea."""

    listens = True
    lists_statuses = True

    def __init__(self, settings: scm.ScmSettings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._repository = settings.repository or scm.owner_and_name(settings.repository_url)
        self._api = (settings.url or scm.origin(settings.repository_url)).rstrip("/") + "/api/v1"

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        scm.verify_hmac_sha256(headers.get("x-gitea-signature", ""), body, self._settings.webhook_secrets)

    def delivery_id(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-gitea-delivery", "")

    def event(self, headers: Mapping[str, str], body: bytes) -> Event:
        kind = headers.get("x-gitea-event", "")
        if not kind:
            raise Malformed("X-Gitea-Event: required")
        if kind not in ("push", "pull_request", "pull_request_sync", "create", "delete", "ping"):
            return Ignored(f"event {events.text(kind, 60)!r} starts nothing")
        if "json" not in headers.get("content-type", "application/json"):
            raise Malformed("Content-Type: set the webhook's content type to application/json")
        payload = _object(body)
        if kind == "ping":
            return Ping()
        if kind in ("create", "delete"):
            return Ignored("the push that comes with it counts")
        repository = events.mapping(payload.get("repository"), "repository")
        name = repository.get("full_name")
        if self._repository and isinstance(name, str) and name.lower() != self._repository.lower():
            return Ignored(f"it is about {events.text(name, 100)}, not about {self._repository}")
        return _push(payload) if kind == "push" else _pull_request(payload, repository)

    async def reported(self, report: scm.Report) -> bool:
        for page in range(1, _MAX_PAGES + 1):
            path = f"/repos/{self._path()}/commits/{report.sha}/statuses?sort=recentupdate&page={page}&limit={_PAGE}"
            answer = await self._call("GET", path)
            try:
                statuses = answer.json()
            except ValueError:
                raise scm.Unavailable("its list of statuses is not JSON") from None
            if not isinstance(statuses, list) or not statuses:
                return False
            if any(_is(status, report) for status in statuses):
                return True
        return False

    async def report(self, report: scm.Report) -> None:
        told = report.description[:255]
        body = {"context": report.context, "state": report.state, "description": told, "target_url": report.target_url}
        await self._call("POST", f"/repos/{self._path()}/statuses/{report.sha}", body)

    def problems(self) -> list[str]:
        missing = []
        if not self._repository:
            missing.append("scm.repository: required, as the repository's address names no owner/name")
        if self._api == "/api/v1":
            missing.append("scm.url: required, as the repository's address is not http(s)")
        return missing

    def _path(self) -> str:
        return "/".join(quote(part, safe="") for part in self._repository.split("/"))

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        headers = {"Accept": "application/json"}
        if self._settings.token:
            headers["Authorization"] = f"token {self._settings.token}"
        data = b""
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        try:
            answer = await self._http.request(method, self._api + path, headers=headers, body=data)
        except Unreachable as error:
            raise scm.Unavailable(str(error)) from error
        if answer.status in (401, 403):
            raise scm.Unavailable(f"{method} {path.partition('?')[0]}: the token is not accepted (status {answer.status})")
        if answer.status >= 500 or answer.status in (408, 425, 429):
            raise scm.Unavailable(f"{method} {path.partition('?')[0]}: status {answer.status}")
        if answer.status >= 300:
            told = events.text(answer.body[:300].decode("utf-8", "replace"), 200)
            raise scm.Refused(f"{method} {path.partition('?')[0]}: status {answer.status}: {told}")
        return answer


def _object(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {events.text(str(error), 100)}") from error
    return events.mapping(payload, "the body")


def _push(payload: dict[str, Any]) -> Push:
    head = payload.get("head_commit") or {}
    commit = head if isinstance(head, dict) else {}
    author = commit.get("author")
    return Push(
        ref=events.checked_ref(payload.get("ref"), "ref"),
        before=events.checked_sha(payload.get("before"), "before", required=False),
        after=events.checked_sha(payload.get("after"), "after"),
        subject=events.text(commit.get("message")),
        author=events.text(author.get("name") if isinstance(author, dict) else "", 100),
        sender=_login(payload.get("sender") or payload.get("pusher")),
    )


def _pull_request(payload: dict[str, Any], repository: dict[str, Any]) -> Event:
    action = payload.get("action")
    changes = payload.get("changes")
    new_target = action == "edited" and isinstance(changes, dict) and bool(changes.get("ref"))
    if action not in _HEAD_MOVED and not new_target:
        return Ignored(f"pull request {events.text(action, 40) or 'without an action'}: nothing new to test")
    pull = events.mapping(payload.get("pull_request"), "pull_request")
    head = events.mapping(pull.get("head"), "pull_request.head")
    base = events.mapping(pull.get("base"), "pull_request.base")
    number = events.positive(pull.get("number") or payload.get("number"), "pull_request.number")
    head_repository = head.get("repo")
    # A head whose repository is gone or unknown can't be shown to be ours.
    head_id = head_repository.get("id") if isinstance(head_repository, dict) else None
    same = head_id is not None and head_id == repository.get("id")
    return PullRequest(
        number=number,
        head_sha=_head_sha(head),
        head_ref=f"refs/pull/{number}/head",
        target_ref=events.checked_ref(base.get("ref"), "pull_request.base.ref"),
        target_sha=events.checked_sha(base.get("sha"), "pull_request.base.sha", required=False),
        source_branch=events.text(head.get("ref"), 255),
        fork=not same,
        title=events.text(pull.get("title")),
        author=_login(pull.get("user")),
        sender=_login(payload.get("sender")),
    )


def _head_sha(head: dict[str, Any]) -> str:
    sha = events.checked_sha(head.get("sha"), "pull_request.head.sha")
    if not sha:
        raise Malformed("pull_request.head.sha: required")
    return sha


def _login(user: Any) -> str:
    return events.text(user.get("login") or user.get("username"), 100) if isinstance(user, dict) else ""


def _is(status: Any, report: scm.Report) -> bool:
    return (
        isinstance(status, dict)
        and status.get("context") == report.context
        and status.get("target_url") == report.target_url
        and (status.get("status") or status.get("state")) == report.state
    )


def adapter(settings: scm.ScmSettings, http: Http) -> Gitea:
    """The adapter that :func:`scm.load` looks for."""
    return Gitea(settings, http)
