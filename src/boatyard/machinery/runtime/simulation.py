"""Virtual time under a seed: an event loop whose clock jumps, and the world of a simulation.

    def scenario(world): ...            # async; starts components, waits, checks
    history = simulate(seed, scenario)  # the same seed gives the same bytes

Nothing really waits: when no task can go on, the clock jumps to the next timer; when there is no timer either, that is a
:class:`Deadlock`. Order is decided by the program and the seed alone, so a failure is repeated by its seed.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import heapq
import logging
import random
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from boatyard.machinery.runtime.world import ALPHABET

Result = TypeVar("Result")

START = 1_767_225_600.0
"""2026-01-01T00:00:00Z: when every simulation begins."""


class Deadlock(RuntimeError):
    """Every task waits for another: nothing can happen any more."""


class Overtime(RuntimeError):
    """The simulation went on for longer than its limit of virtual time."""


class Owner(Protocol):
    """Whom a task belongs to; what belongs to a dead one never runs again."""

    dead: bool


OWNER: contextvars.ContextVar[Owner] = contextvars.ContextVar("owner")
"""Set in the context of every task of a component, and inherited by what those tasks start."""


class SimLoop(asyncio.BaseEventLoop):
    """An asyncio event loop without I/O, threads or waiting."""

    def __init__(self, limit_seconds: float = 86_400.0) -> None:
        super().__init__()
        self._virtual = 0.0
        self._limit = limit_seconds
        self._clock_resolution = 1e-9
        self._cancelled_timers = 0
        self._buried: list[Any] = []  # what belongs to the dead stays referenced, so that no finalizer of it runs

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._virtual

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> asyncio.Handle:
        """As asyncio's, without its checks: this is where a simulation spends its time."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        if not ready and not self._stopping:  # type: ignore[attr-defined]
            while scheduled and scheduled[0]._cancelled:
                heapq.heappop(scheduled)._scheduled = False
                self._cancelled_timers -= 1
            if not scheduled:
                raise Deadlock(self._waiting())
            self._virtual = max(self._virtual, scheduled[0]._when)
            if self._virtual > self._limit:
                raise Overtime(f"more than {self._limit:.0f} virtual seconds; " + self._waiting())
        while scheduled and scheduled[0]._when <= self._virtual:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if handle._cancelled:
                self._cancelled_timers -= 1
            else:
                ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            owner = handle._context.get(OWNER)
            if owner is not None and owner.dead:
                self._buried.append(handle)
                continue
            handle._run()

    def _waiting(self) -> str:
        told = sorted(
            f"{task.get_name()} at {task.get_stack(limit=1)[-1:] or '?'}" for task in asyncio.all_tasks(self) if not task.done()
        )
        return "waiting: " + "; ".join(told)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        if handle._scheduled:  # type: ignore[attr-defined]
            self._cancelled_timers += 1
            if self._cancelled_timers > 500 and self._cancelled_timers * 2 > len(self._scheduled):  # type: ignore[attr-defined]
                self._forget_cancelled_timers()

    def _forget_cancelled_timers(self) -> None:
        kept = []
        for handle in self._scheduled:  # type: ignore[attr-defined]
            if handle._cancelled:
                handle._scheduled = False
            else:
                kept.append(handle)
        heapq.heapify(kept)
        self._scheduled[:] = kept  # type: ignore[attr-defined]
        self._cancelled_timers = 0

    def _write_to_self(self) -> None:
        pass

    def _asyncgen_firstiter_hook(self, agen: Any) -> None:
        pass

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Raises: a simulation has no threads. What needs one belongs behind a port."""
        raise RuntimeError(f"{func} asks for a thread inside a simulation")

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Collect what asyncio would only log (a callback that raised): :func:`simulate` raises it."""
        error = context.get("exception")
        if error is not None:
            self.faults.append(error)

    @property
    def faults(self) -> list[BaseException]:
        """Exceptions that nobody else was told of."""
        return self.__dict__.setdefault("_faults", [])

    def bury_all(self) -> None:
        """After the end: take apart what is still suspended, without a word."""
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            try:
                task.get_coro().close()  # type: ignore[union-attr]
            except BaseException:
                pass
        self._ready.clear()  # type: ignore[attr-defined]
        self._scheduled.clear()  # type: ignore[attr-defined]
        self._buried.clear()
        self.close()


class SimWorld:
    """Time, randomness and identifiers of a simulation, all from the seed; and its history."""

    def __init__(self, seed: int, loop: SimLoop) -> None:
        self.seed, self.loop = seed, loop
        self.random: random.Random = random.Random(seed)
        self.crashing = True
        """Whether components may still crash; a scenario switches it off before it waits for everything to settle."""
        self.lines: list[str] = []

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
        self.lines.append(f"{self.loop.time():.6f} {text}")

    @property
    def history(self) -> bytes:
        """All that was noted, a line each."""
        return "\n".join(self.lines).encode()

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


def simulate(
    seed: int, scenario: Callable[[SimWorld], Coroutine[Any, Any, Any]], *, limit_seconds: float = 7 * 86_400.0
) -> bytes:
    """Run ``scenario(world)`` in virtual time to its end and return the history. Raises what it raised, :class:`Deadlock`,
    :class:`Overtime`, or an exception that a component died of, ignored or only logged."""
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
