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

    def issue(
        self, account: Object, *, audiences: tuple[str, ...] = (), seconds: int | None = None, bound: Object | None = None
    ) -> IssuedToken:
        """A token of ``account`` for ``audiences`` (none: the API itself), as long as ``bound`` (a Pod or Secret) exists."""
        ...

    def verify(self, token: str, audiences: tuple[str, ...] = ()) -> VerifiedToken:
        """Raises Unauthorized."""
        ...
