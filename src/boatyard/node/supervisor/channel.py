"""One connection of the agent, seen from the supervisor: frames in, frames out, never blocking."""

from __future__ import annotations

import socket
from collections.abc import Callable

from boatyard.node.supervisor import frames
from boatyard.node.supervisor.loop import READ, WRITE, Loop

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import Any

HIGH_WATER = 1024 * 1024


class Channel:
    """Calls ``on_frame(channel, kind, payload)``, ``on_close(channel)`` once, and ``drained()`` whenever all output has gone."""

    def __init__(self, loop: Loop, connection: socket.socket, on_frame: Callable[[Channel, int, bytes], None]) -> None:
        self._loop = loop
        self._socket = connection
        self._frames = frames.Frames()
        self._out = bytearray()
        self._on_frame = on_frame
        self.on_close: Callable[[], None] = lambda: None
        self.drained: Callable[[], None] = lambda: None
        self.open = True
        connection.setblocking(False)
        loop.watch(connection.fileno(), READ, self._ready)

    @property
    def full(self) -> bool:
        """More waits to be sent than is healthy: whoever produces should stop until ``drained``."""
        return len(self._out) > HIGH_WATER

    @property
    def idle(self) -> bool:
        return not self._out

    def send(self, kind: int, payload: bytes) -> None:
        if self.open:
            self._out += frames.frame(kind, payload)
            self._flush()

    def say(self, content: dict[str, Any]) -> None:
        if self.open:
            self._out += frames.message(content)
            self._flush()

    def close(self) -> None:
        if self.open:
            self.open = False
            self._loop.forget(self._socket.fileno())
            self._socket.close()
            self.on_close()

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if self.open and events & ~WRITE:
            self._receive()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(262144)
            received = self._frames.feed(data)
        except BlockingIOError:
            return
        except (OSError, frames.FrameError):
            data, received = b"", []
        for kind, payload in received:
            if self.open:
                self._on_frame(self, kind, payload)
        if not data:
            self.close()

    def _flush(self) -> None:
        try:
            while self._out:
                sent = self._socket.send(memoryview(self._out)[:262144])
                del self._out[:sent]
        except BlockingIOError:
            self._loop.change(self._socket.fileno(), READ | WRITE)
            return
        except OSError:
            self.close()
            return
        self._loop.change(self._socket.fileno(), READ)
        self.drained()
