"""The name server of the pods: services from a table, everything else from the machine's own name servers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.node.network import dns_message
from boatyard.node.runtime import ServiceRoute

ZONE = "cluster.local"
FORWARD_SECONDS = 5.0
MOST_FORWARDS = 200
"""Queries under way at once; more are answered with a failure, and the resolver asks again."""


def table(services: Sequence[ServiceRoute]) -> dict[str, tuple[str, ...]]:
    """Names and addresses: ``service.namespace.svc.cluster.local``."""
    return {
        f"{service.name}.{service.namespace}.svc.{ZONE}": (service.cluster_ip,) if service.cluster_ip else service.addresses
        for service in services
    }


def upstreams(path: str = "/etc/resolv.conf") -> list[str]:
    """The machine's name servers, IPv4 ones first."""
    found: list[str] = []
    try:
        with open(path) as file:
            for line in file:
                words = line.split()
                if len(words) > 1 and words[0] == "nameserver":
                    found.append(words[1])
    except OSError:
        pass
    return sorted(found, key=lambda address: ":" in address)


class NameServer:
    """Listens on one address, UDP and TCP."""

    def __init__(self, address: str, upstream: Sequence[str], port: int = 53, upstream_port: int = 53) -> None:
        self._address, self._port = address, port
        self._upstream, self._upstream_port = list(upstream), upstream_port
        self._names: dict[str, tuple[str, ...]] = {}
        self._under_way = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None

    def set_services(self, services: Sequence[ServiceRoute]) -> None:
        self._names = table(services)

    async def start(self, tasks: TaskGroup) -> None:
        """Raises OSError when the address or port is taken."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self, tasks), local_addr=(self._address, self._port), family=socket.AF_INET
        )
        self._server = await asyncio.start_server(self._connection, self._address, self._port)

    async def stop(self) -> None:
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()

    def at_once(self, query: bytes) -> bytes | None:
        """The answer that needs no other server; None when one has to be asked."""
        try:
            question = dns_message.Question(query)
        except ValueError:
            return dns_message.failure(query, dns_message.NOT_IMPLEMENTED) if len(query) > 1 else b""
        if question.name in self._names:
            return dns_message.answer(question, dns_message.OK, self._names[question.name])
        if question.name == ZONE or question.name.endswith(f".{ZONE}"):
            return dns_message.answer(question, dns_message.NO_SUCH_NAME)
        if not self._upstream or self._under_way >= MOST_FORWARDS:
            return dns_message.answer(question, dns_message.SERVER_FAILURE)
        return None

    async def forward(self, query: bytes) -> bytes:
        """Ask the machine's name servers one after the other, over a fresh port each time."""
        loop = asyncio.get_running_loop()
        self._under_way += 1
        try:
            for server in self._upstream:
                family = socket.AF_INET6 if ":" in server else socket.AF_INET
                with socket.socket(family, socket.SOCK_DGRAM) as upstream:
                    upstream.setblocking(False)
                    try:
                        await loop.sock_connect(upstream, (server, self._upstream_port))
                        await loop.sock_sendall(upstream, query)
                        async with asyncio.timeout(FORWARD_SECONDS / len(self._upstream)):
                            while (response := await loop.sock_recv(upstream, 65535))[:2] != query[:2]:
                                pass
                        return response
                    except (OSError, TimeoutError):
                        continue
        finally:
            self._under_way -= 1
        return dns_message.failure(query, dns_message.SERVER_FAILURE)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(FORWARD_SECONDS * 2):
                while True:
                    query = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                    response = self.at_once(query) or await self._forward_stream(query)
                    writer.write(len(response).to_bytes(2) + response)
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _forward_stream(self, query: bytes) -> bytes:
        for server in self._upstream:
            try:
                reader, writer = await asyncio.open_connection(server, self._upstream_port)
                try:
                    writer.write(len(query).to_bytes(2) + query)
                    return await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                finally:
                    writer.close()
            except (OSError, asyncio.IncompleteReadError):
                continue
        return dns_message.failure(query, dns_message.SERVER_FAILURE)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer, tasks: TaskGroup) -> None:
        self._server, self._tasks = server, tasks
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        response = self._server.at_once(data)
        if response is None:
            self._tasks.start(self._forward(data, addr), "forward a name query")
        elif response and self._transport is not None:
            self._transport.sendto(response, addr)

    async def _forward(self, query: bytes, addr: tuple[str, int]) -> None:
        response = await self._server.forward(query)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(response, addr)
