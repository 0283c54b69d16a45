"""What a proxy may pass on (RFC 9110, section 7.6.1) and what it says of itself. Pure."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

from multidict import CIMultiDict, CIMultiDictProxy

HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip
_OURS = ("x-boatyard-user", "x-boatyard-gateway-token", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
         "x-forwarded-port", "x-forwarded-prefix", "x-real-ip")  # fmt: skip
_WEBSOCKET = "sec-websocket-"


def passed_on(headers: CIMultiDictProxy[str] | CIMultiDict[str]) -> CIMultiDict[str]:
    """The end-to-end headers."""
    named = {name.strip().lower() for value in headers.getall("Connection", []) for name in value.split(",")}
    kept: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        lower = name.lower()
        if lower not in HOP_BY_HOP and lower not in named:
            kept.add(name, value)
    return kept


def request_headers(
    headers: CIMultiDictProxy[str], *, peer: str, scheme: str, host: str, prefix: str, user: str, token: str, cookie: str
) -> CIMultiDict[str]:
    """The headers of a request on its way in: whatever only the gateway may say is the gateway's, its own cookie stays here."""
    kept = passed_on(headers)
    for name in list(kept):
        if name.lower() in _OURS or name.lower().startswith(_WEBSOCKET) or name.lower() == "expect":
            kept.popall(name, None)
    others = _without(kept.popall("Cookie", []), cookie)
    if others:
        kept["Cookie"] = others
    kept["X-Forwarded-For"] = peer
    kept["X-Forwarded-Proto"] = scheme
    kept["X-Forwarded-Host"] = host
    if prefix:
        kept["X-Forwarded-Prefix"] = prefix
    if user:
        kept["X-Boatyard-User"] = user
    if token:
        kept["X-Boatyard-Gateway-Token"] = token
    return kept


def cookie_value(headers: CIMultiDictProxy[str], name: str) -> str:
    """A cookie's value, or empty."""
    for header in headers.getall("Cookie", []):
        for part in header.split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
    return ""


def set_cookie(name: str, value: str, *, max_age: int, secure: bool) -> str:
    """The value of a Set-Cookie header for a session. Raises ValueError."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar[name] = value
    except CookieError as error:
        raise ValueError(str(error)) from error
    morsel = jar[name]
    morsel["path"], morsel["max-age"], morsel["httponly"], morsel["samesite"] = "/", max_age, True, "Lax"
    if secure:
        morsel["secure"] = True
    return morsel.OutputString()


def _without(cookies: list[str], name: str) -> str:
    parts = [part.strip() for header in cookies for part in header.split(";")]
    return "; ".join(part for part in parts if part and part.partition("=")[0] != name)
