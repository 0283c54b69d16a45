"""A work queue of keys: every key once, one worker per key, later and with back-off on demand.

The design is that of client-go's workqueue: a key added while it waits is dropped, a key added while it is worked on waits until
that worker is done.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from boatyard.machinery.runtime.world import World

Key = TypeVar("Key", bound=Hashable)

SHORTEST_SECONDS = 0.001
"""Of a wait. What is left of one by rounding, such as 7e-15 s, moves no clock: it would be waited for again and again."""


class WorkQueue(Generic[Key]):
    """Keys to work on, in the order they came.

    ``base_seconds`` and ``max_seconds`` bound the back-off of :meth:`add_rate_limited`: the n-th failure of a key waits between
    half of and the whole of ``base * 2**n``.
    """

    def __init__(self, world: World, base_seconds: float = 0.05, max_seconds: float = 300) -> None:
        self._world, self._base_seconds, self._max_seconds = world, base_seconds, max_seconds
        self._ready: deque[Key] = deque()
        self._dirty: set[Key] = set()  # membership only, never iterated over
        self._processing: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._getters: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        """How many keys wait for a worker."""
        return len(self._ready)

    def add(self, key: Key) -> None:
        """Work on ``key`` soon; once, however often it is added before a worker takes it."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._processing:
            self._ready.append(key)
            self._wake()

    def add_after(self, key: Key, seconds: float) -> None:
        """Work on ``key`` in ``seconds``, unless something asks for it earlier: taking a key drops what was planned for it."""
        if seconds <= 0:
            self.add(key)
            return
        seconds = max(seconds, SHORTEST_SECONDS)
        loop = asyncio.get_running_loop()
        planned = self._timers.get(key)
        if planned is not None:
            if planned.when() <= loop.time() + seconds:
                return
            planned.cancel()
        self._timers[key] = loop.call_later(seconds, self._fire, key)

    def add_rate_limited(self, key: Key) -> float:
        """Work on ``key`` again after a failure, with exponential back-off. Returns the seconds until then."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        ceiling = min(self._base_seconds * 2 ** min(failures, 40), self._max_seconds)
        seconds = ceiling * (0.5 + self._world.random.random() / 2)
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: Key) -> None:
        """The key went well: its next failure starts the back-off anew."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """The next key; the caller must call :meth:`done` with it, whatever happens."""
        while not self._ready:
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if getter in self._getters:
                    self._getters.remove(getter)
                elif self._ready:
                    self._wake()  # the turn that was ours goes to another worker
                raise
        key = self._ready.popleft()
        self._dirty.discard(key)
        self._processing.add(key)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        return key

    def done(self, key: Key) -> None:
        """The worker has finished with ``key``; if it was added meanwhile, it is ready again."""
        self._processing.discard(key)
        if key in self._dirty:
            self._ready.append(key)
            self._wake()

    def close(self) -> None:
        """Drop everything that was planned for later."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _fire(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _wake(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return
