"""Two websockets joined: what one says, the other hears."""

from __future__ import annotations

from typing import TypeAlias

import aiohttp
import msgspec
from aiohttp import web

from boatyard.machinery.client.exec_channel import STATUS, connect
from boatyard.machinery.client.transport import Transport
from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.runtime.tasks import TaskGroup

PING_SECONDS = 30.0
"""How often a silent client is asked whether it is still there."""

_WITH_STATUS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_Socket: TypeAlias = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


def is_websocket(request: web.Request) -> bool:
    """Whether the request asks for a websocket (rather than for SPDY, or for nothing)."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


async def relay(request: web.Request, transport: Transport, path: str, params: list[tuple[str, str]]) -> web.StreamResponse:
    """Join the caller with ``path`` of a node.

    A refusal of the node's is told as a kubelet does, by the Status at the end of an opened stream: kubectl would take a plain
    answer for a server without websockets and come back with SPDY. Raises it when the stream offered has no such end.
    """
    offered = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if name.strip()]
    try:
        far = await connect(transport, path, params, offered)
    except ApiError as error:
        return await _refused(request, offered, error)
    async with far:
        near = web.WebSocketResponse(protocols=[far.protocol] if far.protocol else [], max_msg_size=0, heartbeat=PING_SECONDS)
        await near.prepare(request)
        async with TaskGroup() as group:
            group.start(_pass_on(near, far, group), "to the node")
            group.start(_pass_on(far, near, group), "from the node")
    return near


async def _refused(request: web.Request, offered: list[str], error: ApiError) -> web.StreamResponse:
    protocol = next((name for name in offered if name in _WITH_STATUS), None)
    if protocol is None:
        raise error
    near = web.WebSocketResponse(protocols=[protocol])
    await near.prepare(request)
    await near.send_bytes(bytes((STATUS,)) + msgspec.json.encode(error.to_status()))
    await near.close()
    return near


async def _pass_on(source: _Socket, sink: _Socket, group: TaskGroup) -> None:
    """Until either side closes; that ends the other direction, too."""
    try:
        async for message in source:
            if message.type is aiohttp.WSMsgType.BINARY:
                await sink.send_bytes(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                await sink.send_str(message.data)
    except (ConnectionError, aiohttp.ClientError):
        pass
    await sink.close()
    group.cancel()
