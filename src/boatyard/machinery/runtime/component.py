"""Components of a simulation: programs that may be killed between any two of their writes, and start again.

A component reaches everything that outlives it through ports (:meth:`Incarnation.port`). Killing makes the ports dead first, then
drops the tasks: they never run again, as with SIGKILL. When memory is cleared, much later, they are taken apart: what their
``finally`` blocks do then meets dead ports only, and starts nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from boatyard.machinery.runtime.simloop import OWNER, close
from boatyard.machinery.runtime.simulation import SimWorld

Inner = TypeVar("Inner")

FEWEST_TASKS = 100
"""Tasks that a life remembers before it looks which of them have ended."""


class Crashed(BaseException):
    """The component was killed while it did this. No ``except Exception`` of it notices."""


class Incarnation:
    """One life of a component."""

    def __init__(self, component: Component, number: int) -> None:
        self.component, self.number = component, number
        self.world = component.world
        self.dead = False
        self.services: dict[str, Any] = {}
        """What other components may reach while this one lives (see ``connection``)."""
        self._context = contextvars.copy_context()
        self._context.run(OWNER.set, self)
        self._mourners: dict[Callable[[], None], None] = {}
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._tasks_bound = FEWEST_TASKS

    def start(self, coroutine: Coroutine[Any, Any, Any], name: str = "") -> asyncio.Task[Any]:
        """Run something in this incarnation: it ends when this one is killed."""
        return self.world.loop.create_task(coroutine, name=name or self.component.name, context=self._context)

    def own(self, task: asyncio.Task[Any]) -> None:
        """Remember a task until it has ended."""
        self._tasks[task] = None
        if len(self._tasks) > self._tasks_bound:
            self._tasks = {one: None for one in self._tasks if not one.done()}
            self._tasks_bound = max(FEWEST_TASKS, 2 * len(self._tasks))

    def take_apart(self) -> None:
        """Free what it held. Only after death, and not from within."""
        tasks, self._tasks = list(self._tasks), {}
        for task in tasks:
            if not task.done():
                self._context.run(close, task)

    def at_death(self, told: Callable[[], None]) -> Callable[[], None]:
        """Call ``told()`` when this incarnation is killed. Returns a function that takes that back."""
        self._mourners[told] = None
        return lambda: self._mourners.pop(told, None)  # type: ignore[func-returns-value,return-value]

    def kill(self) -> None:
        """End this life at once."""
        if not self.dead:
            self.dead = True
            self.services.clear()
            mourners, self._mourners = list(self._mourners), {}
            for told in mourners:
                told()
            self.world.loop.bury(self)

    async def crash_point(self, what: str, *, now: bool = False) -> None:
        """Maybe (with ``now``, certainly) be killed here; then this never returns."""
        if not self.dead and (now or self.component.rolls_death()):
            self.world.note(f"{self.component.name} crashes {what}")
            self.component.crash(self)
        if self.dead:
            await asyncio.get_running_loop().create_future()

    def port(self, inner: Inner, writes: Iterable[str] = ()) -> Inner:
        """``inner`` as this incarnation may use it: the async methods named in ``writes`` are crash points, before and after;
        everything is dead once this incarnation is."""
        return Port(self, inner, frozenset(writes))  # type: ignore[return-value]


class Port:
    """Stands for an object that outlives the incarnation."""

    def __init__(self, incarnation: Incarnation, inner: Any, writes: frozenset[str]) -> None:
        self._incarnation, self._inner, self._writes = incarnation, inner, writes

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            if self._incarnation.dead:
                raise Crashed
            return found
        guard = self._write(name, found) if name in self._writes else self._read(found)
        if not name.startswith("__"):
            self.__dict__[name] = guard
        return guard

    def _write(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        incarnation = self._incarnation

        async def write(*args: Any, **options: Any) -> Any:
            await incarnation.crash_point(f"before {name}")
            result = await method(*args, **options)
            await incarnation.crash_point(f"after {name}")
            return result

        return write

    def _read(self, method: Callable[..., Any]) -> Callable[..., Any]:
        incarnation = self._incarnation

        def read(*args: Any, **options: Any) -> Any:
            if incarnation.dead:  # it is being taken apart after the end: it must not do any harm
                raise Crashed
            return method(*args, **options)

        return read


class Component:
    """A program of the simulation, started from ``main`` again after each crash.

    ``main(incarnation)`` runs for ever; that it ends or raises is a fault of the simulation. ``crash_rate`` is the probability of
    a crash at each crash point, while the world lets components crash; then it is down for up to ``downtime_seconds``.
    """

    def __init__(
        self, world: SimWorld, name: str, main: Callable[[Incarnation], Coroutine[Any, Any, Any]], *, crash_rate: float = 0.0,
        downtime_seconds: float = 10.0,
    ) -> None:  # fmt: skip
        self.world, self.name, self.main = world, name, main
        self.crash_rate, self.downtime_seconds = crash_rate, downtime_seconds
        self.current: Incarnation | None = None
        self.crashes = 0
        self._restarting: asyncio.TimerHandle | None = None

    def start(self) -> Incarnation:
        """Begin a life, now if one was to begin soon. Raises RuntimeError when it has one."""
        if self.current is not None:
            raise RuntimeError(f"{self.name} runs already")
        self._stay_down()
        incarnation = self.current = Incarnation(self, self.crashes)
        self.world.note(f"{self.name} starts")
        task = incarnation.start(self.main(incarnation))
        task.add_done_callback(self._ended, context=contextvars.Context())
        return incarnation

    def stop(self) -> None:
        """Kill it, for good: also one that is down and was to begin anew."""
        self._stay_down()
        if self.current is not None:
            incarnation, self.current = self.current, None
            incarnation.kill()

    def crash(self, incarnation: Incarnation | None = None) -> None:
        """Kill this life (no other, when it is over already) and begin the next after a while."""
        if self.current is None or incarnation not in (None, self.current):
            return
        self.crashes += 1
        self.stop()
        delay = self.world.random.random() * self.downtime_seconds
        self._restarting = self.world.loop.call_later(delay, self._restart, context=contextvars.Context())

    def rolls_death(self) -> bool:
        """Whether the dice say that it dies here."""
        return self.crash_rate > 0 and self.world.crashing and self.world.random.random() < self.crash_rate

    def _restart(self) -> None:
        self._restarting = None
        self.start()

    def _stay_down(self) -> None:
        if self._restarting is not None:
            self._restarting.cancel()
            self._restarting = None

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if not isinstance(error, Crashed):
            self.world.loop.faults.append(error or RuntimeError(f"{self.name} ended"))
            self.world.loop.stop()
