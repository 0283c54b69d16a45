"""``/exec`` and ``/attach`` over websockets: the ``v5.channel.k8s.io`` and ``v4.channel.k8s.io`` subprotocols.

A message is one byte of channel and its data: 0 stdin, 1 stdout, 2 stderr, 3 the Status at the end, 4 the terminal's size; 255 (v5)
closes the channel named by the next byte.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from boatyard.machinery.meta.errors import ApiError, BadRequest, InternalError
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.node.runtime import ExecStream, MachineError, NodeRuntime

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STATUS, RESIZE, CLOSE = 0, 1, 3, 4, 255
PING_SECONDS = 30.0
LONGEST_MESSAGE_BYTES = 4 << 20


async def serve_exec(request: web.Request, runtime: NodeRuntime, pod_uid: str, container: str) -> web.StreamResponse:
    """Run the command of the query. Raises BadRequest and InternalError as long as the websocket isn't open."""
    query = request.query
    command = tuple(query.getall("command", []))
    if not command:
        raise BadRequest("you must specify at least 1 command for the container")
    wants_stdin, tty = _true(query.get("stdin")), _true(query.get("tty"))
    _check(request)
    try:
        stream = await runtime.exec(pod_uid, container, command, tty=tty, stdin=wants_stdin)
    except MachineError as error:
        raise InternalError(f"error executing command in container: {error}") from None
    socket = _socket()
    ended = False
    try:
        await socket.prepare(request)
        async with TaskGroup() as group:
            group.start(_hear(socket, stream, group, wants_stdin), "from the client")
            await _say(socket, stream)
            await _send(socket, STATUS, exit_status(await stream.wait()))
            ended = True
            group.cancel()
    except (ConnectionError, MachineError):
        pass
    finally:
        if not ended:
            with contextlib.suppress(MachineError, OSError):
                await stream.kill()
        await socket.close()
    return socket


async def serve_output(request: web.Request, pieces: AsyncIterator[bytes]) -> web.StreamResponse:
    """Show what a container writes from now on (attach). Raises BadRequest when the client wants to write."""
    if _true(request.query.get("stdin")):
        raise BadRequest("this node can't attach to a container's stdin; use exec to run a command with one")
    _check(request)
    socket = _socket()
    await socket.prepare(request)
    with contextlib.suppress(ConnectionError):
        async for piece in pieces:
            await _send(socket, STDOUT, piece)
        await _send(socket, STATUS, exit_status(0))
    await socket.close()
    return socket


def exit_status(code: int) -> bytes:
    """The Status that tells how a command ended."""
    if code == 0:
        return msgspec.json.encode({"metadata": {}, "status": "Success"})
    return msgspec.json.encode({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    })  # fmt: skip


def failure_status(error: ApiError) -> bytes:
    """The Status that tells why a command could not be run."""
    return msgspec.json.encode(error.to_status())


def _check(request: web.Request) -> None:
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise BadRequest("unable to upgrade: this node speaks websockets only")
    offered = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if not any(protocol in offered for protocol in PROTOCOLS):
        raise BadRequest(f"unable to upgrade: offer one of the subprotocols {', '.join(PROTOCOLS)}")


def _socket() -> web.WebSocketResponse:
    return web.WebSocketResponse(protocols=PROTOCOLS, heartbeat=PING_SECONDS, max_msg_size=LONGEST_MESSAGE_BYTES)


async def _say(socket: web.WebSocketResponse, stream: ExecStream) -> None:
    async for channel, data in stream.output():
        await _send(socket, channel, data)


async def _hear(socket: web.WebSocketResponse, stream: ExecStream, group: TaskGroup, wants_stdin: bool) -> None:
    """Pass on what the client sends; when it leaves, the command ends."""
    async for message in socket:
        data: bytes = message.data if message.type is WSMsgType.BINARY else b""
        if not data:
            continue
        try:
            if data[0] == STDIN and wants_stdin:
                await stream.write(data[1:])
            elif data[0] == RESIZE:
                await _resize(stream, data[1:])
            elif data[0] == CLOSE and data[1:2] == bytes((STDIN,)) and wants_stdin:
                await stream.close_stdin()
        except (MachineError, OSError):
            continue  # the command is ending; its exit code tells
    await stream.kill()


async def _resize(stream: ExecStream, data: bytes) -> None:
    try:
        size: Any = msgspec.json.decode(data)
        await stream.resize(int(size["Width"]), int(size["Height"]))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return


async def _send(socket: web.WebSocketResponse, channel: int, data: bytes) -> None:
    await socket.send_bytes(bytes((channel,)) + data)


def _true(text: str | None) -> bool:
    return (text or "").lower() in ("true", "1")
