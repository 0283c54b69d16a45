"""What a proxy passes on."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from boatyard.gateway import headers


def sent(*pairs: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(pairs))


def inward(*pairs: tuple[str, str], user: str = "ann", token: str = "t") -> CIMultiDict[str]:
    return headers.request_headers(
        sent(*pairs), peer="1.2.3.4", scheme="https", host="h:8443", prefix="/ci/a", user=user, token=token, cookie="session"
    )


def test_hop_by_hop_headers_end_here_also_those_that_connection_names():
    kept = inward(("Connection", "keep-alive, X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "5"), ("TE", "trailers"), ("Accept", "a"))
    assert "X-Hop" not in kept and "Keep-Alive" not in kept and "TE" not in kept and kept["Accept"] == "a"


def test_what_only_the_gateway_may_say_is_replaced_or_gone():
    kept = inward(("X-Forwarded-For", "evil"), ("X-Boatyard-User", "root"), ("Forwarded", "for=evil"))
    assert kept.getall("X-Forwarded-For") == ["1.2.3.4"] and kept.getall("X-Boatyard-User") == ["ann"] and "Forwarded" not in kept
    anonymous = inward(("x-boatyard-user", "root"), ("x-boatyard-gateway-token", "guess"), user="", token="")
    assert "X-Boatyard-User" not in anonymous and "X-Boatyard-Gateway-Token" not in anonymous
    assert anonymous["X-Forwarded-Proto"] == "https" and anonymous["X-Forwarded-Prefix"] == "/ci/a"


def test_the_gateways_own_cookie_stays_here():
    kept = inward(("Cookie", "a=1; session=secret; b=2"), ("Cookie", "session=again"))
    assert kept["Cookie"] == "a=1; b=2"
    assert "Cookie" not in inward(("Cookie", "session=secret"))


def test_reading_and_setting_cookies():
    assert headers.cookie_value(sent(("Cookie", "a=1; session=x=y")), "session") == "x=y"
    assert headers.cookie_value(sent(), "session") == ""
    told = headers.set_cookie("session", "v", max_age=60, secure=True)
    assert all(part in told for part in ("session=v", "HttpOnly", "Max-Age=60", "Path=/", "SameSite=Lax", "Secure"))
    assert "Secure" not in headers.set_cookie("session", "v", max_age=60, secure=False)


@pytest.mark.parametrize("name", ["Transfer-Encoding", "Upgrade", "Proxy-Authorization"])
def test_answers_are_cleaned_the_same_way(name: str):
    assert name not in headers.passed_on(CIMultiDict([(name, "x"), ("Set-Cookie", "a"), ("Set-Cookie", "b")]))
