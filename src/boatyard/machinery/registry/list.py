"""list: objects in order of namespace and name, whole or in pages that all show the same revision."""

from __future__ import annotations

import base64
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from boatyard.machinery.meta.errors import BadRequest, Gone, ServerTimeout
from boatyard.machinery.registry import keys
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.selection import Selection
from boatyard.machinery.store.store import Compacted, Record

Match: TypeAlias = Literal["", "Exact", "NotOlderThan"]
CHUNK = 500
"""Records read at a time when a selector leaves some out."""


class RecordPage(NamedTuple):
    """One page. ``remaining`` is None when a selector makes it unknown."""

    records: list[Record]
    revision: int
    continue_token: str = ""
    remaining: int | None = None


class _Token(msgspec.Struct):
    """Where the next page begins. The same form as Kubernetes', but opaque to clients all the same."""

    rv: int
    start: str
    v: str = "meta.k8s.io/v1"


def list_page(
    ledger: Ledger, kind: Kind, namespace: str | None, selection: Selection, *, limit: int = 0, continue_token: str = "",
    resource_version: str = "", match: Match = "",
) -> RecordPage:  # fmt: skip
    """A page of a list.

    Raises BadRequest, Gone (the page's or the exact revision is compacted away), ServerTimeout (it lies in the future).
    """
    prefix = keys.prefix(kind.resource, namespace)
    after, revision = "", 0
    if continue_token:
        if resource_version and resource_version != "0":
            raise BadRequest("specifying resource version is not allowed when using continue")
        token = _read_token(continue_token)
        after, revision = prefix + token.start, token.rv
    else:
        revision = _wanted(ledger, resource_version, match)
    try:
        if selection.name is not None and namespace and not continue_token and not revision:
            return _single(ledger, kind, namespace, selection)
        return _scan(ledger, prefix, after, revision, limit, selection)
    except Compacted as error:
        what = "The provided continue parameter is too old" if continue_token else f"resourceVersion {resource_version} is too old"
        raise Gone(f"{what} to display a consistent list result: {error}. You must start a new list without it") from error


def _scan(ledger: Ledger, prefix: str, after: str, revision: int, limit: int, selection: Selection) -> RecordPage:
    if not selection:
        page = ledger.store.range(prefix, after=after, limit=limit, revision=revision)
        token = _token(prefix, page.records[-1].key, page.revision) if page.remaining else ""
        return RecordPage(page.records, page.revision, token, page.remaining if limit else None)
    chosen: list[Record] = []
    while True:
        page = ledger.store.range(prefix, after=after, limit=max(CHUNK, limit) if limit else 0, revision=revision)
        revision = page.revision
        for index, record in enumerate(page.records):
            if not selection.matches(record.key, record.value):
                continue
            chosen.append(record)
            if limit and len(chosen) == limit:
                more = page.remaining or index + 1 < len(page.records)
                return RecordPage(chosen, revision, _token(prefix, record.key, revision) if more else "")
        if not page.remaining:
            return RecordPage(chosen, revision)
        after = page.records[-1].key


def _single(ledger: Ledger, kind: Kind, namespace: str, selection: Selection) -> RecordPage:
    record = ledger.find(kind.resource, namespace, selection.name or "")
    found = [record] if record and selection.matches(record.key, record.value) else []
    return RecordPage(found, ledger.store.revision)


def _wanted(ledger: Ledger, resource_version: str, match: Match) -> int:
    if not resource_version:
        if match:
            raise BadRequest("resourceVersionMatch is forbidden unless resourceVersion is provided")
        return 0
    revision = parse_revision(resource_version)
    if revision > ledger.store.revision:
        raise ServerTimeout(f"Too large resource version: {revision}, current: {ledger.store.revision}", {"retryAfterSeconds": 1})
    if match == "Exact":
        if not revision:
            raise BadRequest('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
        return revision
    return 0


def parse_revision(text: str) -> int:
    """A resourceVersion as a number. Raises BadRequest."""
    if not text.isascii() or not text.isdigit():
        raise BadRequest(f'Invalid value: "{text}": resourceVersion must be a number')
    return int(text)


def _token(prefix: str, last: str, revision: int) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(_Token(revision, last[len(prefix) :]))).decode().rstrip("=")


def _read_token(text: str) -> _Token:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Token)
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadRequest(f"continue key is not valid: {error}") from error
