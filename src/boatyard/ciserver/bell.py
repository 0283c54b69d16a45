"""Waiting for news of one build without asking again and again: whoever watches rings, whoever waits wakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable

from boatyard.machinery.meta.objects import Object


class Bell:
    """One set of waiters per key."""

    def __init__(self) -> None:
        self._waiters: dict[Hashable, list[asyncio.Future[None]]] = {}

    def ring(self, key: Hashable) -> None:
        """Wake whoever waits for ``key``."""
        for waiter in self._waiters.pop(key, ()):
            if not waiter.done():
                waiter.set_result(None)

    def waiter(self, key: Hashable) -> asyncio.Future[None]:
        """A future of the next ring. Take it *before* looking at the state, so that no news falls in between."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters = [waiter for waiter in self._waiters.get(key, ()) if not waiter.done()]
        self._waiters[key] = [*waiters, future]
        return future

    def rings_for(self, keys: Callable[[Object], Iterable[Hashable]]) -> Callable[[Object | None, Object | None], None]:
        """A cache's change handler that rings for every key of the changed object."""

        def changed(old: Object | None, new: Object | None) -> None:
            obj = new if new is not None else old
            for key in keys(obj) if obj is not None else ():
                self.ring(key)

        return changed
