"""The port to whoever signs and checks service-account tokens."""

from __future__ import annotations

from typing import Protocol

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.caller import Caller


class IssuedToken(Protocol):
    """A fresh token and when it ends, in seconds since the epoch."""

    @property
    def token(self) -> str: ...
    @property
    def expires(self) -> float: ...


class VerifiedToken(Protocol):
    """Who showed a token, and which of the audiences asked for it is meant for."""

    @property
    def caller(self) -> Caller: ...
    @property
    def audiences(self) -> tuple[str, ...]: ...


class TokenMinter(Protocol):
    """Issues and verifies."""

    @property
    def longest_seconds(self) -> int:
        """How long a token may be good for; who asks for more gets this."""
        ...

    @property
    def audiences(self) -> tuple[str, ...]:
        """For whom a token is that names nobody: the API itself."""
        ...

    def issue(
        self, account: Object, *, audiences: tuple[str, ...] = (), seconds: int | None = None, bound: Object | None = None,
        node: Object | None = None,
    ) -> IssuedToken:  # fmt: skip
        """A token of ``account`` for ``audiences`` (none: the API itself), as long as ``bound`` (a Pod, Secret or Node) exists;
        ``node`` is the one that a bound Pod is on."""
        ...

    def verify(self, token: str, audiences: tuple[str, ...] = ()) -> VerifiedToken:
        """Raises Unauthorized."""
        ...
