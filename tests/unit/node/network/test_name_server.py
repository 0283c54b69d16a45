"""Names of services come from the table, all others from the machine's name servers; nothing hostile gets through."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

import pytest

from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.node.network import dns_message
from boatyard.node.network.dns import NameServer, table
from boatyard.node.runtime import ServiceRoute

SERVICES = [ServiceRoute("team", "web", "10.96.0.1"), ServiceRoute("team", "db", "", ("10.1.0.1", "10.1.0.2"))]


def query(name: str, kind: int = dns_message.A, identifier: int = 7) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", identifier, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def read(response: bytes) -> tuple[int, list[str]]:
    """Code and addresses."""
    identifier, flags, _, count, _, _ = struct.unpack_from("!HHHHHH", response)
    assert identifier == 7 and flags & 0x8000
    records = response[len(response) - 16 * count :]
    return flags & 15, [socket.inet_ntoa(records[16 * at + 12 : 16 * at + 16]) for at in range(count)]


@pytest.fixture
def server() -> NameServer:
    made = NameServer("127.0.0.1", [])
    made.set_services(SERVICES)
    return made


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("web.team.svc.cluster.local", dns_message.A, (0, ["10.96.0.1"])),
        ("WEB.Team.svc.CLUSTER.local", dns_message.A, (0, ["10.96.0.1"])),
        ("db.team.svc.cluster.local", dns_message.A, (0, ["10.1.0.1", "10.1.0.2"])),
        ("web.team.svc.cluster.local", dns_message.AAAA, (0, [])),
        ("nope.team.svc.cluster.local", dns_message.A, (dns_message.NO_SUCH_NAME, [])),
        ("web.team.svc.cluster.local.svc.cluster.local", dns_message.A, (dns_message.NO_SUCH_NAME, [])),
        ("example.org", dns_message.A, (dns_message.SERVER_FAILURE, [])),
    ],
)
def test_answers(server: NameServer, name: str, kind: int, expected: tuple[int, list[str]]) -> None:
    response = server.at_once(query(name, kind))
    assert response is not None and read(response) == expected


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"x",
        b"\0\7" + b"\0" * 9,
        query("a")[:-3],
        b"\0\7\x01\0\0\1\0\0\0\0\0\0\xff",
        b"\0\7\x81\0\0\1\0\0\0\0\0\0\0\0\1\0\1",
        bytes(512),
    ],
)
def test_what_is_no_query_does_no_harm(server: NameServer, bad: bytes) -> None:
    response = server.at_once(bad)
    assert response == b"" or (response is not None and response[3] & 15 == dns_message.NOT_IMPLEMENTED)


def test_a_service_with_many_endpoints_fits_a_datagram(server: NameServer) -> None:
    server.set_services([ServiceRoute("n" * 63, "s" * 30, "", tuple(f"10.0.0.{number}" for number in range(100)))])
    response = server.at_once(query(f"{'s' * 30}.{'n' * 63}.svc.cluster.local"))
    assert response is not None and len(response) <= 512


def test_a_headless_service_has_its_endpoints_addresses() -> None:
    assert table(SERVICES)["db.team.svc.cluster.local"] == ("10.1.0.1", "10.1.0.2")


class Upstream(asyncio.DatagramProtocol):
    """Answers everything with 192.0.2.9, after a forged answer of another id."""

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(b"\xff\xff" + data[2:], addr)
        self.transport.sendto(dns_message.answer(dns_message.Question(data), 0, ["192.0.2.9"]), addr)


@pytest.fixture
async def ports() -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    upstream, _ = await loop.create_datagram_endpoint(Upstream, local_addr=("127.0.0.1", 0))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with TaskGroup() as tasks:
        server = NameServer("127.0.0.1", ["127.0.0.1"], port, upstream.get_extra_info("sockname")[1])
        server.set_services(SERVICES)
        await server.start(tasks)
        yield port
        await server.stop()
        tasks.cancel()
    upstream.close()


async def ask(port: int, data: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, data)
        return await asyncio.wait_for(loop.sock_recv(client, 4096), 60)


async def test_over_udp(ports: int) -> None:
    assert read(await ask(ports, query("web.team.svc.cluster.local"))) == (0, ["10.96.0.1"])
    assert read(await ask(ports, query("example.org"))) == (0, ["192.0.2.9"])


async def test_over_tcp(ports: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ports)
    for _ in range(2):
        data = query("db.team.svc.cluster.local")
        writer.write(len(data).to_bytes(2) + data)
        response = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        assert read(response) == (0, ["10.1.0.1", "10.1.0.2"])
    writer.close()
