"""Doing what probes and lifecycle hooks declare: run a command, ask over HTTP, open a connection, wait."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, NamedTuple, Protocol

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.runtime.world import World
from boatyard.node.runtime import ContainerState, MachineError, NodeRuntime

LONGEST_OUTPUT_BYTES = 10_240


class Target(NamedTuple):
    """The container that is asked."""

    pod_uid: str
    pod_ip: str
    container: Object
    state: ContainerState


class Outcome(NamedTuple):
    """How it went. ``message`` says why not."""

    ok: bool
    message: str = ""


class Actions(Protocol):
    """What carries handlers out. A simulation has one of its own."""

    async def act(self, target: Target, handler: Object, timeout_seconds: float) -> Outcome:
        """Carry out ``exec``, ``httpGet``, ``tcpSocket`` or ``sleep``. Never raises but for cancellation."""
        ...


class MachineActions:
    """Over the machine's own network and the runtime's exec."""

    def __init__(self, runtime: NodeRuntime, world: World) -> None:
        self._runtime, self._world = runtime, world
        self._session: Any = None

    async def act(self, target: Target, handler: Object, timeout_seconds: float) -> Outcome:
        try:
            async with asyncio.timeout(timeout_seconds):
                if handler.get("exec") is not None:
                    return await self._exec(target, tuple(handler["exec"].get("command") or ()))
                if handler.get("httpGet") is not None:
                    return await self._http(target, handler["httpGet"])
                if handler.get("tcpSocket") is not None:
                    return await self._tcp(target, handler["tcpSocket"])
                if handler.get("sleep") is not None:
                    await self._world.sleep(handler["sleep"].get("seconds") or 0)
                    return Outcome(True)
            return Outcome(False, "no handler that this node knows: exec, httpGet, tcpSocket, sleep")
        except TimeoutError:
            return Outcome(False, f"timed out after {timeout_seconds:g}s")
        except (MachineError, OSError, ValueError) as error:
            return Outcome(False, str(error) or type(error).__name__)

    async def close(self) -> None:
        """Release connections."""
        if self._session is not None:
            await self._session.close()

    async def _exec(self, target: Target, argv: tuple[str, ...]) -> Outcome:
        stream = await self._runtime.exec(target.pod_uid, target.container["name"], argv, tty=False, stdin=False)
        said = bytearray()
        try:
            async for _, data in stream.output():
                if len(said) < LONGEST_OUTPUT_BYTES:
                    said += data[: LONGEST_OUTPUT_BYTES - len(said)]
            code = await stream.wait()
        except BaseException:
            await stream.kill()
            raise
        told = said.decode(errors="replace").strip()
        return Outcome(code == 0, told or f"command exited with {code}")

    async def _http(self, target: Target, get: Object) -> Outcome:
        import aiohttp

        if self._session is None:
            trusting = ssl.create_default_context()
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            connector = aiohttp.TCPConnector(ssl=trusting, force_close=True, limit=0)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        scheme = (get.get("scheme") or "HTTP").lower()
        host, port = get.get("host") or target.pod_ip, port_number(target.container, get.get("port"))
        path = get.get("path") or "/"
        url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{path if path.startswith('/') else '/' + path}"
        headers = {"User-Agent": "kube-probe/1.32", "Accept": "*/*"}
        headers |= {header["name"]: header.get("value", "") for header in get.get("httpHeaders") or ()}
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
                body = (await answer.content.read(LONGEST_OUTPUT_BYTES)).decode(errors="replace").strip()
                if 200 <= answer.status < 400:
                    return Outcome(True, body)
                return Outcome(False, f"HTTP probe failed with statuscode: {answer.status}")
        except aiohttp.ClientError as error:
            return Outcome(False, f'Get "{url}": {error}')

    async def _tcp(self, target: Target, socket: Object) -> Outcome:
        host, port = socket.get("host") or target.pod_ip, port_number(target.container, socket.get("port"))
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        return Outcome(True)


def port_number(container: Object, port: int | str | None) -> int:
    """A port's number, by itself or by the name the container gives it. Raises ValueError."""
    if isinstance(port, int):
        return port
    for declared in container.get("ports") or ():
        if port and declared.get("name") == port:
            return declared["containerPort"]
    if isinstance(port, str) and port.isdigit():
        return int(port)
    raise ValueError(f"the container has no port named {port!r}")
