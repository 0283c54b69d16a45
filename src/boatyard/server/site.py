"""A listening socket that takes no more connections than it may, and waits for no handshake for long."""

from __future__ import annotations

import asyncio
import socket
import ssl

from aiohttp import web
from prometheus_client import Counter

CLOSED = Counter("boatyard_api_connections_closed", "Connections closed at once because too many were open.")
HANDSHAKE_SECONDS = 10.0
BACKLOG = 1024
"""Connections that wait to be taken; a thousand clients come back at once after a restart."""


class Site(web.SockSite):
    """One address. ``connections``: how many may be open on all addresses of the runner."""

    def __init__(self, runner: web.AppRunner, listening: socket.socket, tls: ssl.SSLContext, connections: int) -> None:
        super().__init__(runner, listening, ssl_context=tls, backlog=BACKLOG)
        self._connections = connections

    async def start(self) -> None:
        """Listen."""
        await web.BaseSite.start(self)
        server = self._runner.server
        assert server is not None

        def connection() -> asyncio.Protocol:
            if len(server.connections) >= self._connections:
                CLOSED.inc()
                return _Refusal()
            return server()

        self._server = await asyncio.get_running_loop().create_server(
            connection, sock=self._sock, ssl=self._ssl_context, backlog=self._backlog, ssl_handshake_timeout=HANDSHAKE_SECONDS
        )


class _Refusal(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.abort()
