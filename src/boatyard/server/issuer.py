"""Who issues service-account tokens, and by which keys they are known: for others who check them (OpenID Connect Discovery 1.0).

As Kubernetes serves it (``pkg/serviceaccount/openidmetadata.go``), to whoever RBAC lets: every service account.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from aiohttp import web

from boatyard.machinery.meta.errors import MethodNotAllowed
from boatyard.server.auth.tokens import ISSUER, ServiceAccountTokens
from boatyard.server.call import Call

CONFIGURATION, KEYS = "/.well-known/openid-configuration", "/openid/v1/jwks"
KEPT = "public, max-age=3600"
"""So long may others remember the keys: a new one signs at once, and is asked for when it is met."""


class Issuer:
    """``address`` gives the server's own, ``https://host:port``."""

    def __init__(self, tokens: ServiceAccountTokens, address: Callable[[], str]) -> None:
        self._tokens, self._address = tokens, address

    def answer(self, call: Call) -> web.Response | None:
        """The answer, or None when the address is another. Raises MethodNotAllowed."""
        path = call.request.path.rstrip("/")
        if path not in (CONFIGURATION, KEYS):
            return None
        if call.request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        if path == CONFIGURATION:
            told = {
                "issuer": ISSUER, "jwks_uri": self._address() + KEYS, "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
            }  # fmt: skip
            return _said(told, "application/json")
        return _said({"keys": self._tokens.keys.published()}, "application/jwk-set+json")


def _said(document: object, type: str) -> web.Response:
    return web.Response(body=msgspec.json.encode(document), headers={"Content-Type": type, "Cache-Control": KEPT})
