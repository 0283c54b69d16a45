"""Just enough nftables over netlink: tables, chains and rules in one transaction (kernel's ``linux/netfilter/nf_tables.h``).

A rule is a list of expressions; all numbers are big-endian. pyroute2 would do, at 200 ms and 20 MB for the node agent.
"""

from __future__ import annotations

import os
import socket
import struct

NEWTABLE, DELTABLE, NEWCHAIN, NEWRULE = 0, 2, 3, 6
PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING = range(5)
_BEGIN, _END, _SUBSYSTEM, _IPV4, _NESTED = 0x10, 0x11, 10, 2, 0x8000
_REQUEST, _ACK, _CREATE, _APPEND = 0x1, 0x4, 0x400, 0x800
_HEADER = struct.Struct("=IHHII")
_REGISTER, _SECOND_REGISTER, _VERDICT = 1, 2, 0


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    return attribute(kind | _NESTED, b"".join(parts))


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("!i", value))


def expression(name: str, *parts: bytes) -> bytes:
    return nested(1, text(1, name), nested(2, *parts))


def _load(base: int, offset: int, length: int) -> bytes:
    return expression("payload", number(1, _REGISTER), number(2, base), number(3, offset), number(4, length))


def _compare(value: bytes, *, equal: bool = True) -> bytes:
    return expression("cmp", number(1, _REGISTER), number(2, 0 if equal else 1), nested(3, attribute(1, value)))


def _mask(value: bytes) -> bytes:
    size = len(value)
    mask, xor = nested(4, attribute(1, value)), nested(5, attribute(1, bytes(size)))
    return expression("bitwise", number(1, _REGISTER), number(2, _REGISTER), number(3, size), mask, xor)


def protocol(name: str) -> bytes:
    """Match TCP or UDP."""
    value = {"TCP": socket.IPPROTO_TCP, "UDP": socket.IPPROTO_UDP}[name]
    return expression("meta", number(1, _REGISTER), number(2, 16)) + _compare(bytes([value]))


def destination(address: str) -> bytes:
    return _load(1, 16, 4) + _compare(socket.inet_aton(address))


def source(address: str) -> bytes:
    return _load(1, 12, 4) + _compare(socket.inet_aton(address))


def source_network(address: str, mask: str) -> bytes:
    return _load(1, 12, 4) + _mask(socket.inet_aton(mask)) + _compare(socket.inet_aton(address))


def destination_port(port: int) -> bytes:
    return _load(2, 2, 2) + _compare(struct.pack("!H", port))


def not_leaving_by(interface: str) -> bytes:
    name = interface.encode()[:15]
    return expression("meta", number(1, _REGISTER), number(2, 7)) + _compare(name + bytes(16 - len(name)), equal=False)


def one_in(count: int) -> bytes:
    """Match one connection of ``count``, at random."""
    pick = expression("numgen", number(1, _REGISTER), number(2, count), number(3, 1))
    return pick + _compare(struct.pack("=I", 0))


def translate_to(address: str, port: int) -> bytes:
    """Change the destination; ends the chain."""
    where = expression("immediate", number(1, _REGISTER), nested(2, attribute(1, socket.inet_aton(address))))
    which = expression("immediate", number(1, _SECOND_REGISTER), nested(2, attribute(1, struct.pack("!H", port))))
    return where + which + expression("nat", number(1, 1), number(2, _IPV4), number(3, _REGISTER), number(5, _SECOND_REGISTER))


def masquerade() -> bytes:
    return expression("masq")


def reject() -> bytes:
    """Answer that nobody is there."""
    return expression("reject", number(1, 0), attribute(2, bytes([3])))


class Transaction:
    """Collects changes of one table and makes them all at once, or none."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._messages: list[tuple[int, int, bytes]] = []

    def clear(self) -> Transaction:
        """The table is empty afterwards, whether it was there or not."""
        self._messages.append((NEWTABLE, _CREATE, text(1, self._table)))
        self._messages.append((DELTABLE, 0, text(1, self._table)))
        self._messages.append((NEWTABLE, _CREATE, text(1, self._table)))
        return self

    def drop(self) -> Transaction:
        """The table is gone afterwards, whether it was there or not."""
        self._messages.append((NEWTABLE, _CREATE, text(1, self._table)))
        self._messages.append((DELTABLE, 0, text(1, self._table)))
        return self

    def chain(self, name: str, kind: str, hook: int, priority: int) -> None:
        body = text(1, self._table) + text(3, name) + nested(4, number(1, hook), number(2, priority)) + text(7, kind)
        self._messages.append((NEWCHAIN, _CREATE, body))

    def rule(self, chain: str, *expressions: bytes) -> None:
        self._messages.append((NEWRULE, _CREATE | _APPEND, text(1, self._table) + text(2, chain) + nested(4, *expressions)))

    def commit(self) -> None:
        """Raises OSError with the kernel's first objection; nothing has changed then."""
        batch = _message(_BEGIN, 0, 0, struct.pack("!BBH", 0, 0, _SUBSYSTEM))
        for sequence, (kind, flags, body) in enumerate(self._messages, 1):
            batch += _message(_SUBSYSTEM << 8 | kind, flags | _ACK, sequence, struct.pack("!BBH", _IPV4, 0, 0) + body)
        batch += _message(_END, 0, len(self._messages) + 1, struct.pack("!BBH", 0, 0, _SUBSYSTEM))
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 12) as netlink:
            netlink.bind((0, 0))
            netlink.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, max(len(batch) * 2, 65536))
            netlink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, max(len(self._messages) * 2048, 65536))
            netlink.settimeout(10)
            netlink.send(batch)
            _expect(netlink, len(self._messages))


def _message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags | _REQUEST, sequence, 0) + body


def _expect(netlink: socket.socket, last: int) -> None:
    while True:
        data = netlink.recv(65536)
        while data:
            length, kind, _, sequence, _ = _HEADER.unpack_from(data)
            if kind == 2:
                (error,) = struct.unpack_from("=i", data, _HEADER.size)
                if error:
                    raise OSError(-error, f"nftables: {os.strerror(-error)}")
                if sequence == last:
                    return
            data = data[(length + 3) & ~3 :]
