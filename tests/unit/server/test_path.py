"""Addresses taken apart."""

from __future__ import annotations

import pytest

from boatyard.server.path import ResourcePath, parse


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/api/v1/pods", ("", "v1", "pods")),
        ("/api/v1/namespaces", ("", "v1", "namespaces")),
        ("/api/v1/namespaces/a", ("", "v1", "namespaces", "", "a")),
        ("/api/v1/namespaces/a/status", ("", "v1", "namespaces", "", "a", "status")),
        ("/api/v1/namespaces/a/finalize", ("", "v1", "namespaces", "", "a", "finalize")),
        ("/api/v1/namespaces/a/pods", ("", "v1", "pods", "a")),
        ("/api/v1/namespaces/a/pods/p/log", ("", "v1", "pods", "a", "p", "log")),
        ("/api/v1/namespaces/a/services/s/proxy/x/y", ("", "v1", "services", "a", "s", "proxy", "x/y")),
        ("/apis/x.dev/v1/widgets/w/scale", ("x.dev", "v1", "widgets", "", "w", "scale")),
        ("/apis/x.dev/v1/namespaces/a/status/s", ("x.dev", "v1", "status", "a", "s")),
        ("/apis/x.dev/v1", ("x.dev", "v1")),
        ("/api/v1/", ("", "v1")),
    ],
)
def test_resource_addresses(path: str, parts: tuple[str, ...]) -> None:
    assert parse(path) == ResourcePath(*parts)


@pytest.mark.parametrize("path", ["/", "/api", "/apis", "/apis/x.dev", "/version", "/openapi/v3/api/v1"])
def test_other_addresses(path: str) -> None:
    assert parse(path) is None
