"""Many requests over real connections: who else is there goes on. Counted in answers, not in seconds."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from boatyard.machinery.meta.core import CONFIG_MAPS, LEASES, SERVICE_ACCOUNTS
from boatyard.machinery.registry.caller import SYSTEM
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.server import watch_stream
from boatyard.server.auth.pki import Pki
from boatyard.server.flow.limits import Limits
from boatyard.server.metrics import WATCHES
from boatyard.server.server import ApiServer

MAPS = "/api/v1/namespaces/default/configmaps"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/default/leases/node-1"
FLOODERS = 200

Serve = Callable[..., Coroutine[Any, Any, ApiServer]]


@pytest.fixture
async def serve(registry: Registry, pki: Pki) -> AsyncIterator[Serve]:
    started: list[ApiServer] = []

    async def start(**limits: int) -> ApiServer:
        server = ApiServer(registry, pki=pki, world=RealWorld(), limits=Limits(**limits))
        started.append(server)
        await server.start()
        return server

    yield start
    for server in started:
        await server.stop()


@asynccontextmanager
async def user(name: str, server: ApiServer, registry: Registry, pki: Pki) -> AsyncIterator[aiohttp.ClientSession]:
    """A session of a service account, or of a node where the name is ``node-…``."""
    tls = ssl.create_default_context(cafile=str(pki.ca))
    headers: dict[str, str] = {}
    if name.startswith("node-"):
        tls.load_cert_chain(*pki.node(name, []))
    else:
        document = {"metadata": {"name": name, "namespace": "default"}}
        account = await registry.create(SYSTEM, SERVICE_ACCOUNTS, document, "default")
        headers = {"Authorization": f"Bearer {server.tokens.issue(account).token}"}
    connector = aiohttp.TCPConnector(ssl=tls, limit=0)
    async with aiohttp.ClientSession(server.address, connector=connector, headers=headers) as session:
        yield session


async def fill(registry: Registry, count: int, size: int) -> None:
    for number in range(count):
        document = {"metadata": {"name": f"m{number:04}", "namespace": "default"}, "data": {"text": "x" * size}}
        await registry.create(SYSTEM, CONFIG_MAPS, document, "default")


async def test_who_floods_doesnt_keep_others_waiting(serve: Serve, registry: Registry, pki: Pki) -> None:
    await fill(registry, 300, 3000)
    await registry.create(SYSTEM, LEASES, {"metadata": {"name": "node-1", "namespace": "default"}, "spec": {}}, "default")
    server = await serve(queue=FLOODERS)
    answered = 0
    refused = 0
    async with user("flood", server, registry, pki) as flood, user("other", server, registry, pki) as other:
        async with user("node-1", server, registry, pki) as node:

            async def list_again_and_again() -> None:
                nonlocal answered, refused
                while True:
                    async with flood.get(MAPS) as response:
                        await response.read()
                        answered += response.status == 200
                        refused += response.status != 200

            async def heartbeat() -> None:
                async with node.patch(
                    LEASE, json={"spec": {"holderIdentity": "node-1"}}, headers={"Content-Type": "application/merge-patch+json"}
                ) as response:
                    assert response.status == 200, await response.text()

            async def get() -> None:
                async with other.get(f"{MAPS}/m0000") as response:
                    assert response.status == 200

            await asyncio.gather(get(), heartbeat())
            flooding = [asyncio.create_task(list_again_and_again()) for _ in range(FLOODERS)]
            while answered < 20:
                await asyncio.sleep(0.01)
            meanwhile: list[int] = []
            for call in (get, heartbeat) * 8:
                before = answered
                await call()
                meanwhile.append(answered - before)
            for task in flooding:
                task.cancel()
            await asyncio.gather(*flooding, return_exceptions=True)
    # Without turns, every one of them would have its answer first. A list of 0.9 MB has eight of sixteen seats.
    assert sorted(meanwhile)[len(meanwhile) // 2] <= 10, meanwhile
    assert max(meanwhile) <= 40, meanwhile
    assert refused == 0


async def test_more_than_may_wait_are_told_when_to_come_again(serve: Serve, registry: Registry, pki: Pki) -> None:
    await fill(registry, 100, 400_000)
    server = await serve(reading=1, queue=1, queue_seconds=5)
    async with user("a", server, registry, pki) as mine, user("b", server, registry, pki) as others:
        greedy = await mine.get(MAPS)  # takes nothing of its forty megabytes: it has the only seat
        waiting = asyncio.create_task(mine.get(f"{MAPS}/m0000"))
        async with asyncio.timeout(60):
            while not REGISTRY.get_sample_value("boatyard_api_waiting", {"sort": "reading"}):
                await asyncio.sleep(0.01)
        async with mine.get(f"{MAPS}/m0001") as refused:
            assert (refused.status, refused.headers.get("Retry-After")) == (429, "1"), await refused.text()
            status = await refused.json()
        assert (status["reason"], status["details"]["retryAfterSeconds"]) == ("TooManyRequests", 1)
        assert "system:serviceaccount:default:a has too many requests waiting" in status["message"]
        async with await waiting as late:
            assert late.status == 429
            assert "waited 5 s for a turn" in (await late.json())["message"]
        async with others.get("/version") as health:
            assert health.status == 200
        greedy.close()
        async with others.get(f"{MAPS}/m0001") as now:
            assert now.status == 200


async def test_watches_are_counted_by_user(serve: Serve, registry: Registry, pki: Pki) -> None:
    server = await serve(watches_per_user=2, watches=3)
    watch = {"watch": "true"}
    async with user("a", server, registry, pki) as mine, user("b", server, registry, pki) as others:
        first, second = await mine.get(MAPS, params=watch), await mine.get(MAPS, params=watch)
        async with mine.get(MAPS, params=watch) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (429, "5")
        async with others.get(MAPS, params=watch) as third:
            assert third.status == 200
            async with others.get(MAPS, params=watch) as refused:
                assert "3 watches and other streams are open in all" in (await refused.json())["message"]
        first.close()
        async with asyncio.timeout(30):
            while (again := await mine.get(MAPS, params=watch)).status == 429:
                await again.read()
        again.close()
        second.close()


async def test_a_body_too_long_or_too_slow(serve: Serve, registry: Registry, pki: Pki) -> None:
    server = await serve(body_bytes=1000, body_seconds=1)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    json = {"Content-Type": "application/json"}  # anything else is refused before a byte of it is read
    async with user("a", server, registry, pki) as mine:
        async with mine.post(MAPS, data=b"x" * 1001, headers=json) as long:
            status = await long.json()
        assert (long.status, status["reason"]) == (413, "RequestEntityTooLarge")
        assert status["message"] == "Request entity too large: limit is 1000"
        async with mine.post(MAPS, data=never(), headers=json) as slow:
            assert (slow.status, (await slow.json())["message"]) == (400, "the body of the request did not come within 1 s")


async def test_connections_beyond_the_limit_are_closed(serve: Serve, registry: Registry, pki: Pki) -> None:
    server = await serve(connections=2)
    tls = ssl.create_default_context(cafile=str(pki.ca))
    held = [await asyncio.open_connection("127.0.0.1", server.port, ssl=tls) for _ in range(2)]
    with pytest.raises(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=tls)
        held.append((reader, writer))
        if not await reader.read():
            raise ConnectionResetError
    for _, writer in held:
        writer.close()


async def test_a_watcher_that_takes_nothing_is_dropped_and_hurts_nobody(
    serve: Serve, registry: Registry, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_stream, "STALLED_SECONDS", 5)
    server = await serve()
    open_before = WATCHES._value.get()
    async with user("a", server, registry, pki) as mine:
        tls = ssl.create_default_context(cafile=str(pki.ca))
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=tls, limit=1024)
        token = mine.headers["Authorization"]
        writer.write(f"GET {MAPS}?watch=1 HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())
        async with mine.get(MAPS, params={"watch": "1"}, read_bufsize=1 << 20) as response:
            async with asyncio.timeout(30):
                while WATCHES._value.get() < open_before + 2:
                    await asyncio.sleep(0.01)

            async def takes_all() -> None:
                for _ in range(200):
                    assert b'"ADDED"' in (await response.content.readuntil(b"\n"))[:20]

            # 40 MB: more than the buffers on the way hold.
            await asyncio.gather(takes_all(), fill(registry, 200, 200_000))
            async with asyncio.timeout(60):
                while WATCHES._value.get() > open_before + 1:
                    await asyncio.sleep(0.05)
        writer.close()
