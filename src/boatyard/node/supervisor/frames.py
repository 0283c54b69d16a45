"""What goes over a control socket: frames of one byte kind, four bytes length, payload.

Kinds: 0 a JSON message, 1 and 2 a command's stdout and stderr, 3 its stdin (empty: closed).
"""

from __future__ import annotations

import json
import struct

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import Any

MESSAGE, STDOUT, STDERR, STDIN = 0, 1, 2, 3
HEADER = struct.Struct("!BI")
LONGEST = 16 * 1024 * 1024


class FrameError(Exception):
    """The other side doesn't speak this protocol."""


def frame(kind: int, payload: bytes) -> bytes:
    return HEADER.pack(kind, len(payload)) + payload


def message(content: dict[str, Any]) -> bytes:
    return frame(MESSAGE, json.dumps(content).encode())


class Frames:
    """Puts received bytes together again."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The frames that are complete now. Raises :class:`FrameError`."""
        self._buffer += data
        found: list[tuple[int, bytes]] = []
        while len(self._buffer) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._buffer)
            if kind > STDIN or length > LONGEST:
                raise FrameError(f"frame of kind {kind} with {length} bytes")
            if len(self._buffer) < HEADER.size + length:
                break
            found.append((kind, bytes(self._buffer[HEADER.size : HEADER.size + length])))
            del self._buffer[: HEADER.size + length]
        return found
