"""Virtual time under a seed: an event loop whose clock jumps, and the world of a simulation.

    def scenario(world): ...            # async; starts components, waits, checks
    history = simulate(seed, scenario)  # the same seed gives the same bytes

Nothing really waits: when no task can go on, the clock jumps to the next timer; when there is no timer either, that is a Deadlock.
Order is decided by the program and the seed alone, so a failure is repeated by its seed. The loop is in ``simloop``.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from boatyard.machinery.runtime.simloop import SimLoop
from boatyard.machinery.runtime.world import ALPHABET

START = 1_767_225_600.0
"""2026-01-01T00:00:00Z: when every simulation begins."""
LINES_AT_ONCE = 10_000
"""Lines of history that are kept apart before they become bytes, which need a third of the memory."""


class SimWorld:
    """Time, randomness and identifiers of a simulation, all from the seed; and its history."""

    def __init__(self, seed: int, loop: SimLoop) -> None:
        self.seed, self.loop = seed, loop
        self.random: random.Random = random.Random(seed)
        self.crashing = True
        """Whether components may still crash; a scenario switches it off before it waits for everything to settle."""
        self._lines: list[str] = []
        self._past = bytearray()

    def now(self) -> float:
        return START + self.loop.time()

    def monotonic(self) -> float:
        return self.loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def uid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def token(self, length: int = 5) -> str:
        return "".join(self.random.choices(ALPHABET, k=length))

    def note(self, text: str) -> None:
        """Write a line of history."""
        self._lines.append(f"{self.loop.time():.6f} {text}")
        if len(self._lines) == LINES_AT_ONCE:
            self._past += "\n".join(self._lines).encode()
            self._lines[:] = [""]

    @property
    def history(self) -> bytes:
        """All that was noted, a line each."""
        return b"".join((self._past, "\n".join(self._lines).encode()))

    async def until(self, holds: Callable[[], bool | Awaitable[bool]], what: str, *, within: float = 3600.0) -> None:
        """Wait, in virtual time, until ``holds()``. Raises TimeoutError, telling ``what`` never held, after ``within`` seconds."""
        deadline = self.loop.time() + within
        pause = 0.05
        while True:
            answer = holds()
            if (answer if isinstance(answer, bool) else await answer) is True:
                return
            if self.loop.time() >= deadline:
                raise TimeoutError(f"seed {self.seed}: not within {within:.0f} virtual seconds: {what}")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 5.0)


class _Bugs(logging.Handler):
    """What the program survives by logging it with a traceback (a bug in a pass, in a handler) fails a simulation."""

    def __init__(self, loop: SimLoop) -> None:
        super().__init__(logging.ERROR)
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self._loop.faults.append(record.exc_info[1])
            self._loop.stop()


def simulate(seed: int, scenario: Callable[[SimWorld], Coroutine[Any, Any, Any]], *, limit_seconds: float = 7 * 86_400.0) -> bytes:
    """Run ``scenario(world)`` in virtual time to its end and return the history. Raises what it raised, Deadlock,
    Overtime, or an exception that a component died of, ignored or only logged."""
    loop = SimLoop(limit_seconds)
    world = SimWorld(seed, loop)
    collecting = gc.isenabled()
    bugs = _Bugs(loop)
    logging.getLogger("boatyard").addHandler(bugs)
    gc.disable()  # a collection at a random moment would run finalizers at a random moment
    try:
        asyncio.set_event_loop(loop)
        main = loop.create_task(scenario(world), name="scenario")
        main.add_done_callback(lambda _: loop.stop())
        loop.run_forever()
        if loop.faults:
            raise loop.faults[0]
        main.result()
        return world.history
    finally:
        logging.getLogger("boatyard").removeHandler(bugs)
        asyncio.set_event_loop(None)
        loop.bury_all()
        if collecting:
            gc.enable()
