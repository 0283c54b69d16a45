"""The HTTP server: a thin shell that turns requests into calls and answers into bytes. Plain HTTP; TLS is the gateway's.

The same addresses are served below the base path (the gateway's route by path) and at the root (its route by host).
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web

from boatyard.ciserver import security
from boatyard.ciserver.bodies import Bodies, TooLarge, TooMany, TooSlow
from boatyard.ciserver.deliveries import MAX_BODY_BYTES
from boatyard.ciserver.logview import log_response
from boatyard.ciserver.pages import Pages
from boatyard.ciserver.security import Doorkeeper
from boatyard.ciserver.server import CiServer
from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.runtime.world import World

_LOG = logging.getLogger(__name__)
_MAX_FORM_BYTES = 4096
_CONTAINER = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with what the shell made of it."""

    request: web.BaseRequest
    headers: Mapping[str, str]
    """Lower-case names."""
    prefix: str
    """What links begin with."""
    values: Mapping[str, str]
    """The path's variables."""

    @property
    def number(self) -> int:
        return int(self.values["number"])

    @property
    def user(self) -> str:
        return self.headers.get(security.USER_HEADER, "")


Handler: TypeAlias = Callable[[Asked], Awaitable[web.StreamResponse]]


class Web:
    """Serves a :class:`CiServer`."""

    def __init__(self, server: CiServer, world: World) -> None:
        self._server, self._world = server, world
        environment = server.environment
        self._doorkeeper = Doorkeeper(environment.gateway_token, secrets.token_bytes(32))
        self._pages = Pages(server, world, self._doorkeeper)
        self._bodies = Bodies(MAX_BODY_BYTES)
        number, attempt = r"(?P<number>[1-9][0-9]{0,11})", r"(?P<attempt>[1-9][0-9]{0,3})"
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = [
            (method, re.compile(path), handler)
            for method, path, handler in (
                ("POST", r"/hooks/(?P<type>[a-z]{1,20})", self._hook),
                ("GET", r"/healthz", self._health),
                ("GET", r"/metrics", self._metrics),
                ("GET", r"/", self._pages.builds),
                ("GET", r"/events", self._pages.builds_events),
                ("GET", r"/static/(?P<name>[a-z]+\.(?:css|js|svg))", self._pages.static),
                ("GET", rf"/builds/{number}", self._pages.build),
                ("GET", rf"/builds/{number}/events", self._pages.build_events),
                ("GET", rf"/builds/{number}/log/(?P<container>{_CONTAINER})", self._log),
                ("GET", rf"/builds/{number}/artifacts/{attempt}/(?P<path>.+)", self._pages.artifact),
                ("POST", rf"/builds/{number}/(?P<verb>cancel|retry)", self._act),
            )
        ]
        self.port = environment.port

    async def run(self) -> None:
        """Listen and serve until cancelled. Raises OSError when the port is taken."""
        # Handlers are cancelled when their client goes away: a log with nothing to say would not notice otherwise.
        server = web.Server(self._handle, access_log=None, handler_cancellation=True)
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._server.environment.host, self.port)
            await site.start()
            self.port = runner.addresses[0][1]
            await asyncio.get_running_loop().create_future()
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, base = request.path, self._server.environment.base_path
        prefix = ""
        if base and (path == base or path.startswith(base + "/")):
            path, prefix = path[len(base) :] or "/", base
        headers = {name.lower(): value for name, value in request.headers.items()}
        anonymous = path == "/healthz" or path.startswith("/hooks/")
        if not anonymous and not self._doorkeeper.from_gateway(headers):
            return web.Response(status=403, text="This address is for the gateway only.\n")
        known = False
        for method, pattern, handler in self._routes:
            if match := pattern.fullmatch(path):
                known = True
                if method == request.method or (method == "GET" and request.method == "HEAD"):
                    return await self._guarded(handler, Asked(request, headers, prefix, match.groupdict()))
        return web.Response(status=405 if known else 404, text="Not allowed.\n" if known else "There is nothing here.\n")

    async def _guarded(self, handler: Handler, asked: Asked) -> web.StreamResponse:
        try:
            return await handler(asked)
        except ApiError as error:
            return web.Response(status=error.code, text=f"{error.message}\n")
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            _LOG.exception("%s %s", asked.request.method, asked.request.path)
            return web.Response(status=500, text="Something went wrong here; the log of the CI server knows more.\n")

    async def _hook(self, asked: Asked) -> web.StreamResponse:
        deliveries, request = self._server.deliveries, asked.request
        try:
            async with self._bodies.read(request.content, request.content_length) as body:
                # Carried out whole even if the SCM hangs up meanwhile.
                work = deliveries.handle_delivery(asked.values["type"], asked.headers, body)
                answer = await asyncio.shield(asyncio.ensure_future(work))
        except TooLarge:
            answer = deliveries.too_large()
        except TooSlow:
            answer = deliveries.too_slow()
        except TooMany:
            answer = deliveries.too_many()
        retry = {"Retry-After": "5"} if answer.status == 503 else {}
        response = web.Response(status=answer.status, body=answer.body, content_type="application/json", headers=retry)
        if not request.content.at_eof():
            # What is refused need not be read to its end.
            response.force_close()
        return response

    async def _health(self, asked: Asked) -> web.StreamResponse:
        if not self._server.ready:
            return web.Response(status=503, text="starting\n")
        return web.Response(text="ok\n")

    async def _metrics(self, asked: Asked) -> web.StreamResponse:
        return web.Response(body=self._server.metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _log(self, asked: Asked) -> web.StreamResponse:
        return await log_response(asked.request, self._server, asked.number, asked.values["container"])

    async def _act(self, asked: Asked) -> web.StreamResponse:
        form = await _form(asked.request)
        if form is None or not self._doorkeeper.from_our_page(asked.headers, form.get("token", "")):
            return web.Response(status=403, text="The page is out of date: load it again.\n")
        if asked.values["verb"] == "cancel":
            await self._server.cancel(asked.number, asked.user or "somebody")
            where = asked.number
        else:
            work = self._server.retry(asked.number, asked.user or "somebody", form.get("request", "")[:40])
            where = await asyncio.shield(asyncio.ensure_future(work))
        return web.Response(status=303, headers={"Location": f"{asked.prefix}/builds/{where}"})


async def _form(request: web.BaseRequest) -> dict[str, str] | None:
    from urllib.parse import parse_qsl

    if (request.content_length or 0) > _MAX_FORM_BYTES:
        return None
    body = await request.content.read(_MAX_FORM_BYTES)
    return dict(parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=10))
