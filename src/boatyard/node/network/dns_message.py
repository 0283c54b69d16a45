"""DNS messages (RFC 1035): one question in, addresses out. Pure."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence

A, AAAA, ANY = 1, 28, 255
OK, SERVER_FAILURE, NO_SUCH_NAME, NOT_IMPLEMENTED = 0, 2, 3, 4
_HEADER = struct.Struct("!HHHHHH")


class Question:
    """The first question of a query. Raises ValueError for anything that isn't a query with one question."""

    def __init__(self, query: bytes) -> None:
        if len(query) < _HEADER.size:
            raise ValueError("shorter than a header")
        self.id, flags, count, _, _, _ = _HEADER.unpack_from(query)
        if flags & 0xF800 or count != 1:
            raise ValueError("not a query of one question")
        self.recursion_desired = flags & 0x0100
        labels: list[str] = []
        at = _HEADER.size
        while True:
            if at >= len(query):
                raise ValueError("the name does not end")
            length = query[at]
            if length == 0:
                break
            if length > 63 or at + 1 + length > len(query):
                raise ValueError("a label is too long")
            labels.append(query[at + 1 : at + 1 + length].decode("latin-1").lower())
            at += 1 + length
        if at + 5 > len(query):
            raise ValueError("the question does not end")
        self.name = ".".join(labels)
        self.kind, _ = struct.unpack_from("!HH", query, at + 1)
        self.raw = query[_HEADER.size : at + 5]


def answer(question: Question, code: int, addresses: Sequence[str] = (), *, seconds: int = 5) -> bytes:
    """The response; addresses are said where IPv4 ones were asked for, as many as a datagram of 512 bytes holds."""
    chosen = addresses[: (512 - _HEADER.size - len(question.raw)) // 16] if question.kind in (A, ANY) else ()
    header = _HEADER.pack(question.id, 0x8480 | question.recursion_desired | code, 1, len(chosen), 0, 0)
    records = b"".join(struct.pack("!HHHIH", 0xC00C, A, 1, seconds, 4) + socket.inet_aton(address) for address in chosen)
    return header + question.raw + records


def failure(query: bytes, code: int) -> bytes:
    """To a query that could not be read or served."""
    (identifier,) = struct.unpack_from("!H", query)
    return _HEADER.pack(identifier, 0x8080 | code, 0, 0, 0, 0)
