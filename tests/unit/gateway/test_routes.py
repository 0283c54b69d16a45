"""Which Service a request is for."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.gateway.endpoints import Endpoint, NoEndpoint, endpoints
from boatyard.gateway.routes import route_table


def ingress(name: str, *rules: tuple[str, str, str], ingress_class: str | None = "boatyard", **metadata: Any) -> dict[str, Any]:
    """Rules are (host, path, service); a path that begins with ``=`` is exact."""
    spec: dict[str, Any] = {"rules": []}
    for host, path, service in rules:
        kind = "Exact" if path.startswith("=") else "Prefix"
        backend = {"service": {"name": service, "port": {"name": "http"}}}
        rule: dict[str, Any] = {"http": {"paths": [{"path": path.removeprefix("="), "pathType": kind, "backend": backend}]}}
        spec["rules"].append({"host": host, **rule} if host else rule)
    if ingress_class:
        spec["ingressClassName"] = ingress_class
    return {"metadata": {"name": name, "namespace": "team", **metadata}, "spec": spec}


TABLE = route_table([
    ingress("a", ("", "/ci/team/a", "a"), ("a.team.boatyard.localhost", "/", "a-host")),
    ingress("ab", ("", "/ci/team/ab", "ab"), ("", "/ci/team/ab/deep/", "deep"), ("", "=/ci/team/ab/deep", "exact")),
    ingress("wild", ("*.boatyard.localhost", "/", "wild"), ("other.example", "/x", "x")),
    ingress("foreign", ("", "/", "foreign"), ingress_class="nginx"),
])  # fmt: skip


@pytest.mark.parametrize(
    ("host", "path", "service"),
    [
        ("127.0.0.1:8443", "/ci/team/a", "a"),
        ("127.0.0.1:8443", "/ci/team/a/builds/1", "a"),
        ("127.0.0.1:8443", "/ci/team/ab/x", "ab"),
        ("127.0.0.1:8443", "/ci/team/ab/deep/x", "deep"),
        ("127.0.0.1:8443", "/ci/team/ab/deep", "exact"),
        ("127.0.0.1:8443", "/ci/team/abc", None),
        ("[::1]:8443", "/ci/team/a", "a"),
        ("A.Team.Boatyard.Localhost:8443", "/anything", "a-host"),
        ("b.boatyard.localhost", "/", "wild"),
        ("b.c.boatyard.localhost", "/", None),
        ("other.example", "/x/y", "x"),
        ("other.example", "/ci/team/a", "a"),
        ("nowhere", "/", None),
        ("", "/", None),
    ],
)
def test_the_best_route_wins(host: str, path: str, service: str | None):
    route = TABLE.match(host, path)
    assert (route.service if route else None) == service


def test_of_two_equal_routes_the_older_ingress_wins():
    new = ingress("a-new", ("", "/x", "new"), creationTimestamp="2026-02-01T00:00:00Z")
    old = ingress("z-old", ("", "/x", "old"), creationTimestamp="2026-01-01T00:00:00Z")
    route = route_table([new, old]).match("h", "/x")
    assert route is not None and route.service == "old"


def test_a_default_backend_gets_what_nobody_else_wants_and_a_broken_ingress_nothing():
    backend = {"service": {"name": "d", "port": {"number": 8}}}
    table = route_table([
        {"metadata": {"name": "d", "namespace": "n"}, "spec": {"defaultBackend": backend}},
        {"metadata": {"name": "e", "namespace": "n"}, "spec": {"rules": [{"http": {"paths": [{"path": "/", "backend": {}}]}}]}},
        {"metadata": {"name": "f", "namespace": "n"}},
    ])  # fmt: skip
    route = table.match("h", "/any")
    assert route is not None and (route.service, route.port) == ("d", 8)


def test_nobody_takes_over_the_addresses_of_another_namespaces_instances():
    theirs = ingress("ci-shop", ("", "/ci/team/shop", "theirs"), ("shop.team.boats.test", "/", "theirs"), namespace="team")
    taken = [("", "/ci/team/shop/hooks", "stolen"), ("ci.example.org", "/", "page"), ("ci.example.org", "/ci/team/shop", "stolen"),
             ("shop.team.boats.test", "/hooks", "stolen"), ("*.team.boats.test", "/", "stolen"), ("", "/ci", "stolen")]  # fmt: skip
    table = route_table([theirs, ingress("evil", *taken, namespace="evil")], "boats.test")
    for host, path in (
        ("ci.example.org", "/ci/team/shop/hooks/gitea"),
        ("x", "/ci/team/shop/"),
        ("shop.team.boats.test", "/hooks/gitea"),
    ):
        found = table.match(host, path)
        assert found is not None and found.service == "theirs", (host, path)
    assert table.match("other.team.boats.test", "/") is None
    page = table.match("ci.example.org", "/about")
    assert page is not None and page.service == "page"


def test_the_rest_of_a_path_is_what_lies_below_the_route():
    route = TABLE.match("h", "/ci/team/a/hooks/gitea")
    assert route is not None
    assert route.rest("/ci/team/a/hooks/gitea") == "/hooks/gitea" and route.rest("/ci/team/a") == "/"


SERVICE = {"metadata": {"name": "a"}, "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 20001}]}}


def piece(*entries: dict[str, Any], name: str = "a-1", port: int | None = 20001, port_name: str = "http") -> dict[str, Any]:
    ports = [{"name": port_name, "port": port}] if port else []
    return {"metadata": {"name": name}, "ports": ports, "endpoints": list(entries)}


def test_ready_endpoints_of_the_port():
    ready, absent = {"addresses": ["10.0.0.1"], "conditions": {"ready": True}}, {"addresses": ["fd00::1"]}
    away = {"addresses": ["10.0.0.9"], "conditions": {"ready": False}}
    found = endpoints(SERVICE, "a", "http", [piece(ready, away), piece(absent, name="a-0"), piece(ready, port_name="other")])
    assert found == [Endpoint("fd00::1", 20001), Endpoint("10.0.0.1", 20001)]
    assert [one.authority for one in found] == ["[fd00::1]:20001", "10.0.0.1:20001"]
    assert endpoints(SERVICE, "a", 80, [piece(ready)]) == [Endpoint("10.0.0.1", 20001)]


@pytest.mark.parametrize(
    ("service", "port", "pieces", "why"),
    [
        (None, "http", [], "does not exist"),
        (SERVICE, "grpc", [], "no port grpc"),
        (SERVICE, "http", [], "no pod serves"),
        (SERVICE, "http", [piece({"addresses": ["1.2.3.4"], "conditions": {"ready": False}})], "none of them ready"),
        (SERVICE, "http", [piece({"addresses": ["1.2.3.4"]}, port=None)], "no pod serves"),
    ],
)
def test_no_endpoint_says_why(service: Any, port: Any, pieces: Any, why: str):
    with pytest.raises(NoEndpoint, match=why):
        endpoints(service, "a", port, pieces)
