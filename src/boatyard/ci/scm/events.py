"""What a webhook can mean to a CI server, in words of no SCM in particular.

An event is data from outside that was signed, not trusted: names and hashes are checked when it is made (:func:`checked_sha`,
:func:`checked_ref`), so whoever holds one may hand them to git.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import msgspec

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|/$|\.$")
_MAX_TEXT = 500


class Malformed(ValueError):
    """The delivery's body is not what its event should be."""


class Push(msgspec.Struct, frozen=True, tag="push", kw_only=True):
    """A branch or tag moved, appeared or went away."""

    ref: str
    """Full name, e.g. ``refs/heads/main``."""
    before: str = ""
    """Empty when the ref is new."""
    after: str = ""
    """Empty when the ref was deleted."""
    subject: str = ""
    author: str = ""
    sender: str = ""

    @property
    def deleted(self) -> bool:
        return not self.after


class PullRequest(msgspec.Struct, frozen=True, tag="pullRequest", kw_only=True):
    """A pull request has a head to test: it was opened, got commits or another target."""

    number: int
    head_sha: str
    head_ref: str
    """Where the head can be fetched, e.g. ``refs/pull/3/head``."""
    target_ref: str
    """Full name of the branch it shall be merged into."""
    target_sha: str = ""
    """That branch's commit at the time of the event; empty when the SCM didn't say."""
    source_branch: str = ""
    fork: bool = False
    """The head lies in another repository: its author has no right to run anything here."""
    title: str = ""
    author: str = ""
    sender: str = ""


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """The SCM asks whether anybody is there."""


class Ignored(msgspec.Struct, frozen=True, tag="ignored"):
    """A delivery that is fine and means nothing here."""

    reason: str


Event: TypeAlias = Push | PullRequest | Ping | Ignored
Trigger: TypeAlias = Push | PullRequest
"""Events that may become a build."""

_TRIGGERS = msgspec.json.Decoder(Push | PullRequest)


def encode(event: Trigger) -> bytes:
    """The event as JSON, for a database."""
    return msgspec.json.encode(event)


def decode(data: bytes | str) -> Trigger:
    """The event that :func:`encode` wrote."""
    return _TRIGGERS.decode(data)


def checked_sha(value: Any, path: str, *, required: bool = True) -> str:
    """A commit's full hash in lower case; empty for none or the null hash. Raises Malformed."""
    if value is None or value == "":
        if required:
            raise Malformed(f"{path}: required")
        return ""
    if not isinstance(value, str) or not _SHA.fullmatch(value):
        raise Malformed(f"{path}: must be a full hash of 40 or 64 lower-case hexadecimal digits")
    return "" if not value.strip("0") else value


def checked_ref(value: Any, path: str, *, prefix: str = "refs/heads/") -> str:
    """A full ref name, by the rules of ``git check-ref-format``; a short one gets ``prefix``. Raises Malformed."""
    if not isinstance(value, str) or not value:
        raise Malformed(f"{path}: required, a ref such as refs/heads/main")
    ref = value if value.startswith("refs/") else prefix + value
    if len(ref) > 1000 or _BAD_REF.search(ref) or any(part.startswith(("-", ".")) or not part for part in ref.split("/")):
        raise Malformed(f"{path}: not a valid ref name")
    return ref


def text(value: Any, limit: int = _MAX_TEXT) -> str:
    """A harmless single line of somebody's text: the first line, without control characters, at most ``limit`` characters."""
    if not isinstance(value, str):
        return ""
    line = value.strip().split("\n", 1)[0]
    return "".join(c for c in line if c.isprintable())[:limit]


def mapping(value: Any, path: str) -> dict[str, Any]:
    """``value`` when it is an object. Raises Malformed."""
    if not isinstance(value, dict):
        raise Malformed(f"{path}: must be an object")
    return value


def positive(value: Any, path: str) -> int:
    """``value`` when it is a number from 1 to a billion. Raises Malformed."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 1_000_000_000:
        raise Malformed(f"{path}: must be a positive number")
    return value
