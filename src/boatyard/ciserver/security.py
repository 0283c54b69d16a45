"""What keeps a page from harming who looks at it, and a stranger's page from pressing its buttons."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""On every page."""
FILE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On what a build made: never more than bytes to save."""
GATEWAY_HEADER = "x-boatyard-gateway-token"
USER_HEADER = "x-boatyard-user"


class Doorkeeper:
    """Knows the gateway by its token, and forms by theirs."""

    def __init__(self, gateway_token: str, key: bytes) -> None:
        self._gateway_token, self._key = gateway_token.encode(), key

    def from_gateway(self, headers: Mapping[str, str]) -> bool:
        """Whether the request came through the gateway; without a token of its own nobody's did."""
        given = headers.get(GATEWAY_HEADER, "").encode("utf-8", "replace")
        return bool(self._gateway_token) and hmac.compare_digest(given, self._gateway_token)

    def form_token(self, user: str) -> str:
        """What a form of this user's page carries."""
        return hmac.new(self._key, b"form:" + user.encode(), hashlib.sha256).hexdigest()

    def from_our_page(self, headers: Mapping[str, str], token: str) -> bool:
        """Whether a POST comes from a page of ours that its user was shown."""
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.form_token(headers.get(USER_HEADER, "")).encode())
