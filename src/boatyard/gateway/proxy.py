"""Carrying one request to an endpoint and its answer back, as they come: nothing is kept, so streams and events flow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from boatyard.gateway import headers
from boatyard.gateway.endpoints import Endpoint

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 300.0
"""How long an instance may think before its answer begins. After that it may take its time."""
MAX_MESSAGE_BYTES = 16 << 20


class Unanswered(Exception):
    """No endpoint could be connected to; nothing was sent, so the request may be tried again."""


class BadGateway(Exception):
    """The endpoint was reached and gave no proper answer."""


class Proxy:
    """A connection pool to the instances."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def carry(self, request: web.Request, endpoints: Sequence[Endpoint], forwarded: CIMultiDict[str]) -> web.StreamResponse:
        """Ask the endpoints in their order until one can be connected to. Raises Unanswered, BadGateway."""
        websocket = request.headers.get("Upgrade", "").lower() == "websocket"
        failure = ""
        for endpoint in endpoints:
            try:
                if websocket:
                    return await self._websocket(request, endpoint, forwarded)
                return await self._plain(request, endpoint, forwarded)
            except aiohttp.ClientConnectorError as error:
                failure = str(error.os_error.strerror or error)
        raise Unanswered(failure or "there is no endpoint")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                max_line_size=65536,
                max_field_size=65536,
            )
        return self._session

    async def _plain(self, request: web.Request, endpoint: Endpoint, forwarded: CIMultiDict[str]) -> web.StreamResponse:
        url = URL(f"http://{endpoint.authority}{request.raw_path}", encoded=True)
        body = request.content if request.can_read_body else None
        try:
            async with asyncio.timeout(ANSWER_SECONDS) as patience:
                asked = self._open().request(request.method, url, headers=forwarded, data=body, allow_redirects=False)
                async with asked as answer:
                    patience.reschedule(None)
                    return await _back(request, answer)
        except TimeoutError:
            raise BadGateway(f"no answer within {ANSWER_SECONDS:.0f} s") from None
        except aiohttp.ClientConnectorError:
            raise
        except aiohttp.ClientError as error:
            raise BadGateway(str(error) or type(error).__name__) from error

    async def _websocket(self, request: web.Request, endpoint: Endpoint, forwarded: CIMultiDict[str]) -> web.StreamResponse:
        protocols = [p.strip() for p in request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",") if p.strip()]
        url = URL(f"http://{endpoint.authority}{request.raw_path}", encoded=True)
        try:
            inside = await self._open().ws_connect(
                url, protocols=protocols, headers=forwarded, autoping=False, autoclose=False, max_msg_size=MAX_MESSAGE_BYTES
            )
        except aiohttp.WSServerHandshakeError as error:
            raise BadGateway(f"the instance refused the websocket (status {error.status})") from error
        outside = web.WebSocketResponse(
            protocols=(inside.protocol,) if inside.protocol else (), autoping=False, autoclose=False, max_msg_size=MAX_MESSAGE_BYTES
        )
        try:
            await outside.prepare(request)
            ways = [asyncio.ensure_future(_pump(outside, inside)), asyncio.ensure_future(_pump(inside, outside))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
        finally:
            await inside.close()
            await outside.close()
        return outside


async def _back(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    for name, value in headers.passed_on(answer.headers).items():
        response.headers.add(name, value)
    # Without a length the body is chunked on this side too; aiohttp decides that by the HTTP version of who asked.
    try:
        await response.prepare(request)
        if request.method != "HEAD" and answer.status not in (204, 304):
            async for piece in answer.content.iter_any():
                await response.write(piece)
        await response.write_eof()
    except (aiohttp.ClientError, TimeoutError, ConnectionError):
        # The status is out: a broken answer must look broken, so the connection is cut instead of ended.
        if request.transport is not None:
            request.transport.abort()
    return response


async def _pump(
    source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse, sink: web.WebSocketResponse | aiohttp.ClientWebSocketResponse
) -> None:
    while True:
        message = await source.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await sink.send_bytes(message.data)
        elif message.type is aiohttp.WSMsgType.PING:
            await sink.ping(message.data)
        elif message.type is aiohttp.WSMsgType.PONG:
            await sink.pong(message.data)
        else:
            code = source.close_code or 1000
            # 1005 and 1006 say "no code" and "cut off"; they may not be sent.
            await sink.close(code=code if code not in (1005, 1006, 1015) else 1001, message=str(message.extra or "").encode()[:120])
            return
