"""Who is calling: a client certificate of our CA, or a bearer token."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from boatyard.machinery.meta.errors import Unauthorized
from boatyard.machinery.registry.caller import ANONYMOUS, Caller
from boatyard.server.auth.tokens import ServiceAccountTokens

AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
PUBLIC = ("/healthz", "/livez", "/readyz", "/version")
"""What anybody may ask."""


class Authenticator:
    """Turns a request into a caller."""

    def __init__(self, tokens: ServiceAccountTokens) -> None:
        self._tokens = tokens

    def caller(self, request: web.Request) -> Caller:
        """Raises Unauthorized. A certificate counts before a token; a token that doesn't hold is never overlooked."""
        certificate = request.transport.get_extra_info("peercert") if request.transport else None
        if certificate:
            return certificate_caller(certificate)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return self._tokens.verify(token.strip()).caller
        if scheme:
            raise Unauthorized("Unauthorized: only client certificates and bearer tokens are taken")
        if public(request.path):
            return ANONYMOUS
        raise Unauthorized("Unauthorized")


def public(path: str) -> bool:
    """Whether an address is open to everybody."""
    return path in PUBLIC or path.startswith(("/livez/", "/readyz/", "/healthz/"))


def certificate_caller(certificate: dict[str, Any]) -> Caller:
    """The user of a verified client certificate: common name and organizations of its subject, as Kubernetes reads them."""
    name, groups = "", []
    for relative in certificate.get("subject", ()):
        for key, value in relative:
            if key == "commonName":
                name = value
            elif key == "organizationName":
                groups.append(value)
    if not name:
        raise Unauthorized("the client certificate has no common name")
    return Caller(name, (*groups, AUTHENTICATED) if AUTHENTICATED not in groups else tuple(groups))
