"""The node's own HTTPS API, in kubelet's shape. Only the API server may call it, and shows its certificate."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeAlias

from aiohttp import web

from boatyard.machinery.meta.errors import ApiError, Forbidden, InternalError, MethodNotAllowed, NotFound
from boatyard.machinery.meta.objects import Object, uid
from boatyard.machinery.telemetry.logs import get_logger
from boatyard.node.kubelet.channels import serve_exec, serve_output
from boatyard.node.kubelet.growth import Growth
from boatyard.node.kubelet.log_stream import LogOptions
from boatyard.node.kubelet.logs import Logs
from boatyard.node.kubelet.metrics import exposition
from boatyard.node.kubelet.serving import Serving
from boatyard.node.runtime import MachineError

if TYPE_CHECKING:
    from boatyard.node.agent import Agent

log = get_logger("kubelet")

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class KubeletApi:
    """Serves ``/containerLogs``, ``/exec``, ``/attach``, ``/pods``, ``/metrics`` and ``/healthz`` for an agent."""

    def __init__(self, agent: Agent, serving: Serving) -> None:
        self._agent, self._serving = agent, serving
        self._runner: web.AppRunner | None = None
        self._growth: Growth | None = None

    async def start(self) -> int:
        """Listen. Returns the port. Raises OSError."""
        self._growth = Growth()
        self._logs = Logs(self._agent, self._growth)
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/pods", self._pods)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._container_logs)
        for method in ("GET", "POST"):
            app.router.add_route(method, "/exec/{namespace}/{pod}/{container}", self._exec)
            app.router.add_route(method, "/attach/{namespace}/{pod}/{container}", self._attach)
            app.router.add_route(method, "/portForward/{namespace}/{pod}", self._port_forward)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._serving.host, self._serving.port, ssl_context=self._tls())
        await site.start()
        return self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._growth is not None:
            self._growth.close()

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self._serving.client_ca_file)
        context.load_cert_chain(self._serving.cert_file, self._serving.key_file)
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            certificate: Any = request.transport.get_extra_info("peercert") if request.transport is not None else None
            if common_name(certificate or {}) != self._serving.client_name:
                raise Forbidden(f"only {self._serving.client_name} may call this node")
            return await handler(request)
        except ApiError as error:
            return web.json_response(error.to_status(), status=error.code)
        except (MachineError, OSError) as error:
            return web.json_response(InternalError(str(error)).to_status(), status=500)
        except web.HTTPException as error:
            # An address or a method that isn't served.
            refusal = MethodNotAllowed if error.status == 405 else NotFound
            return web.json_response(refusal(f"{request.method} {request.path}: {error.reason}").to_status(), status=error.status)
        except Exception as error:
            log.error("a request failed inside", method=request.method, path=request.path, exc_info=True)
            told = f"an error on the node ({type(error).__name__}) has prevented the request from succeeding"
            return web.json_response(InternalError(told).to_status(), status=500)

    async def _healthz(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="ok")

    async def _pods(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": self._agent.pods.list()})

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=exposition(self._agent.pods.list()), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _container_logs(self, request: web.Request) -> web.StreamResponse:
        pod, container = self._target(request)
        return await self._logs.serve(request, pod, container)

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        pod, container = self._target(request)
        return await serve_exec(request, self._agent.runtime, uid(pod), container["name"])

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        pod, container = self._target(request)
        found = await self._logs.find(pod, container)
        async with aclosing(self._logs.read(found, LogOptions(follow=True, tail_lines=0))) as pieces:
            return await serve_output(request, pieces)

    async def _port_forward(self, request: web.Request) -> web.StreamResponse:
        raise NotFound("port-forward is not supported by this node; reach the pod's address, or its Service, directly")

    def _target(self, request: web.Request) -> tuple[Object, Object]:
        """The pod and container that the path names. Raises NotFound."""
        where, name, wanted = (request.match_info[key] for key in ("namespace", "pod", "container"))
        pod = self._agent.pods.get(name, where)
        if pod is None:
            raise NotFound(f'pod "{where}/{name}" not found on this node')
        for container in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())):
            if container["name"] == wanted:
                return pod, container
        raise NotFound(f'container "{wanted}" not found in pod "{where}/{name}"')


def common_name(certificate: dict[str, Any]) -> str:
    """The common name of a peer's certificate, as ``ssl`` tells it; empty when there is none."""
    for part in certificate.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return value
    return ""
