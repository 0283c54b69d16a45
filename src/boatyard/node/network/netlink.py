"""Just enough rtnetlink for a pod's link, with the standard library alone (kernel's ``rtnetlink(7)``): links, addresses, routes.

The supervisor uses it, which has no other library; so the agent needs no pyroute2 (200 ms to import) either.
"""

from __future__ import annotations

import os
import socket
import struct

NEWLINK, DELLINK, NEWADDR, NEWROUTE = 16, 17, 20, 24
REQUEST, ACK, REPLACE, EXCL, CREATE = 0x1, 0x4, 0x100, 0x200, 0x400
ADDRESS, IFNAME, MASTER, NET_NS_PID, LINKINFO, INFO_KIND, INFO_DATA, VETH_PEER = 1, 3, 10, 19, 18, 1, 2, 1
INFO_SLAVE_KIND, INFO_SLAVE_DATA, PORT_MODE = 4, 5, 4
UP = 1
_HEADER = struct.Struct("=IHHII")


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def link(index: int, *, up: bool) -> bytes:
    """``struct ifinfomsg``."""
    return struct.pack("=BxHiII", 0, 0, index, UP if up else 0, UP if up else 0)


class Netlink:
    """A socket of the network namespace it was opened in, whatever becomes of the process."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, kind: int, flags: int, body: bytes) -> None:
        """One request and its acknowledgement. Raises OSError with the kernel's error."""
        self._sequence += 1
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), kind, flags | REQUEST | ACK, self._sequence, 0) + body)
        answer = self._socket.recv(65536)
        (error,) = struct.unpack_from("=i", answer, _HEADER.size)
        if error:
            raise OSError(-error, os.strerror(-error))

    def make_pair(self, name: str, master: int, peer: str, namespace_pid: int) -> None:
        """A veth pair: ``name`` here, up and part of the bridge ``master``; ``peer`` in the namespace of that process."""
        other = link(0, up=False) + text(IFNAME, peer) + number(NET_NS_PID, namespace_pid)
        info = text(INFO_KIND, "veth") + attribute(INFO_DATA, attribute(VETH_PEER, other))
        self.ask(NEWLINK, CREATE | EXCL, link(0, up=True) + text(IFNAME, name) + number(MASTER, master) + attribute(LINKINFO, info))

    def make_bridge(self, name: str, hardware_address: bytes) -> None:
        body = link(0, up=False) + text(IFNAME, name) + attribute(ADDRESS, hardware_address)
        self.ask(NEWLINK, CREATE | EXCL, body + attribute(LINKINFO, text(INFO_KIND, "bridge")))

    def send_back(self, name: str) -> None:
        """Let the bridge send frames out by the port they came from: where bridged traffic passes the host's packet filter
        (br_netfilter), a pod's connection to itself by a service takes that way."""
        info = text(INFO_SLAVE_KIND, "bridge") + attribute(INFO_SLAVE_DATA, attribute(PORT_MODE, b"\1"))
        self.ask(NEWLINK, 0, struct.pack("=BxHiII", 0, 0, 0, 0, 0) + text(IFNAME, name) + attribute(LINKINFO, info))

    def remove(self, name: str) -> None:
        self.ask(DELLINK, 0, link(0, up=False) + text(IFNAME, name))

    def set_up(self, index: int) -> None:
        self.ask(NEWLINK, 0, link(index, up=True))

    def add_address(self, index: int, address: str, prefix: int) -> None:
        packed = socket.inet_aton(address)
        body = struct.pack("=BBBBi", socket.AF_INET, prefix, 0, 0, index)
        self.ask(NEWADDR, CREATE | REPLACE, body + attribute(2, packed) + attribute(1, packed))

    def add_route(self, index: int, destination: str, prefix: int, gateway: str = "") -> None:
        """To ``destination`` (empty for the default) by ``gateway``, or on the link itself."""
        scope = 0 if gateway else 253
        body = struct.pack("=BBBBBBBBI", socket.AF_INET, prefix, 0, 0, 254, 3, scope, 1, 0)
        if destination:
            body += attribute(1, socket.inet_aton(destination))
        if gateway:
            body += attribute(5, socket.inet_aton(gateway))
        self.ask(NEWROUTE, CREATE | REPLACE, body + number(4, index))
