"""Reaching into running pods: log, exec, attach, portforward. All of it is the node's; here it is only passed on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote

from aiohttp import web

from boatyard.machinery.client import exec_channel
from boatyard.machinery.client.client import ExecResult
from boatyard.machinery.client.transport import Params, Transport, faults
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.errors import BadRequest, MethodNotAllowed, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.authorizer import refusal
from boatyard.machinery.registry.registry import Registry
from boatyard.server.call import Call
from boatyard.server.containers import chosen
from boatyard.server.nodes import Nodes
from boatyard.server.path import ResourcePath
from boatyard.server.relay import is_websocket, relay

STREAMS = ("exec", "attach", "portforward")
_LOG_OPTIONS = ("follow", "previous", "sinceSeconds", "sinceTime", "timestamps", "tailLines", "limitBytes")
_NO_SPDY = (
    "is served over websockets only, not over SPDY: use kubectl 1.30 or newer, or 1.29 with "
    "KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true"
)
# kubectl comes with SPDY also after a node refused its websocket, so this must be right for both.
_NO_SPDY_FORWARD = "port-forward is not served over SPDY, nor by this node: reach the pod's address, or its Service, directly"
_NODE_PATHS = {"exec": "exec", "attach": "attach", "portforward": "portForward"}


class Pods:
    """The pods' subresources that are streams. Also the ``PodStreams`` of an embedded client."""

    def __init__(self, registry: Registry, nodes: Nodes) -> None:
        self._registry, self._nodes = registry, nodes

    async def handle(self, call: Call, path: ResourcePath) -> web.StreamResponse:
        """Raises ApiError before the stream begins."""
        if path.subresource == "log":
            if call.request.method not in ("GET", "HEAD"):
                raise MethodNotAllowed("the server does not allow this method on the requested resource")
            return await self._log(call, path)
        if call.request.method not in ("GET", "POST"):
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        return await self._stream(call, path)

    async def _log(self, call: Call, path: ResourcePath) -> web.StreamResponse:
        pod = await self._registry.get(call.caller, PODS, path.name, path.namespace, subresource="log")
        container = chosen(pod, call.query.get("container", ""))
        for flag in ("follow", "previous", "timestamps"):
            call.flag(flag)
        for number in ("tailLines", "sinceSeconds", "limitBytes"):
            call.number(number)
        params = {option: call.query[option] for option in _LOG_OPTIONS if call.query.get(option)}
        headers = {"Content-Type": "text/plain", "Cache-Control": "no-cache, private"}
        if not (pod.get("spec") or {}).get("nodeName"):
            # As Kubernetes has it: a pod that was never bound has no log.
            return web.Response(status=204, headers={"Cache-Control": headers["Cache-Control"]})
        transport = await self._transport(pod)
        async with transport.open("GET", _node_path("containerLogs", pod, container), params, accept="*/*") as source:
            response = web.StreamResponse(headers=headers)
            await response.prepare(call.request)
            with faults(transport.address, sent=False):
                async for chunk in source.content.iter_any():
                    await response.write(chunk)
            await response.write_eof()
            return response

    async def _stream(self, call: Call, path: ResourcePath) -> web.StreamResponse:
        what = path.subresource
        # Kubernetes asks for "get" when the stream is a websocket's GET; asking for "create" always lets no reader run commands.
        decision = self._registry.authorizer.allows(call.caller, "create", PODS, what, path.namespace, path.name)
        if not decision.allowed:
            raise refusal(call.caller, "create", PODS, what, path.namespace, path.name, decision.reason)
        pod = self._registry.ledger.object(PODS, path.namespace, path.name)
        if pod is None:
            raise not_found("pods", path.name)
        container = "" if what == "portforward" else chosen(pod, call.query.get("container", ""))
        if what == "exec" and not call.query.get("command"):
            raise BadRequest("you must specify at least 1 command for the container")
        # First: kubectl comes back with SPDY after any refusal, and shows what it is told then.
        transport = await self._transport(pod)
        if not is_websocket(call.request):
            raise BadRequest(_NO_SPDY_FORWARD if what == "portforward" else f"{what} {_NO_SPDY}")
        params = [(key, value) for key, value in call.query.items() if key != "container"]
        node_path = _node_path(_NODE_PATHS[what], pod, container)
        return await relay(call.request, transport, node_path, params)

    async def logs(
        self, namespace: str, pod: str, *, container: str, follow: bool, previous: bool, timestamps: bool, tail_lines: int | None,
        since_seconds: float | None, limit_bytes: int | None,
    ) -> AsyncGenerator[bytes]:  # fmt: skip
        """``PodStreams.logs``: as the API, without asking who calls."""
        obj = self._running(namespace, pod)
        options: dict[str, Any] = {
            "follow": "true" if follow else None, "previous": "true" if previous else None,
            "timestamps": "true" if timestamps else None, "tailLines": tail_lines,
            "sinceSeconds": None if since_seconds is None else max(1, round(since_seconds)),
            "limitBytes": limit_bytes,
        }  # fmt: skip
        params: Params = {key: str(value) for key, value in options.items() if value is not None}
        transport = await self._transport(obj)
        async with transport.open("GET", _node_path("containerLogs", obj, chosen(obj, container)), params, accept="*/*") as source:
            with faults(transport.address, sent=False):
                async for chunk in source.content.iter_any():
                    yield chunk

    async def exec(self, namespace: str, pod: str, command: list[str], *, container: str, stdin: bytes) -> ExecResult:
        """``PodStreams.exec``: as the API, without asking who calls."""
        obj = self._running(namespace, pod)
        transport = await self._transport(obj)
        params = exec_channel.parameters(command, stdin=bool(stdin))
        return await exec_channel.run(transport, _node_path("exec", obj, chosen(obj, container)), params, stdin)

    def _running(self, namespace: str, name: str) -> Object:
        pod = self._registry.ledger.object(PODS, namespace, name)
        if pod is None:
            raise not_found("pods", name)
        return pod

    async def _transport(self, pod: Object) -> Transport:
        node = (pod.get("spec") or {}).get("nodeName")
        if not node:
            raise BadRequest(f"pod {pod['metadata']['name']} does not have a host assigned")
        return await self._nodes.transport(node)


def _node_path(what: str, pod: Object, container: str) -> str:
    metadata = pod["metadata"]
    parts = [what, metadata["namespace"], metadata["name"], *([container] if container else [])]
    return "".join("/" + quote(part, safe="") for part in parts)
