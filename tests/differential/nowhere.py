"""Addresses and methods that aren't there."""

from __future__ import annotations

from .call import MERGE, Call
from .documents import Draw, right
from .draw import chance, of
from .kinds import Fuzzed

ODD: tuple[tuple[str, str], ...] = (
    ("GET", "/api/v1/namespaces/@{ns}/nopes"),
    ("GET", "/apis/nope.example.com/v1/x"),
    ("GET", "/api/v9/pods"),
    ("POST", "/api/v1/configmaps"),
    ("PUT", "/api/v1/namespaces/@{ns}/configmaps"),
    ("PATCH", "/api/v1/namespaces/@{ns}/configmaps"),
    ("GET", "/api/v1/namespaces/@{ns}/configmaps/a/nope"),
    ("POST", "/api/v1/namespaces/@{ns}/configmaps/a"),
    ("DELETE", "/api/v1/namespaces/@{ns}/pods/a/status"),
    ("GET", "/api/v1/pods/a"),
    ("HEAD", "/api/v1/namespaces/@{ns}/configmaps/a"),
    ("OPTIONS", "/api/v1/namespaces/@{ns}/configmaps"),
    ("GET", "/apis/apps/v1/nope"),
    ("GET", "/api/v1/namespaces/@{ns}/configmaps/a/scale"),
    ("GET", "/nope"),
    ("GET", "/api/v1/namespaces/nope-@{ns}/configmaps"),
    ("GET", "/api/v1/namespaces/@{ns}/namespaces"),
    ("GET", "/api/v1/nodes/nope-@{ns}"),
    ("DELETE", "/api/v1/namespaces"),
    ("GET", "/apis/fuzz.example.com/v2/widgets"),
    ("GET", "/api/v1/namespaces/@{ns}/pods/nope/log"),
    ("TRACE", "/api/v1/pods"),
    ("GET", "/api/v1/namespaces/@{ns}/configmaps/a%2Fb"),
    ("GET", "/api/v1/namespaces/@{ns}/configmaps/A_"),
    ("GET", "/api/v1//pods"),
    ("DELETE", "/api/v1/configmaps"),
    ("PATCH", "/api/v1/namespaces/@{ns}/configmaps/a"),
    ("GET", "/api/v1/namespaces/@{ns}/configmaps/"),
)


def odd(draw: Draw, kind: Fuzzed, name: str) -> Call:
    """An address or a method that isn't there."""
    if chance(draw, 20):
        path = kind.path.replace("@{ns}", "nope-@{ns}")
        return Call("odd", "POST", path, (), right(draw, kind, name))
    method, path = of(draw, ODD)
    body = {"a": 1} if method in ("POST", "PUT", "PATCH") else None
    return Call("odd", method, path, (), body, of(draw, ("", MERGE, "text/x")) if body else "")
