"""The front door, really listening, before a small instance."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from boatyard.ci.object_keys import uploads_key
from boatyard.ci.steps.upload import upload_token
from boatyard.gateway import front
from boatyard.gateway.front import Gateway
from boatyard.gateway.sessions import COOKIE, Sessions
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import ENDPOINT_SLICES, INGRESSES, NAMESPACES, SECRETS, SERVICES
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from boatyard.server.auth.pki import Pki

NAMESPACE = "team"
KEY = b"k" * 32


class Town:
    """A gateway, an API server without HTTP, and an instance ``shop`` that says what it was asked."""

    def __init__(self, tmp_path: Path) -> None:
        self.path, self.world = tmp_path, RealWorld()
        self.sessions = Sessions(b"s" * 32, tmp_path / "used", self.world)
        self.client: EmbeddedClient
        self.http: aiohttp.ClientSession
        self.url, self.port, self.instance_port = "", 0, 0
        self.trust: ssl.SSLContext
        self.release = asyncio.Event()
        self.objects = MemoryObjects()

    async def build(self) -> None:
        registry = Registry(MemoryStore(), self.world)
        await registry.start()
        self.client = EmbeddedClient(registry)
        await self.client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        await self._put(SERVICES, "ci-shop", spec={"ports": [{"name": "http", "port": 80, "targetPort": 20001}]})
        backend = {"service": {"name": "ci-shop", "port": {"name": "http"}}}
        rules = [
            {"http": {"paths": [{"path": "/ci/team/shop", "pathType": "Prefix", "backend": backend}]}},
            {"host": "shop.team.boatyard.localhost", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}},
        ]
        await self._put(INGRESSES, "ci-shop", spec={"rules": rules}, labels={"boatyard.dev/ciconfig": "shop"})
        await self._put(SECRETS, "ci-shop", data={"gateway-token": base64.b64encode(b"t0ken").decode()})

    async def _put(self, resource: Any, name: str, labels: dict[str, str] | None = None, **fields: Any) -> None:
        metadata = {"name": name, "namespace": NAMESPACE, "labels": labels or {}}
        body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **fields}
        await self.client.create(resource, body, NAMESPACE)

    async def serve(self, port: int | None = None) -> None:
        """Have the instance's endpoint known."""
        fields = {
            "addressType": "IPv4", "ports": [{"name": "http", "port": port or self.instance_port, "protocol": "TCP"}],
            "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
        }  # fmt: skip
        await self._put(ENDPOINT_SLICES, "ci-shop-1", labels={"kubernetes.io/service-name": "ci-shop"}, **fields)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.endswith("/stream"):
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await response.write(b"data: first\n\n")
            await self.release.wait()
            await response.write(b"data: second\n\n")
            return response
        if request.path.endswith("/broken"):
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b"half")
            assert request.transport
            request.transport.abort()
            return response
        if request.path.endswith("/ws"):
            socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
            await socket.prepare(request)
            async for message in socket:
                if message.data == "bye":
                    await socket.close(code=4001, message=b"told to")
                else:
                    await (
                        socket.send_str(message.data) if message.type is aiohttp.WSMsgType.TEXT else socket.send_bytes(message.data)
                    )
            return socket
        size = 0
        async for piece in request.content.iter_any():
            size += len(piece)
        told = {"path": request.raw_path, "method": request.method, "size": size, "headers": dict(request.headers)}
        response = web.json_response(told, status=201 if request.method == "POST" else 200)
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        return response

    def login(self) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.sessions.session('ann')}"}


@pytest.fixture
async def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.setattr(front, "CONNECTIONS", 20)
    made = Town(tmp_path)
    await made.build()
    runner = web.ServerRunner(web.Server(made.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.instance_port = runner.addresses[0][1]
    pki = Pki(tmp_path / "pki", made.world)
    pair = pki.server(["127.0.0.1"])
    settings = Settings(object_store=made.objects, secrets_key=KEY)
    listens = {"addresses": ["127.0.0.1"], "port": 0, "certificate": pair.cert, "key": pair.key}
    gateway = Gateway(made.client, made.world, settings, sessions=made.sessions, **listens)
    task = asyncio.create_task(gateway.run())
    await gateway.ready()
    made.port = gateway.ports["127.0.0.1"]
    made.url = f"https://127.0.0.1:{made.port}"
    made.trust = trust = ssl.create_default_context(cafile=str(pki.ca))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as made.http:
        yield made
    task.cancel()
    await asyncio.wait((task,))
    made.release.set()
    await runner.cleanup()


async def test_a_request_reaches_its_instance_as_it_was_with_what_the_gateway_adds(town: Town):
    await town.serve()
    async with town.http.get(f"{town.url}/ci/team/shop/builds/1?a=%20b&c", headers=town.login()) as answer:
        told = await answer.json()
        assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert told["path"] == "/ci/team/shop/builds/1?a=%20b&c"
    assert told["headers"]["X-Boatyard-User"] == "ann" and told["headers"]["X-Boatyard-Gateway-Token"] == "t0ken"
    assert told["headers"]["X-Forwarded-Prefix"] == "/ci/team/shop" and told["headers"]["X-Forwarded-Proto"] == "https"
    assert "Cookie" not in told["headers"] and told["headers"]["Host"] == town.url.removeprefix("https://")


async def test_by_host_there_is_no_prefix(town: Town):
    await town.serve()
    sent = {**town.login(), "Host": "shop.team.boatyard.localhost"}
    async with town.http.get(f"{town.url}/builds/1", headers=sent) as answer:
        told = await answer.json()
    assert told["path"] == "/builds/1" and "X-Forwarded-Prefix" not in told["headers"]


async def test_who_is_not_logged_in_gets_no_further_but_for_webhooks_and_health(town: Town):
    await town.serve()
    for path, method, status in (
        ("/ci/team/shop", "GET", 401),
        ("/ci/team/shop/builds/1/cancel", "POST", 401),
        ("/ci/team/shop/hooks/gitea", "GET", 401),
        ("/ci/team/shop/hooks/../builds", "POST", 401),
        ("/ci/team/shop/hooks/gitea", "POST", 201),
        ("/ci/team/shop/healthz", "GET", 200),
        ("/healthz", "GET", 200),
        ("/nothing", "GET", 404),
    ):
        async with town.http.request(method, town.url + path, headers={"X-Boatyard-User": "root"}) as answer:
            assert answer.status == status, path
            if status < 300 and path != "/healthz":
                assert "X-Boatyard-User" not in (await answer.json())["headers"]


async def test_who_is_logged_in_finds_the_instances_at_the_entrance(town: Town):
    async with town.http.get(f"{town.url}/") as answer:
        assert answer.status == 401
    async with town.http.get(f"{town.url}/", headers=town.login()) as answer:
        assert answer.status == 200 and '<a href="/ci/team/shop/">shop</a> <span>team</span>' in await answer.text()
    async with town.http.post(f"{town.url}/", headers=town.login()) as answer:
        assert answer.status == 404


async def test_a_login_link_makes_a_session_once_and_leads_only_here(town: Town):
    form = {"token": town.sessions.login_token("ann"), "to": "/ci/team/shop"}
    async with town.http.post(f"{town.url}/-/login", data=form, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/ci/team/shop")
        assert "HttpOnly" in answer.headers["Set-Cookie"] and "Secure" in answer.headers["Set-Cookie"]
    async with town.http.post(f"{town.url}/-/login", data=form, allow_redirects=False) as answer:
        assert answer.status == 403
    for evil in ("//evil.example", "https://evil.example", "/\\evil.example", "/\r\nX: y"):
        form = {"token": town.sessions.login_token("ann"), "to": evil}
        async with town.http.post(f"{town.url}/-/login", data=form, allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/"


async def test_opening_a_login_link_does_not_use_it_up(town: Town):
    link = {"token": town.sessions.login_token("<ann>"), "to": '/"><script>'}
    for _ in range(2):
        async with town.http.get(f"{town.url}/-/login", params=link) as answer:
            page = await answer.text()
            assert answer.status == 200 and "Set-Cookie" not in answer.headers
            assert "Log in as &lt;ann&gt;" in page and "<script>" not in page
    async with town.http.post(f"{town.url}/-/login", data=link, allow_redirects=False) as answer:
        assert answer.status == 303
    async with town.http.get(f"{town.url}/-/login", params=link) as answer:
        assert answer.status == 403


async def test_after_a_revocation_a_session_is_none(town: Town):
    old = town.login()
    town.sessions.revoke()
    async with town.http.get(f"{town.url}/", headers=old) as answer:
        assert answer.status == 401


async def test_events_flow_as_they_come(town: Town):
    await town.serve()
    async with town.http.get(f"{town.url}/ci/team/shop/stream", headers=town.login()) as answer:
        assert await asyncio.wait_for(answer.content.readline(), 30) == b"data: first\n"
        town.release.set()
        assert b"second" in await asyncio.wait_for(answer.content.read(), 30)


async def test_a_large_body_streams_in(town: Town):
    await town.serve()

    async def body() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 262_144

    async with town.http.post(f"{town.url}/ci/team/shop/hooks/gitea", data=body()) as answer:
        assert (await answer.json())["size"] == 64 * 262_144
    async with town.http.post(f"{town.url}/ci/team/shop/hooks/gitea", data=b"abc") as answer:
        assert (await answer.json())["headers"]["Content-Length"] == "3"


async def test_an_answer_that_breaks_off_looks_broken(town: Town):
    await town.serve()
    with pytest.raises(aiohttp.ClientError):
        async with town.http.get(f"{town.url}/ci/team/shop/broken", headers=town.login()) as answer:
            await answer.read()


async def test_websockets_both_ways_with_protocol_and_close_code(town: Town):
    await town.serve()
    connecting = town.http.ws_connect(f"{town.url}/ci/team/shop/ws", headers=town.login(), protocols=("v5.channel.k8s.io",))
    async with connecting as socket:
        assert socket.protocol == "v5.channel.k8s.io"
        await socket.send_str("hello")
        assert await socket.receive_str() == "hello"
        await socket.send_bytes(b"\0\1")
        assert await socket.receive_bytes() == b"\0\1"
        await socket.send_str("bye")
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4001


async def test_an_instance_that_is_away_is_told_as_page_or_json(town: Town):
    async with town.http.get(f"{town.url}/ci/team/shop", headers=town.login()) as answer:
        assert answer.status == 503 and "no pod serves ci-shop" in (await answer.json())["error"]
        assert answer.headers["Retry-After"]
    async with town.http.get(f"{town.url}/ci/team/shop", headers={**town.login(), "Accept": "text/html"}) as answer:
        assert answer.status == 503 and "no pod serves" in await answer.text() and answer.headers["Refresh"]


async def test_a_webhook_waits_for_an_instance_that_comes_back(town: Town):
    waiting = asyncio.create_task(town.http.post(f"{town.url}/ci/team/shop/hooks/gitea", data=b"abc").__aenter__())
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await town.serve()
    answer = await asyncio.wait_for(waiting, 30)
    assert (await answer.json())["size"] == 3


async def test_a_route_that_is_deleted_is_gone(town: Town):
    await town.serve()
    await town.client.delete(INGRESSES, "ci-shop", NAMESPACE)
    for _ in range(3000):
        async with town.http.get(f"{town.url}/ci/team/shop/healthz") as answer:
            if answer.status == 404:
                return
        await asyncio.sleep(0.02)
    raise AssertionError("the route is still there")


async def test_an_artifact_is_taken_with_its_attempts_token_and_from_nobody_else(town: Town):
    token = upload_token(uploads_key(KEY, NAMESPACE, "shop"), NAMESPACE, "shop-1", 1, time.time())
    url = f"{town.url}/-/artifacts/{NAMESPACE}/shop-1/1/dist/a%20b.tar"
    async with town.http.put(url, data=b"bytes", headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.status == 201
    assert await town.objects.get("builds/team/shop/1/artifacts/1/dist/a b.tar") == b"bytes"
    async with town.http.put(url.replace("/1/dist", "/2/dist"), data=b"x", headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.status == 401
    async with town.http.put(f"{town.url}/-/artifacts/{NAMESPACE}/shop-1/1/..%2F..%2Fx", data=b"x") as answer:
        assert answer.status in (401, 404)


async def test_an_artifact_that_comes_too_slowly_is_given_up_for_others(town: Town, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(front, "UPLOAD_SECONDS", 0.05)
    token = upload_token(uploads_key(KEY, NAMESPACE, "shop"), NAMESPACE, "shop-1", 1, time.time())
    stuck = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        await stuck.wait()

    url = f"{town.url}/-/artifacts/{NAMESPACE}/shop-1/1/a"
    async with town.http.put(url, data=slow(), headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.status == 408
    stuck.set()
    with pytest.raises(KeyError):
        await town.objects.get("builds/team/shop/1/artifacts/1/a")


async def test_an_ingress_that_calls_itself_an_instances_gets_no_token_for_another_service(town: Town):
    await town._put(SERVICES, "thief", spec={"ports": [{"name": "http", "port": 80, "targetPort": 20001}]})
    backend = {"service": {"name": "thief", "port": {"name": "http"}}}
    rules = [{"http": {"paths": [{"path": "/thief", "pathType": "Prefix", "backend": backend}]}}]
    await town._put(INGRESSES, "thief", spec={"rules": rules}, labels={"boatyard.dev/ciconfig": "shop"})
    fields = {
        "addressType": "IPv4", "ports": [{"name": "http", "port": town.instance_port, "protocol": "TCP"}],
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
    }  # fmt: skip
    await town._put(ENDPOINT_SLICES, "thief-1", labels={"kubernetes.io/service-name": "thief"}, **fields)
    for _ in range(3000):
        async with town.http.get(f"{town.url}/thief", headers=town.login()) as answer:
            if answer.status == 200:
                assert "X-Boatyard-Gateway-Token" not in (await answer.json())["headers"]
                return
        await asyncio.sleep(0.02)
    raise AssertionError("the route never came")


async def test_a_target_that_is_no_path_is_refused(town: Town):
    await town.serve()
    host, port = town.url.removeprefix("https://").split(":")
    trust = ssl.create_default_context(cafile=str(town.path / "pki" / "ca.crt"))
    for target in ("https://evil.example/ci/team/shop/hooks/gitea", "a://@evil.example/ci/team/shop/hooks/gitea"):
        reader, writer = await asyncio.open_connection(host, int(port), ssl=trust)
        writer.write(f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        assert (await reader.readline()).split()[1] == b"400"
        writer.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that waits for a short while only."""
    monkeypatch.setattr(front, "IDLE_SECONDS", 2.0)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Endless: "], ids=["nothing", "half a head"])
async def test_who_says_nothing_or_half_a_request_is_not_waited_for(town: Town, said: bytes):
    reader, writer = await asyncio.open_connection("127.0.0.1", town.port, ssl=town.trust)
    writer.write(said)
    async with asyncio.timeout(60):
        assert await reader.read() == b""
    writer.close()


async def test_connections_beyond_the_limit_are_closed_at_once_and_others_work_on(town: Town):
    held = [await asyncio.open_connection("127.0.0.1", town.port, ssl=town.trust) for _ in range(front.CONNECTIONS)]
    with pytest.raises((OSError, asyncio.IncompleteReadError)):
        reader, writer = await asyncio.open_connection("127.0.0.1", town.port, ssl=town.trust)
        held.append((reader, writer))
        await reader.readexactly(1)
    _, first = held[0]
    first.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await held[0][0].readline()).startswith(b"HTTP/1.1 200")
    for _, writer in held:
        writer.close()
