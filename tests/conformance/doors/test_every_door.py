"""Every endpoint without, with wrong, with expired and with other people's credentials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import aiohttp
import pytest

from boatyard.server.auth.authenticate import PUBLIC

from .house import CANARY, ENCODED, TEAM, Credential, House

FIXED = (
    "/",
    "/api",
    "/apis",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/nothing",
    "/version/x",
    "/logs/x",
    "/healthz/etcd",
    "/api/v1",
    "/apis/x/v1",
)
METHODS = {"get": "GET", "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE", "list": "GET", "watch": "GET"}
ANYBODY = {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}
"""What every known caller may ask."""


class Door(NamedTuple):
    """One call. ``{name}`` stands for an object's name."""

    method: str
    path: str
    plural: str = ""


def doors(kinds: Any) -> Iterator[Door]:
    """Every verb on every served type and subresource, and what isn't a type."""
    for kind in kinds.all():
        resource = kind.resource
        many = resource.path(TEAM if resource.namespaced else None)
        for verb in kind.verbs:
            if verb in ("list", "watch", "create", "deletecollection"):
                query = "?watch=true&timeoutSeconds=1" if verb == "watch" else ""
                yield Door(METHODS.get(verb, "DELETE"), many + query, resource.plural)
            else:
                yield Door(METHODS[verb], many + "/{name}", resource.plural)
        for subresource in kind.subresources:
            for method in ("GET", "PUT", "PATCH", "POST"):
                yield Door(method, f"{many}/{{name}}/{subresource}", resource.plural)
        if resource.namespaced:
            yield Door("GET", resource.path(None), resource.plural)
    for path in FIXED:
        yield Door("GET", path)
        yield Door("POST", path)
    yield Door("GET", f"/apis/apps/v1/namespaces/{TEAM}/deployments/{{name}}")
    yield Door("PUT", f"/api/v1/namespaces/{TEAM}/secrets")


async def ask(http: aiohttp.ClientSession, door: Door, name: str = "there") -> tuple[int, str]:
    body = b"{" if door.method in ("POST", "PUT", "PATCH") else None  # who has no right isn't even told that it is no JSON
    async with http.request(door.method, door.path.replace("{name}", name), data=body) as response:
        return response.status, (await response.read()).decode()


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.long)])
async def test_strangers_stay_outside(house: House, step: int) -> None:
    """Without credentials every door is tried; with wrong ones every fifth, another one each time."""
    every = list(doors(house.client.registry.kinds))
    assert len(every) > 250
    for number, shown in enumerate(await house.strangers()):
        async with house.session(house.api.address, shown) as http:
            if not shown.enters:
                with pytest.raises(aiohttp.ClientError):
                    await ask(http, Door("GET", "/version"))
                continue
            for door in every if not number else every[number % step :: step]:
                code, text = await ask(http, door)
                if shown.name == "nothing" and door.path.partition("?")[0].startswith(PUBLIC) and door.path != "/version/x":
                    assert code in (200, 404), (shown.name, door)
                    continue
                assert code == 401, (shown.name, door, text)
                assert '"reason":"Unauthorized"' in text and CANARY not in text
            for path in PUBLIC:
                code, _ = await ask(http, Door("GET", path))
                assert code == (200 if shown.name == "nothing" else 401), (shown.name, path)


async def test_neighbours_hear_nothing_of_what_is_there(house: House) -> None:
    """403, in words that are the same for what exists and what doesn't; what they may see is what every one of them may."""
    for shown in await house.neighbours():
        async with house.session(house.api.address, shown) as http:
            for door in doors(house.client.registry.kinds):
                code, text = await ask(http, door)
                assert CANARY not in text and ENCODED not in text, (shown.name, door)
                if code == 403 and not (shown.name == "another node" and door.plural == "pods"):  # see NodeAccess
                    other = await ask(http, door, "nope")
                    assert other == (403, text.replace('"there"', '"nope"').replace('\\"there\\"', '\\"nope\\"')), (
                        shown.name,
                        door,
                    )
                    continue
                assert code == 403 or _open_to(shown, door), (shown.name, door, code, text)


def _open_to(shown: Credential, door: Door) -> bool:
    if not door.plural:
        return door.path in (
            "/",
            "/api",
            "/apis",
            "/openapi/v2",
            "/openapi/v3",
            "/api/v1",
            "/apis/x/v1",
            "/healthz/etcd",
        ) or door.path.startswith(PUBLIC)
    if door.plural in ANYBODY:
        return door.method == "POST"
    if shown.name != "another node":
        return False
    reads = door.method == "GET" and door.plural in (
        "services",
        "nodes",
        "namespaces",
        "persistentvolumes",
        "endpointslices",
        "events",
        "certificatesigningrequests",
    )
    writes = door.plural in ("events", "certificatesigningrequests", "nodes", "tokenreviews", "subjectaccessreviews", "leases")
    return reads or (writes and door.method in ("POST", "PUT", "PATCH"))


async def test_a_node_reaches_no_other_nodes_secrets_pods_or_status(house: House) -> None:
    pod, node = f"/api/v1/namespaces/{TEAM}/pods/there", "/api/v1/nodes/n1"
    n1, n2 = (Credential(name, house.pki.node(name)) for name in ("n1", "n2"))
    own = [Door("GET", f"/api/v1/namespaces/{TEAM}/secrets/there"), Door("GET", pod), Door("GET", f"{pod}/status")]
    forbidden = [
        *own,
        Door("PUT", f"{pod}/status"),
        Door("DELETE", pod),
        Door("PATCH", node),
        Door("PUT", f"{node}/status"),
        Door("POST", f"{pod}/exec"),
    ]
    for door in forbidden:
        async with house.session(house.api.address, n2) as http:
            assert (await ask(http, door))[0] == 403, door
    for door in own:
        async with house.session(house.api.address, n1) as http:
            assert (await ask(http, door))[0] == 200, door


KUBELET = [
    Door(method, path)
    for method in ("GET", "POST", "DELETE")
    for path in (
        "/healthz",
        "/pods",
        "/metrics",
        f"/containerLogs/{TEAM}/there/main",
        f"/exec/{TEAM}/there/main?command=id",
        "/nothing",
        "/run/x",
    )
]


async def test_a_node_agent_listens_to_the_api_server_only(house: House) -> None:
    cert_of = {
        "the administrator": house.pki.admin(),
        "another node": house.pki.node("n2"),
        "the node itself": house.pki.node("n1"),
    }
    known = [Credential(name, pair) for name, pair in cert_of.items()]
    for shown in [*await house.strangers(), *known]:
        async with house.session(house.kubelet_url, shown) as http:
            for door in KUBELET:
                try:
                    code, text = await ask(http, door)
                except (aiohttp.ClientError, OSError):
                    assert shown.pair is None or not shown.enters, (shown.name, door)
                    break
                assert code == 403 and CANARY not in text, (shown.name, door, code)
    async with house.session(house.kubelet_url, Credential("the server", house.pki.kubelet_client())) as http:
        assert (await ask(http, Door("GET", "/healthz"))) == (200, "ok")


GATEWAY = [
    ("GET", "/", 401),
    ("GET", "/ci/team/shop", 404),
    ("GET", "/ci/team/shop/builds/1", 404),
    ("POST", "/ci/team/shop/hooks/gitea", 404),
    ("POST", "/-/login", 403),
    ("GET", "/-/login?token=x", 200),
    ("PUT", "/-/artifacts/team/shop/1/1/a.txt", 401),
    ("GET", "/-/artifacts/team/shop/1/1/a.txt", 405),
    ("GET", "/-/nothing", 404),
    ("GET", "/healthz", 200),
    ("POST", "/healthz", 200),
    ("PUT", "/", 404),
    ("GET", "/api/v1/secrets", 404),
]


async def test_the_front_door_lets_nobody_in_without_a_session(house: House) -> None:
    cookies = ("", "x", "a.b.c", "admin.9999999999.AAAA", "\x00", "ü")
    for cookie in cookies:
        async with house.session(house.gateway_url, Credential("browser")) as http:
            for method, path, expected in GATEWAY:
                headers = {"Cookie": f"boatyard_session={cookie}"} if cookie.isprintable() and cookie.isascii() and cookie else {}
                async with http.request(method, path, headers=headers, data=b"x" if method != "GET" else None) as response:
                    text = await response.text()
                assert CANARY not in text
                assert response.status in (expected, 400, 401, 403, 404, 405), (method, path, response.status)
                assert response.status >= 400 or expected == 200, (method, path, response.status)


async def test_a_ci_servers_port_is_for_the_front_door(house: House) -> None:
    paths = [
        "/",
        "/builds/1",
        "/builds/1/log/x",
        "/builds/1/artifacts/1/a",
        "/metrics",
        "/events",
        "/static/style.css",
        "/nothing",
        "/ci/team/shop/",
    ]
    async with aiohttp.ClientSession(house.ciserver_url) as http:
        for token in ("", "wrong", CANARY[:-1], CANARY + "x"):
            for path in paths:
                for method in ("GET", "POST"):
                    async with http.request(method, path, headers={"X-Boatyard-Gateway-Token": token}) as response:
                        assert response.status == 403 and CANARY not in await response.text(), (path, token)
