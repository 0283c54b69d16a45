"""A listening socket that takes no more connections than it may, and waits for no handshake for long."""

from __future__ import annotations

import asyncio
import socket
import ssl

from aiohttp import web
from prometheus_client import Counter

from boatyard.machinery.serving.listening import BACKLOG

CLOSED = Counter("boatyard_connections_closed", "Connections closed at once because too many were open.", ["server"])
HANDSHAKE_SECONDS = 10.0


class Site(web.SockSite):
    """One address. ``connections``: how many may be open on all addresses of the runner. ``name`` is the server's in metrics."""

    def __init__(
        self, name: str, runner: web.AppRunner, listening: socket.socket, connections: int, *, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(runner, listening, ssl_context=tls, backlog=BACKLOG)
        self._connections = connections
        self._closed = CLOSED.labels(name)

    async def start(self) -> None:
        """Listen."""
        await web.BaseSite.start(self)
        server = self._runner.server
        assert server is not None

        def connection() -> asyncio.Protocol:
            if len(server.connections) >= self._connections:
                self._closed.inc()
                return _Refusal()
            return server()

        self._server = await asyncio.get_running_loop().create_server(
            connection, sock=self._sock, ssl=self._ssl_context, backlog=self._backlog,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if self._ssl_context else None,
        )  # fmt: skip


class _Refusal(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.abort()
