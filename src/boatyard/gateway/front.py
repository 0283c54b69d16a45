"""The front door: one address for every instance, by host and by path.

Routes come from Ingress objects, endpoints from Services and EndpointSlices, all by caches; a request is decided on by pure
functions and carried by :class:`boatyard.gateway.proxy.Proxy`. Webhooks, health checks and artifact uploads need no session;
everything else does.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from aiohttp import web

from boatyard.ci.artifacts import PREFIX, Artifacts
from boatyard.ci.instance import instance_name
from boatyard.gateway import headers
from boatyard.gateway.endpoints import SERVICE_LABEL, Endpoint, NoEndpoint, endpoints
from boatyard.gateway.entrance import entrance
from boatyard.gateway.instances import Instances
from boatyard.gateway.login import Login
from boatyard.gateway.proxy import BadGateway, Proxy, Unanswered
from boatyard.gateway.refusal import refusal
from boatyard.gateway.routes import Route, RouteTable, route_table
from boatyard.gateway.sessions import COOKIE, Sessions
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta import objects
from boatyard.machinery.meta.core import ENDPOINT_SLICES, INGRESSES, SERVICES
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.runtime.cache import Cache
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World
from boatyard.machinery.serving.listening import listening_socket
from boatyard.machinery.serving.site import Site

_LOG = logging.getLogger(__name__)
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

HOLD_SECONDS = 10.0
"""How long a webhook waits for an instance that is between two pods. An SCM that gets a 503 may never come back."""
UPLOADS_AT_ONCE = 4
"""Files of builds that are held in memory until they are whole; others wait."""
UPLOAD_SECONDS = 300.0
"""How long one of them may take: who sends slowly keeps others waiting."""
CONNECTIONS = 4000
"""Open at the same time, on all addresses; more are closed at once. A page that shows a live log holds one."""
IDLE_SECONDS = 75.0
"""How long a connection may say nothing: before its first request, within the head of one, between two."""
_HOOK = re.compile(r"/hooks/[a-z]{1,20}")
_MAX_HEADER_BYTES = 32768


class Gateway:
    """Serves until cancelled. ``addresses`` are listened on even before they exist (the pods' bridge comes later)."""

    def __init__(
        self, client: Client, world: World, settings: Settings, *, addresses: Sequence[str], port: int, certificate: Path,
        key: Path, sessions: Sessions, http_port: int = 0,
    ) -> None:  # fmt: skip
        self._world, self._settings, self._sessions = world, settings, sessions
        self._addresses, self._port, self._http_port = tuple(addresses), port, http_port
        self._certificate, self._key = certificate, key
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._ingresses = Cache(client, INGRESSES, world)
        self._services = Cache(client, SERVICES, world)
        self._slices = Cache(client, ENDPOINT_SLICES, world, indexes={"service": _service_of})
        self._instances = Instances(client, world)
        self._proxy = Proxy()
        self._artifacts = Artifacts(settings, world)
        self._uploads = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self._table: RouteTable | None = None
        self._changed = asyncio.Event()
        self._listening = asyncio.Event()
        self._ingresses.on_change(self._routes_changed)
        self._slices.on_change(lambda old, new: self._changed.set())
        self.ports: dict[str, int] = {}
        """The port really listened on, by address."""

    async def ready(self) -> None:
        """Wait until it listens and knows its routes."""
        for cache in (self._ingresses, self._services, self._slices):
            await cache.synced()
        await self._listening.wait()

    def renew(self) -> None:
        """Show the certificate that the files hold now to whoever connects from now on. Raises OSError."""
        self._context.load_cert_chain(self._certificate, self._key)

    async def run(self) -> None:
        """Listen and serve; caches are kept beside. Raises OSError when a port is taken."""
        app = web.Application(
            client_max_size=1 << 20, handler_args={"max_line_size": _MAX_HEADER_BYTES, "max_field_size": _MAX_HEADER_BYTES}
        )
        Login(self._sessions).add_to(app.router)
        app.router.add_route("*", PREFIX + "{path:.*}", self._artifact)
        app.router.add_route("*", "/{path:.*}", self._any)
        # Whoever goes away takes the request at the instance along: a stream with nothing to say would not notice otherwise.
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=2, handle_signals=False, handler_cancellation=True,
            keepalive_timeout=IDLE_SECONDS,
        )  # fmt: skip
        await runner.setup()
        try:
            async with TaskGroup() as group:
                for cache in (self._ingresses, self._services, self._slices):
                    group.start(cache.run(), f"cache-{cache.resource.plural}")
                tls = self._context
                tls.load_cert_chain(self._certificate, self._key)
                for address in self._addresses:
                    listening = listening_socket(address, self._port)
                    self.ports[address] = listening.getsockname()[1]
                    await Site("gateway", runner, listening, CONNECTIONS, tls=tls).start()
                if self._http_port:
                    await Site("gateway", runner, listening_socket("127.0.0.1", self._http_port), CONNECTIONS).start()
                self._listening.set()
                await asyncio.get_running_loop().create_future()
        finally:
            await runner.cleanup()
            await self._proxy.close()

    def _routes_changed(self, old: Object | None, new: Object | None) -> None:
        self._table = None

    def _routes(self) -> RouteTable:
        if self._table is None:
            self._table = route_table(self._ingresses.list(), self._settings.domain)
        return self._table

    async def _any(self, request: web.Request) -> web.StreamResponse:
        if not request.raw_path.startswith("/"):
            # What comes before the path would become part of the address that is asked inside.
            return refusal(request, 400, "the request's target must be a path")
        if "/../" in f"{request.path}/" or "/./" in f"{request.path}/":
            return refusal(request, 400, "the path must not contain . or ..")
        route = self._routes().match(request.host, request.path)
        user = self._sessions.user(headers.cookie_value(request.headers, COOKIE)) or ""
        if route is None:
            return self._nowhere(request, user)
        rest = route.rest(request.path)
        hook = request.method == "POST" and _HOOK.fullmatch(rest) is not None
        if not user and not hook and rest != "/healthz":
            return _stranger(request)
        # Whoever may write Ingresses could call one an instance's and lead it elsewhere: the token goes to the instance only.
        own = route.instance and route.service == instance_name(route.instance)
        token = await self._instances.token(route.namespace, route.instance) if own else ""
        forwarded = headers.request_headers(
            request.headers, peer=request.remote or "", scheme=request.scheme, host=request.host,
            prefix="" if route.host else route.path.rstrip("/"), user=user, token=token, cookie=COOKIE,
        )  # fmt: skip
        return await self._carry(request, route, forwarded, self._world.monotonic() + (HOLD_SECONDS if hook else 0))

    def _nowhere(self, request: web.Request, user: str) -> web.StreamResponse:
        """The answer to a request that no route fits."""
        if request.path == "/healthz":
            return web.Response(text="ok\n")
        if request.path != "/" or request.method not in ("GET", "HEAD"):
            return refusal(request, 404, "no instance is served under this address")
        if not user:
            return _stranger(request)
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}
        return web.Response(text=entrance(self._routes().instances()), content_type="text/html", headers=policy)

    async def _carry(self, request: web.Request, route: Route, forwarded: object, deadline: float) -> web.StreamResponse:
        while True:
            self._changed.clear()
            try:
                return await self._proxy.carry(request, self._endpoints(route), forwarded)  # type: ignore[arg-type]
            except (NoEndpoint, Unanswered) as error:
                left = deadline - self._world.monotonic()
                if left <= 0:
                    reason = str(error) if isinstance(error, NoEndpoint) else f"{route.service} does not answer: {error}"
                    return refusal(request, 503, reason, "It may be starting. This page tries again by itself.", retry_seconds=5)
            except BadGateway as error:
                return refusal(request, 502, f"{route.service} gave no proper answer: {error}")
            try:
                async with asyncio.timeout(min(left, 0.5)):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _endpoints(self, route: Route) -> list[Endpoint]:
        service = self._services.get(route.service, route.namespace)
        slices = self._slices.by_index("service", f"{route.namespace}/{route.service}")
        return endpoints(service, route.service, route.port, slices)

    async def _artifact(self, request: web.Request) -> web.StreamResponse:
        sent = {name.lower(): value for name, value in request.headers.items()}
        raw = request.raw_path.partition("?")[0]
        async with self._uploads:
            try:
                async with asyncio.timeout(UPLOAD_SECONDS):
                    status, told = await self._artifacts.receive(request.method, raw, sent, request.content.iter_any())
            except TimeoutError:
                status, told = 408, f"the file did not come within {UPLOAD_SECONDS:.0f} s"
        response = web.Response(status=status, text=f"{told}\n")
        if not request.content.at_eof():
            # What is refused need not be read to its end.
            response.force_close()
        return response



def _stranger(request: web.Request) -> web.Response:
    return refusal(request, 401, "you are not logged in", "Open a login link: `boatyard login` prints one.")


def _service_of(piece: Object) -> tuple[str, ...]:
    service = objects.labels(piece).get(SERVICE_LABEL)
    return (f"{objects.namespace(piece)}/{service}",) if service else ()
