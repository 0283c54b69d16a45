"""HTTP/1.1 over TLS at little cost: non-blocking sockets, ready-made requests, and of the answers only status and length.

A client library would spend more on a request than the servers measured do.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

RECORD_BYTES = 16384
"""The longest record of TLS: no more comes at once, and a larger buffer would have to be made anew each time."""


@dataclass(frozen=True)
class Server:
    """Where a server is and who its caller says to be."""

    port: int
    ca: str
    """Path of the certificate authority's PEM."""
    token: str

    def tls(self) -> ssl.SSLContext:
        """What a client of this server needs."""
        return ssl.create_default_context(cafile=self.ca)


def request(server: Server, method: str, path: str, body: bytes = b"", type: str = "application/json") -> bytes:
    """A request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUser-Agent: bench\r\nAccept: application/json\r\n"
    head += f"Authorization: Bearer {server.token}\r\n"
    if body:
        head += f"Content-Type: {type}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


class Connection:
    """One connection, one request at a time. ``answered`` gets the status and the body's length of each answer."""

    def __init__(self, server: Server, tls: ssl.SSLContext, answered: Callable[[int, int], None]) -> None:
        plain = socket.create_connection(("127.0.0.1", server.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = tls.wrap_socket(plain, server_hostname="127.0.0.1")
        self.socket.setblocking(False)
        self.answered = answered
        self.sample = b""
        """The end of the last answer, for messages."""
        self.beginning = b""
        """How the last answer began; at most as much as came at once."""
        self._unsent = b""
        self._clear()

    def _clear(self) -> None:
        self._head = b""
        self._status = 0
        self._left = 0
        self._length = 0
        self._chunked = False
        self._tail = b""

    def send(self, data: bytes) -> None:
        """Send a request; what doesn't fit now goes with the next :meth:`ready`."""
        self._unsent += data
        self._flush()

    def _flush(self) -> None:
        while self._unsent:
            try:
                sent = self.socket.send(self._unsent)
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return
            self._unsent = self._unsent[sent:]

    @property
    def wants_to_send(self) -> bool:
        return bool(self._unsent)

    def ready(self) -> None:
        """Read what is there. Raises ConnectionError when the server closed."""
        if self._unsent:
            self._flush()
        for data in received(self.socket):
            self._take(data)

    def _take(self, data: bytes) -> None:
        if not self._status:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self._head[:end].lower(), self._head[end + 4 :]
            self._status = int(head[9:12])
            at = head.find(b"\r\ncontent-length:")
            if at >= 0:
                self._left = int(head[at + 17 :].split(b"\r\n", 1)[0])
            else:
                self._chunked = b"\r\ntransfer-encoding: chunked" in head
        if not self._length:
            self.beginning = data
        self._length += len(data)
        self._tail = (self._tail + data)[-4096:]
        whole = self._tail.endswith(b"0\r\n\r\n") if self._chunked else self._length >= self._left
        if whole:
            status, length, self.sample = self._status, self._length, self._tail
            self._clear()
            self.answered(status, length)


def received(connection: ssl.SSLSocket) -> list[bytes]:
    """All that can be read now. Raises ConnectionError at the end of the stream."""
    parts: list[bytes] = []
    while True:
        try:
            data = connection.recv(RECORD_BYTES)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return parts
        if not data:
            raise ConnectionError("the server closed the connection")
        parts.append(data)
        if len(data) < RECORD_BYTES and not connection.pending():
            return parts


class Loop:
    """Calls whoever's socket has something to read (or can be written to)."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._ready: dict[int, Callable[[], None]] = {}

    def add(self, connection: ssl.SSLSocket, ready: Callable[[], None]) -> None:
        """Call ``ready`` whenever there is something."""
        self._ready[connection.fileno()] = ready
        self._poll.register(connection.fileno(), select.EPOLLIN)

    def writing(self, connection: ssl.SSLSocket, wanted: bool) -> None:
        """Whether to call it also when it can be written to."""
        self._poll.modify(connection.fileno(), select.EPOLLIN | (select.EPOLLOUT if wanted else 0))

    def turn(self, seconds: float) -> None:
        """Wait at most so long, and call."""
        for descriptor, _ in self._poll.poll(seconds):
            self._ready[descriptor]()
