"""The port to a source-code management system: what it delivers by webhook, and what is reported back to it.

One file in this folder per type; it holds ``def adapter(settings, http) -> Scm`` and is found by its name (:func:`load`).
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from boatyard.ci.scm.events import Event
from boatyard.ci.scm.http import Http

State = Literal["pending", "success", "failure", "error"]


class Unsigned(Exception):
    """The delivery carries no signature."""


class BadSignature(Exception):
    """The delivery's signature is not one of ours."""


class Unavailable(Exception):
    """The SCM can't be reached, is overloaded or doesn't know the token: the same call may work later."""


class Refused(Exception):
    """The SCM answered and won't do it: repeating the call changes nothing until somebody changes the settings."""


@dataclass(frozen=True, slots=True)
class ScmSettings:
    """What a ``CiConfig`` and its Secrets say of the SCM."""

    repository_url: str
    """Where git fetches."""
    url: str = ""
    """The SCM's own address; taken from ``repository_url`` when empty."""
    repository: str = ""
    """``owner/name``; taken from ``repository_url`` when empty."""
    token: str = field(default="", repr=False)
    """For the SCM's API."""
    webhook_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    """Any of them may sign a delivery (more than one during a rotation). None: every delivery is refused."""
    callback_url: str = ""
    """Where ``generic`` reports to."""


@dataclass(frozen=True, slots=True)
class Report:
    """One word about one commit. ``context`` and ``target_url`` together name the build it is about."""

    sha: str
    context: str
    state: State
    description: str
    target_url: str
    key: str
    """Idempotency key: the same for every try of this report, another for every other report."""
    build: str = ""
    number: int = 0
    ref: str = ""
    pull_request: int = 0


class Scm(Protocol):
    """One repository on one SCM."""

    listens: bool
    """Whether there is anybody to report to."""
    lists_statuses: bool
    """Whether :meth:`reported` can tell. If not, reports are at least once, with an idempotency key."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Check the signature; header names are lower case. Raises Unsigned, BadSignature."""
        ...

    def delivery_id(self, headers: Mapping[str, str]) -> str:
        """What tells this delivery from every other one, and is the same when it is repeated; empty when absent."""
        ...

    def event(self, headers: Mapping[str, str], body: bytes) -> Event:
        """What the delivery means. Raises Malformed."""
        ...

    def problems(self) -> list[str]:
        """What is missing in the settings for reports to work, with the field's path."""
        ...

    async def reported(self, report: Report) -> bool:
        """Whether the SCM already shows this report. Raises Unavailable, Refused."""
        ...

    async def report(self, report: Report) -> None:
        """Post it. Raises Unavailable (it may or may not have arrived), Refused."""
        ...


class UnknownScm(Exception):
    """No file of this folder serves the SCM type asked for."""


def load(type: str, settings: ScmSettings, http: Http) -> Scm:
    """The SCM of a type (``gitea``, ``generic``). Raises UnknownScm."""
    if not re.fullmatch(r"[a-z]+", type):
        raise UnknownScm(f"no such SCM type: {type!r}")
    try:
        module = importlib.import_module(f"boatyard.ci.scm.{type}")
        return module.adapter(settings, http)
    except (ModuleNotFoundError, AttributeError) as error:
        raise UnknownScm(f"this version can't talk to an SCM of type {type!r}") from error


def verify_hmac_sha256(signature: str, body: bytes, secrets: tuple[bytes, ...]) -> None:
    """Check a hexadecimal HMAC-SHA256 of the body, in constant time. Raises Unsigned, BadSignature."""
    if not signature:
        raise Unsigned
    given = signature.strip().lower().encode("ascii", "replace")
    matches = [hmac.compare_digest(sign_hmac_sha256(secret, body).encode(), given) for secret in secrets if secret]
    if not any(matches):
        raise BadSignature


def sign_hmac_sha256(secret: bytes, body: bytes) -> str:
    """The hexadecimal HMAC-SHA256 of the body."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def owner_and_name(repository_url: str) -> str:
    """``owner/name`` at the end of a repository's address (https, ssh or scp form), without ``.git``; empty when there is none."""
    path = re.sub(r"^[a-z+]+://[^/]*", "", repository_url) if "://" in repository_url else repository_url.rpartition(":")[2]
    parts = [part for part in path.split("/") if part]
    return "/".join(parts[-2:]).removesuffix(".git") if len(parts) >= 2 else ""


def origin(repository_url: str) -> str:
    """``scheme://host[:port]`` plus the path before ``owner/name`` of an http(s) repository address; empty for others."""
    match = re.match(r"(https?://)(?:[^/@]*@)?([^/]+)((?:/[^/]+)*?)/[^/]+/[^/]+/?$", repository_url)
    return "".join(match.groups()) if match else ""
