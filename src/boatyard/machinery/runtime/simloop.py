"""The event loop of a simulation: its clock jumps, its order is the program's alone, its memory is cleared when it says so."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import heapq
import sys
from collections.abc import Callable
from typing import Any, Protocol

COLLECT_EVERY_STEPS = 100_000
"""Steps between two clearings of memory: what some 500 builds take."""


class Deadlock(RuntimeError):
    """Every task waits for another: nothing can happen any more."""


class Overtime(RuntimeError):
    """The simulation went on for longer than its limit of virtual time."""


class Owner(Protocol):
    """Whom a task belongs to; what belongs to a dead one never runs again."""

    dead: bool

    def own(self, task: asyncio.Task[Any]) -> None:
        """Hear of a task that was started in its name."""

    def take_apart(self) -> None:
        """Let go of everything, after death."""


OWNER: contextvars.ContextVar[Owner] = contextvars.ContextVar("owner")
"""Set in the context of every task of a component, and inherited by what those tasks start."""


class _Handle(asyncio.Handle):
    """asyncio's, without asking the loop whether it is being debugged: a simulation makes two hundred of them for a build."""

    __slots__ = ()

    def __init__(self, callback: Any, args: Any, loop: Any, context: contextvars.Context | None) -> None:
        self._context = contextvars.copy_context() if context is None else context
        self._loop, self._callback, self._args = loop, callback, args
        self._cancelled, self._repr, self._source_traceback = False, None, None


class _Timer(asyncio.TimerHandle):
    """The same for later."""

    __slots__ = ()

    def __init__(self, when: float, callback: Any, args: Any, loop: Any, context: contextvars.Context | None) -> None:
        self._context = contextvars.copy_context() if context is None else context
        self._loop, self._callback, self._args = loop, callback, args
        self._cancelled, self._repr, self._source_traceback = False, None, None
        self._when, self._scheduled = when, True


class SimLoop(asyncio.BaseEventLoop):
    """An asyncio event loop without I/O, threads or waiting."""

    def __init__(self, limit_seconds: float = 86_400.0) -> None:
        super().__init__()
        self._virtual = 0.0
        self._limit = limit_seconds
        self._clock_resolution = 1e-9
        self._timers: list[tuple[float, int, _Timer]] = []
        """A heap: when, in which order it was asked for, what."""
        self._timers_made = 0
        self._cancelled_timers = 0
        self._dead: list[Owner] = []
        self._buried: list[Any] = []
        """What belongs to the dead stays referenced until memory is cleared: no finalizer of it runs at a random moment."""
        self._collecting = False
        self._steps = 0
        self.faults: list[BaseException] = []
        """Exceptions that nobody else was told of."""

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._virtual

    def get_debug(self) -> bool:
        """Never."""
        return False

    # --- what is to run: as asyncio's, without its checks, since this is where a simulation spends its time ---

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> asyncio.Handle:
        handle = _Handle(callback, args, self, context)
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: contextvars.Context | None = None) -> _Timer:
        return self.call_at(self._virtual + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None) -> _Timer:
        timer = _Timer(when, callback, args, self, context)
        self._timers_made += 1
        heapq.heappush(self._timers, (when, self._timers_made, timer))
        return timer

    def create_task(self, coro: Any, *, name: Any = None, context: contextvars.Context | None = None) -> asyncio.Task[Any]:
        """A task; whoever owns it hears of it."""
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        owner = OWNER.get(None) if context is None else context.get(OWNER)
        if owner is not None:
            owner.own(task)
        return task

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers  # type: ignore[attr-defined]
        if not ready and not self._stopping:  # type: ignore[attr-defined]
            while timers and timers[0][2]._cancelled:
                heapq.heappop(timers)[2]._scheduled = False
                self._cancelled_timers -= 1
            if not timers:
                raise Deadlock(self._waiting())
            self._virtual = max(self._virtual, timers[0][0])
            if self._virtual > self._limit:
                raise Overtime(f"more than {self._limit:.0f} virtual seconds; " + self._waiting())
        now = self._virtual
        while timers and timers[0][0] <= now:
            timer = heapq.heappop(timers)[2]
            timer._scheduled = False
            if timer._cancelled:
                self._cancelled_timers -= 1
            else:
                ready.append(timer)
        self._steps += len(ready)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            context = handle._context
            owner = context.get(OWNER)
            if owner is not None and owner.dead:
                self._buried.append(handle)
                continue
            try:
                context.run(handle._callback, *handle._args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                self.faults.append(error)
        if self._steps >= COLLECT_EVERY_STEPS:
            self._collect()

    def _waiting(self) -> str:
        told = sorted(
            f"{task.get_name()} at {task.get_stack(limit=1)[-1:] or '?'}" for task in asyncio.all_tasks(self) if not task.done()
        )
        return "waiting: " + "; ".join(told)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        if handle._scheduled:  # type: ignore[attr-defined]
            self._cancelled_timers += 1
            if self._cancelled_timers > 500 and self._cancelled_timers * 2 > len(self._timers):
                self._forget_cancelled_timers()

    def _forget_cancelled_timers(self) -> None:
        for entry in self._timers:
            if entry[2]._cancelled:
                entry[2]._scheduled = False
        self._timers[:] = [entry for entry in self._timers if entry[2]._scheduled]
        heapq.heapify(self._timers)
        self._cancelled_timers = 0

    # --- memory: Python's own collector is off, so that nothing happens at a moment that the seed doesn't decide ---

    def bury(self, owner: Owner) -> None:
        """It has died: take it apart when memory is cleared."""
        self._dead.append(owner)

    def _collect(self) -> None:
        """Take the dead apart and free what nobody reaches. Same seed, same moments."""
        self._steps = 0
        self._collecting = True
        complain, sys.unraisablehook = sys.unraisablehook, lambda _: None
        try:
            dead, self._dead = self._dead, []
            for owner in dead:
                owner.take_apart()
            dead.clear()
            self._buried.clear()
            gc.collect()
        finally:
            sys.unraisablehook = complain
            self._collecting = False

    def _asyncgen_firstiter_hook(self, agen: Any) -> None:
        pass

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        if not self._collecting:  # what goes with the dead runs nothing any more
            super()._asyncgen_finalizer_hook(agen)  # type: ignore[misc]

    def bury_all(self) -> None:
        """After the end: take apart what is still suspended, without a word."""
        self._collecting = True
        for task in asyncio.all_tasks(self):
            close(task)
        self._ready.clear()  # type: ignore[attr-defined]
        self._timers.clear()
        self._buried.clear()
        self._dead.clear()
        self.close()

    # --- what a simulation doesn't have ---

    def _write_to_self(self) -> None:
        pass

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Raises: a simulation has no threads. What needs one belongs behind a port."""
        raise RuntimeError(f"{func} asks for a thread inside a simulation")

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Collect what asyncio would only log (a task whose failure nobody asked for): whoever simulates raises it."""
        error = context.get("exception")
        if error is not None and not self._collecting:
            self.faults.append(error)


def close(task: asyncio.Task[Any]) -> None:
    """End a task that will never run again, without a word. A ``finally`` that waits is given up."""
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    end: Callable[[], None] = task.get_coro().close  # type: ignore[union-attr]
    for _ in range(10):
        try:
            end()
        except RuntimeError:  # it waits for something once more
            continue
        except BaseException:
            pass
        return
