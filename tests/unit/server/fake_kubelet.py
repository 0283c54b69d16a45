"""A node agent's API as the server sees it: logs and exec, over TLS, for the server's certificate only."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any

import aiohttp
from aiohttp import web

from boatyard.server.auth.pki import KUBELET_CLIENT, Pki


class FakeKubelet:
    """Answers for containers named ``main``. ``calls`` are the addresses asked for."""

    def __init__(self, pki: Pki, node: str) -> None:
        self.pki, self.node = pki, node
        self.calls: list[str] = []
        self.port = 0
        self.breaks = False
        self.more = asyncio.Event()
        self.ended = asyncio.Event()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        app.router.add_get("/exec/{namespace}/{pod}/{container}", self._exec)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
        await self._runner.setup()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.pki.ca))
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_cert_chain(*self.pki.node(self.node))
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def stop(self) -> None:
        await self._runner.cleanup()

    def status(self) -> dict[str, Any]:
        """The Node's status that leads here."""
        addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
        return {"addresses": addresses, "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}}}

    def _seen(self, request: web.Request) -> None:
        assert request.transport is not None
        subject = dict(pair for relative in request.transport.get_extra_info("peercert")["subject"] for pair in relative)
        assert subject["commonName"] == KUBELET_CLIENT
        self.calls.append(str(request.rel_url))

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        self._seen(request)
        if request.query.get("previous"):
            return web.Response(status=400, text='previous terminated container "main" in pod "p" not found')
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        if request.query.get("follow"):
            try:
                await self.more.wait()
                if self.breaks and request.transport is not None:
                    request.transport.abort()
                await response.write(b"two\n")
            finally:
                self.ended.set()
        return response

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        """Echoes its arguments to stdout and its input to stderr; ``exit N`` ends with N; ``missing`` is refused."""
        self._seen(request)
        command = request.query.getall("command")
        if command[0] == "missing":
            return web.Response(status=404, text="container not found")
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io", "v4.channel.k8s.io"))
        await socket.prepare(request)
        await socket.send_bytes(b"\x01" + " ".join(command).encode())
        if request.query.get("stdin", "").lower() in ("1", "true"):
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.BINARY or message.data == b"\xff\x00":
                    break
                await socket.send_bytes(b"\x02" + message.data[1:])
        status: dict[str, Any] = {"metadata": {}, "status": "Success"}
        if command[0] == "exit" and command[1] != "0":
            causes = [{"reason": "ExitCode", "message": command[1]}]
            status = {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}
        await socket.send_bytes(b"\x03" + json.dumps(status).encode())
        await socket.close()
        return socket
