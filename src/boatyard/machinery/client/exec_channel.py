"""A command in a container over a websocket: the ``v5.channel.k8s.io`` subprotocol of Kubernetes.

Each binary message is one byte of channel and its data: 0 stdin, 1 stdout, 2 stderr, 3 a Status at the end, 4 terminal size; 255
closes the channel named by the next byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import aiohttp
import msgspec

from boatyard.machinery.client.client import ExecResult
from boatyard.machinery.client.transport import Transport, faults
from boatyard.machinery.meta import errors

PROTOCOL = "v5.channel.k8s.io"
STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
CHUNK_BYTES = 32 * 1024


def parameters(command: list[str], *, container: str = "", stdin: bool = False) -> list[tuple[str, str]]:
    """The query of an exec that wants both outputs."""
    query = [("command", part) for part in command] + [("stdout", "true"), ("stderr", "true")]
    if container:
        query.append(("container", container))
    if stdin:
        query.append(("stdin", "true"))
    return query


async def run(transport: Transport, path: str, params: list[tuple[str, str]], stdin: bytes) -> ExecResult:
    """Send all of ``stdin``, gather both outputs, wait for the end.

    Raises the server's error; ServerTimeout when the connection breaks before the command's end was told.
    """
    stdout, stderr = bytearray(), bytearray()
    socket = await connect(transport, path, params, (PROTOCOL,))
    with faults(transport.address, sent=True):
        sending = asyncio.ensure_future(_send(socket, stdin)) if stdin else None
        try:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                    continue
                channel, data = message.data[0], message.data[1:]
                if channel == STDOUT:
                    stdout += data
                elif channel == STDERR:
                    stderr += data
                elif channel == STATUS:
                    return ExecResult(exit_code(data), bytes(stdout), bytes(stderr))
        finally:
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            await socket.close()
    raise errors.ServerTimeout("the connection ended before the command did")


async def connect(
    transport: Transport, path: str, params: list[tuple[str, str]], protocols: Sequence[str]
) -> aiohttp.ClientWebSocketResponse:
    """An open websocket. Raises the ApiError with which the server refused it."""
    with faults(transport.address, sent=True):
        return await transport.session().ws_connect(
            transport.url(path), params=params, protocols=protocols, headers=transport.headers(), max_msg_size=0,
            server_hostname=transport.server_name, autoping=True,
        )  # fmt: skip


def exit_code(data: bytes) -> int:
    """The exit code that the Status of channel 3 tells. Raises the ApiError when the command could not be run."""
    status: dict[str, Any] = msgspec.json.decode(data)
    if status.get("status") == "Success":
        return 0
    if status.get("reason") == "NonZeroExitCode":
        for cause in (status.get("details") or {}).get("causes") or ():
            if cause.get("reason") == "ExitCode":
                return int(cause["message"])
    raise errors.from_status(status)


async def _send(socket: aiohttp.ClientWebSocketResponse, stdin: bytes) -> None:
    for start in range(0, len(stdin), CHUNK_BYTES):
        await socket.send_bytes(bytes((STDIN,)) + stdin[start : start + CHUNK_BYTES])
    await socket.send_bytes(bytes((CLOSE, STDIN)))
