"""What the program may know of the outside that isn't a resource: time, randomness and identifiers.

They are handed in, so that a whole control plane runs in virtual time under a seed. Nothing outside ``machinery/runtime`` calls
``time``, ``random`` or ``uuid``; waiting is ``world.sleep`` or the event loop's own timers (which a simulation makes virtual).
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from typing import Protocol


class World(Protocol):
    """Time, randomness and identifiers. :class:`RealWorld` in the program, ``sim.SimWorld`` in a simulation."""

    random: random.Random

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; at least give way once."""
        ...

    def uid(self) -> str:
        """A fresh UUID in its usual form."""
        ...

    def token(self, length: int = 5) -> str:
        """Fresh lower-case characters for a generated name, of the alphabet Kubernetes uses (no vowels, no look-alikes)."""
        ...


ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


class RealWorld:
    """The machine's clock, the system's randomness."""

    def __init__(self) -> None:
        self.random: random.Random = random.SystemRandom()

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def uid(self) -> str:
        return str(uuid.uuid4())

    def token(self, length: int = 5) -> str:
        return "".join(self.random.choice(ALPHABET) for _ in range(length))
