"""Faults of the connection as errors that say what may have happened."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import (
    BadRequest,
    InternalError,
    NotFound,
    ServerTimeout,
    ServiceUnavailable,
    TooManyRequests,
)  # fmt: skip

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MAP = {"metadata": {"name": "a", "namespace": "n"}}


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[HttpClient]:
    """A client of a server that answers everything with ``handler``."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    client = HttpClient(f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}")  # type: ignore[attr-defined]
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


async def test_who_says_when_to_come_back_is_asked_again() -> None:
    calls = 0

    async def busy(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        if calls < 3:
            status = {"kind": "Status", "reason": "TooManyRequests", "code": 429, "details": {"retryAfterSeconds": 0.01}}
            return web.json_response(status, status=429)
        return web.json_response(MAP)

    async with answering(busy) as client:
        assert await client.create(CONFIG_MAPS, MAP) == MAP
    assert calls == 3


async def test_who_wants_too_long_a_wait_is_not() -> None:
    async def busy(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "3600"}, text="later")

    async with answering(busy) as client:
        with pytest.raises(TooManyRequests) as told:
            await client.get(CONFIG_MAPS, "a", "n")
    assert told.value.details == {"retryAfterSeconds": 3600}


async def test_a_write_whose_answer_is_lost_may_have_happened() -> None:
    calls = 0

    async def breaking(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with answering(breaking) as client:
        with pytest.raises(ServerTimeout, match="broke the connection"):
            await client.create(CONFIG_MAPS, MAP)
        assert calls == 1
        with pytest.raises(ServiceUnavailable):
            await client.get(CONFIG_MAPS, "a", "n")


async def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = HttpClient(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ServiceUnavailable, match="out of reach"):
            await client.create(CONFIG_MAPS, MAP)
        await client.close()


@pytest.mark.parametrize(
    ("status", "text", "error", "told"),
    [
        (404, "no such page", NotFound, "no such page"), (400, "", BadRequest, "the server answered 400"),
        (502, "<html>", InternalError, "<html>"), (200, "not json", InternalError, "something that isn't JSON"),
    ],
)  # fmt: skip
async def test_answers_that_no_api_server_gives(status: int, text: str, error: type[Exception], told: str) -> None:
    async def strange(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    async with answering(strange) as client:
        with pytest.raises(error, match=told):
            await client.get(CONFIG_MAPS, "a", "n")


async def test_a_watch_that_breaks_off_is_an_error_not_a_lost_event() -> None:
    seen: list[str] = []

    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n{"type":"ADD')
        while not seen:  # what breaks off takes along what nobody has read
            await asyncio.sleep(0.01)
        assert request.transport is not None
        request.transport.abort()
        return response

    async with answering(half) as client:
        with pytest.raises(ServiceUnavailable):
            async for event in client.watch(CONFIG_MAPS):
                seen.append(event.object["metadata"]["name"])
    assert seen == ["a"]


async def test_names_can_not_leave_their_place() -> None:
    paths = []

    async def noting(request: web.Request) -> web.Response:
        paths.append(request.raw_path)
        return web.json_response({})

    async with answering(noting) as client:
        await client.get(CONFIG_MAPS, "../x?y#z", "n/m")
        with pytest.raises(BadRequest):
            await client.get(CONFIG_MAPS, "", "n")
        with pytest.raises(BadRequest):
            await client.get(CONFIG_MAPS, "a")
    assert paths == ["/api/v1/namespaces/n%2Fm/configmaps/..%2Fx%3Fy%23z"]


async def test_a_closed_client_is_closed() -> None:
    client = HttpClient("http://127.0.0.1:1")
    await client.close()
    with pytest.raises(ServiceUnavailable, match="closed"):
        await client.get(CONFIG_MAPS, "a", "n")


async def test_a_refusal_that_comes_in_pieces_is_read_whole() -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=404, headers={"Content-Type": "application/json"})
        await response.prepare(request)
        told = b'{"kind": "Status", "code": 404, "reason": "NotFound", "message": "it is gone", "details": {"name": "a"}}'
        for piece in (told[:50], told[50:]):
            await response.write(piece)
            await asyncio.sleep(0.01)
        return response

    async with answering(slow) as client:
        with pytest.raises(NotFound, match="it is gone") as refused:
            await client.get(CONFIG_MAPS, "a", "n")
    assert refused.value.details == {"name": "a"}
