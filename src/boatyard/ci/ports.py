"""Which port a CI server listens on: on one machine many share an address, and none may ever move by accident. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

FIRST, LAST = 20000, 29999


def choose(namespace: str, name: str, taken: Collection[int]) -> int:
    """A free port: where the name's hash points to, or the next free one after it. Raises RuntimeError when all are taken."""
    size = LAST - FIRST + 1
    start = int.from_bytes(hashlib.sha256(f"{namespace}/{name}".encode()).digest()[:4]) % size
    for step in range(size):
        port = FIRST + (start + step) % size
        if port not in taken:
            return port
    raise RuntimeError(f"all ports from {FIRST} to {LAST} are taken by CI servers")
