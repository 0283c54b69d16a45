"""list: objects in order of namespace and name, whole or in pages that all show the same revision."""

from __future__ import annotations

import base64
from collections.abc import Iterator
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
PART = 200
"""Records read at a time of a list without a limit."""


_NOW = -1
"""The revision of a token that goes on with what is there when it is used."""
_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue "
    "parameter, or use the continue token in this response to retrieve the remainder of the results as they are now: "
    "objects that changed since the first page may be missing or come twice"
)


class RecordPage(NamedTuple):
    """One page. ``remaining`` is None when a selector makes it unknown."""

    records: list[Record]
    revision: int
    continue_token: str = ""
    remaining: int | None = None


class Listing(NamedTuple):
    """A list whose records come as they are asked for: all of its one revision. They raise Gone when that is compacted away before
    the last was asked for."""

    records: Iterator[Record]
    revision: int
    about_bytes: int
    """How much it will be, as far as it can be told from the first records."""
    continue_token: str = ""
    remaining: int | None = None


class _Token(msgspec.Struct):
    """Where the next page begins. The same form as Kubernetes', but opaque to clients all the same."""

    rv: int
    start: str
    v: str = "meta.k8s.io/v1"
    left: int = 0
    """How many follow, where the page before knew it: counting them again would cost more than the page."""


def listing(
    ledger: Ledger, kind: Kind, namespace: str | None, selection: Selection, *, limit: int = 0, continue_token: str = "",
    resource_version: str = "", match: Match = "",
) -> Listing:  # fmt: skip
    """As :func:`list_page`; without a limit the records are read some at a time, however many there are."""
    first = list_page(
        ledger, kind, namespace, selection, limit=limit or PART, continue_token=continue_token,
        resource_version=resource_version, match=match,
    )  # fmt: skip
    size = sum([len(record.value) for record in first.records])
    if limit:
        return Listing(iter(first.records), first.revision, size, first.continue_token, first.remaining)
    if first.records and first.remaining:
        size += size * first.remaining // len(first.records)
    return Listing(_all(ledger, kind, namespace, selection, first), first.revision, size)


def _all(ledger: Ledger, kind: Kind, namespace: str | None, selection: Selection, page: RecordPage) -> Iterator[Record]:
    prefix = keys.prefix(kind.resource, namespace)
    while True:
        yield from page.records
        if not page.continue_token:
            return
        token = _read_token(page.continue_token)
        try:
            page = _scan(ledger, prefix, prefix + token.start, token.rv, PART, selection, token.left)
        except Compacted as error:
            raise Gone(f"The resourceVersion for the provided list is too old: {error}") from error


def list_page(
    ledger: Ledger, kind: Kind, namespace: str | None, selection: Selection, *, limit: int = 0, continue_token: str = "",
    resource_version: str = "", match: Match = "",
) -> RecordPage:  # fmt: skip
    """A page of a list.

    Raises BadRequest, Gone (the page's or the exact revision is compacted away), ServerTimeout (it lies in the future).
    """
    prefix = keys.prefix(kind.resource, namespace)
    after, revision, left = "", 0, 0
    if continue_token:
        if resource_version and resource_version != "0":
            raise BadRequest("specifying resource version is not allowed when using continue")
        token = _read_token(continue_token)
        after, revision, left = prefix + token.start, max(token.rv, 0), max(token.left, 0) if token.rv > 0 else 0
    else:
        revision = _wanted(ledger, resource_version, match)
    try:
        one_place = bool(namespace) or not kind.resource.namespaced
        if selection.name is not None and one_place and not continue_token and not revision:
            return _single(ledger, kind, namespace, selection)
        return _scan(ledger, prefix, after, revision, limit, selection, left)
    except Compacted as error:
        if not continue_token:
            raise Gone(f"The resourceVersion for the provided list is too old: {error}") from error
        raise Gone(_EXPIRED, continue_token=_token(prefix, after, _NOW)) from error


def _scan(ledger: Ledger, prefix: str, after: str, revision: int, limit: int, selection: Selection, left: int) -> RecordPage:
    if not selection:
        page = ledger.store.range(prefix, after=after, limit=limit, revision=revision, count=not left)
        remaining = max(left - len(page.records), 1) if left and page.remaining else page.remaining
        token = _token(prefix, page.records[-1].key, page.revision, remaining) if page.remaining else ""
        return RecordPage(page.records, page.revision, token, remaining if limit else None)
    chosen: list[Record] = []
    while True:
        page = ledger.store.range(prefix, after=after, limit=max(CHUNK, limit) if limit else 0, revision=revision, count=False)
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


def _single(ledger: Ledger, kind: Kind, namespace: str | None, selection: Selection) -> RecordPage:
    record = ledger.find(kind.resource, namespace, selection.name or "")
    found = [record] if record and selection.matches(record.key, record.value) else []
    return RecordPage(found, ledger.store.revision)


def _wanted(ledger: Ledger, resource_version: str, match: Match) -> int:
    if not resource_version:
        return 0
    revision = reached(ledger, resource_version)
    return revision if match == "Exact" else 0


def reached(ledger: Ledger, resource_version: str) -> int:
    """A revision that the store has come to. Raises BadRequest, and ServerTimeout when it lies in the future."""
    wanted, now = parse_revision(resource_version), ledger.store.revision
    if wanted > now:
        causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
        told = f"Timeout: Too large resource version: {wanted}, current: {now}"
        raise ServerTimeout(told, {"causes": causes, "retryAfterSeconds": 1})
    return wanted


def parse_revision(text: str) -> int:
    """A resourceVersion as a number. Raises BadRequest."""
    if not text.isascii() or not text.isdigit():
        raise BadRequest(f'invalid resource version: resourceVersion: Invalid value: "{text}": must be a number')
    return int(text)


def _token(prefix: str, last: str, revision: int, left: int = 0) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(_Token(revision, last[len(prefix) :], left=left))).decode().rstrip("=")


def _read_token(text: str) -> _Token:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Token)
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadRequest(f"invalid continue token: continue key is not valid: {error}") from error
