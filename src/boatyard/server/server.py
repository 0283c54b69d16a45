"""The embedded API server: the Kubernetes REST protocol over a registry."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence

from aiohttp import web

import boatyard
from boatyard.machinery.meta.core import NODES, PODS, SERVICES
from boatyard.machinery.meta.errors import ApiError, InternalError, NotFound
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import World
from boatyard.machinery.serving.listening import listening_socket
from boatyard.machinery.serving.site import Site
from boatyard.machinery.telemetry.logs import get_logger
from boatyard.server import answers, body, metrics, path
from boatyard.server.answers import refusal
from boatyard.server.audit.audit import HEADER, ID, Audit, call_id
from boatyard.server.auth.authenticate import Authenticator
from boatyard.server.auth.impersonate import impersonated
from boatyard.server.auth.pki import Pki
from boatyard.server.auth.tokens import ServiceAccountTokens
from boatyard.server.authorize import authorize, authorize_path
from boatyard.server.call import Call, check_headers
from boatyard.server.discovery import Discovery
from boatyard.server.flow.control import FlowControl
from boatyard.server.flow.limits import Limits
from boatyard.server.health import Health
from boatyard.server.issuer import Issuer
from boatyard.server.long_answers import LARGE_BYTES, LongAnswer
from boatyard.server.nodes import Nodes
from boatyard.server.objects import Objects
from boatyard.server.openapi import OpenApi
from boatyard.server.pods import STREAMS, Pods
from boatyard.server.tables import Tables
from boatyard.server.watches import Watches

log = get_logger("server")

SHUTDOWN_SECONDS = 5.0
HEADER_BYTES = 32 * 1024
"""The longest address or header: selectors are long, tokens too."""


class ApiServer:
    """Serves ``registry`` on every address of ``hosts`` at one port.

    ``port`` 0 lets the machine choose; :attr:`port` tells after :meth:`start`. With ``freebind`` an address may be listened on that
    the machine doesn't have yet (the pod bridge's).
    """

    def __init__(
        self, registry: Registry, *, pki: Pki, world: World, hosts: Sequence[str] = ("127.0.0.1",), port: int = 0,
        freebind: bool = False, version: str = boatyard.__version__, limits: Limits | None = None,
        audit: Audit | None = None,
    ) -> None:  # fmt: skip
        self._registry, self._pki, self._world = registry, pki, world
        self._limits = limits or Limits()
        self._flow = FlowControl(self._limits)
        self._hosts, self.port, self._freebind = tuple(hosts), port, freebind
        self.tokens = ServiceAccountTokens(pki.signing_key(), registry.ledger.object, world)
        registry.tokens = self.tokens
        self._authenticator = Authenticator(self.tokens)
        self._audit = audit
        tables = Tables(world)
        self._objects, self._watches = Objects(registry, tables), Watches(registry, tables, world, self._flow)
        self._nodes = Nodes(registry.ledger, pki)
        self.pods = Pods(registry, self._nodes)
        self._discovery, self._openapi, self._health = Discovery(registry.kinds), OpenApi(registry.kinds), Health(version)
        self._issuer = Issuer(self.tokens, lambda: self.address)
        self._runner: web.AppRunner | None = None
        self._context: ssl.SSLContext | None = None

    @property
    def address(self) -> str:
        """``https://host:port`` of the first host."""
        host = self._hosts[0]
        return f"https://[{host}]:{self.port}" if ":" in host else f"https://{host}:{self.port}"

    async def start(self) -> None:
        """Listen. Raises OSError when a port is taken."""
        app = web.Application(client_max_size=self._limits.body_bytes)
        app.on_response_prepare.append(self._prepare)
        app.router.add_route("*", "/{path:.*}", self._handle)
        # Handlers are cancelled when their client goes away: a watch that has nothing to say would not notice otherwise.
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS, keepalive_timeout=75.0,
            max_line_size=HEADER_BYTES, max_field_size=HEADER_BYTES,
        )  # fmt: skip
        await self._runner.setup()
        try:
            tls = self._context = self._tls()
            for host in self._hosts:
                listening = listening_socket(host, self.port, freebind=self._freebind)
                self.port = listening.getsockname()[1]
                await Site("api", self._runner, listening, self._limits.connections, tls=tls).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        log.info("api server listens", hosts=list(self._hosts), port=self.port)

    async def stop(self) -> None:
        """Take no more calls, end watches, let running calls finish (at most a few seconds)."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        for site in list(runner.sites):
            await site.stop()
        self._health.stopping = True
        self._watches.stop()
        await runner.cleanup()
        await self._nodes.close()

    def renew(self) -> None:
        """Show a fresh certificate to whoever connects from now on, when the present one runs out soon. Raises OSError."""
        if self._context is not None:
            self._context.load_cert_chain(*self._pki.server(self._hosts))

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self._pki.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(*self._pki.server(self._hosts))
        return context

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        finally:
            # They know each other. With the connection they would stay until the collector looks at everything, which is seldom.
            request.pop(_CALL, None)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        caller: Caller | None = None
        call: Call | None = None
        failed: ApiError | None = None
        begun = self._world.monotonic()
        request[ID] = call_id(request, self._world)
        try:
            check_headers(request.headers)
            caller = self._authenticator.caller(request)
            call = Call(request, impersonated(caller, request.headers, self._registry.authorizer), caller)
            request[_CALL] = call
            request[body.SECONDS] = self._limits.body_seconds
            response = await self._route(call)
            if isinstance(response, web.Response) and call.flag("pretty"):
                answers.indent(response)
        except ApiError as error:
            failed = error
            response = refusal(error, call)
        except asyncio.CancelledError:
            raise
        except ConnectionError:
            # Whoever asked is gone; what is answered now reaches nobody.
            response = web.Response(status=_CLIENT_GONE)
        except Exception as error:
            log.error("a request failed inside", method=request.method, path=request.path, exc_info=True)
            told = f"an error on the server ({type(error).__name__}) has prevented the request from succeeding"
            failed = InternalError(told)
            response = refusal(failed)
        if call is not None and call.warnings and isinstance(response, web.Response):
            answers.warn(response, call)
        if request.get(_STREAMING) and not response.prepared and request.transport is not None:
            # The answer had begun when it failed: an answer after it would be taken for a part of it.
            request.transport.abort()
        seconds = self._world.monotonic() - begun
        if self._audit is not None:
            self._audit.end(request, caller, call, response, seconds, failed)
        metrics.count(request.method, call.plural if call else "", response.status, None if request.get(_STREAMING) else seconds)
        del failed  # its traceback knows this frame: neither would go by itself
        return response

    async def _prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Before the head of an answer is sent."""
        if ID in request:
            response.headers[HEADER] = request[ID]
        if not isinstance(response, web.Response):
            request[_STREAMING] = True
            call = request.get(_CALL)
            if call is not None:
                answers.warn(response, call)
            if self._audit is not None and call is not None:
                self._audit.started(request, call.authenticated, call)

    async def _route(self, call: Call) -> web.StreamResponse:
        target = path.parse(call.request.path)
        if target is None or not target.plural:
            async with self._flow.turn(call.authenticated, call.request.method, call.request.path):
                return self._about_the_server(call)
        kind = self._registry.kinds.find(target.group, target.version, target.plural)
        authorize(call, kind, target, self._registry.authorizer)
        if kind is None or not _well_placed(kind, target):
            raise NotFound("the server could not find the requested resource")
        if target.subresource == "proxy" and kind.resource in _PROXIED:
            raise NotFound("proxy is not served here: reach the address of the pod, service or node directly")
        call.plural = kind.resource.plural
        if kind.deprecation:
            call.warnings.append(kind.deprecation)
        if call.request.method == "GET" and not target.name and call.flag("watch"):
            with self._flow.stream(call.authenticated):
                return await self._watches.handle(call, kind, target)
        if kind.resource == PODS and target.subresource in ("log", *STREAMS):
            with self._flow.stream(call.authenticated):
                return await self.pods.handle(call, target)
        width = self._objects.width(call, kind, target)
        async with self._flow.turn(call.authenticated, call.request.method, call.request.path, width):
            response = await self._objects.handle(call, kind, target)
            if isinstance(response, web.Response):
                content = response.body
                if not isinstance(content, bytes) or len(content) <= LARGE_BYTES:
                    return response
                response = LongAnswer.of(response, content)
            return await response.send(call.request, self._limits.body_seconds)

    def _about_the_server(self, call: Call) -> web.Response:
        authorize_path(call, self._registry.authorizer)
        found = self._health.answer(call) or self._discovery.answer(call) or self._openapi.answer(call) or metrics.answer(call)
        found = found or self._issuer.answer(call)
        if found is None:
            raise NotFound("the server could not find the requested resource")
        return found


def _well_placed(kind: Kind, target: path.ResourcePath) -> bool:
    """Whether the address has a namespace where one belongs; only lists may leave it out."""
    if not kind.resource.namespaced:
        return not target.namespace
    return bool(target.namespace) or not target.name


_CLIENT_GONE = 499
_PROXIED = (NODES, PODS, SERVICES)
"""What Kubernetes has a proxy for."""
_CALL: web.RequestKey[Call] = web.RequestKey("call", Call)
_STREAMING: web.RequestKey[bool] = web.RequestKey("streaming", bool)
