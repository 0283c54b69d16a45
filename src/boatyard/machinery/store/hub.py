"""Who watches what: hands each commit's changes to the watchers of its keys, each at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing

from boatyard.machinery.store.store import Change, Compacted, Route, Sink

IDLE_SECONDS = 60.0
"""How often a watcher that waits is told by an empty batch that it has missed nothing."""
BACKLOG = 20_000
"""Changes a watcher may fall behind before it is told to list again. Watchers share the bytes; this bounds references."""
BATCH = 500
"""Changes of one batch at most."""
AT_ONCE = 16
"""Watchers woken in one turn of the event loop, so that others have their turn between: a write takes some five turns until
watchers hear of it."""
FEW = 8
"""So many watchers are woken for every change."""
WAKE_SECONDS = 200e-6
"""Several times what it costs to write to a watcher. More than a few are woken in rounds; the next one waits for so long for each,
and what comes meanwhile goes with it: a thousand watchers of a hundred changes a second are woken some sixteen times a second."""
LONGEST_ROUND_SECONDS = 0.06


class Watcher:
    """One watch: what it has yet to see, and a way to wake it."""

    __slots__ = ("_closed", "_sink", "_ticked", "_timer", "_wake", "after", "due", "overflow", "pending", "prefix")

    def __init__(self, prefix: str, after: int, sink: Sink | None = None) -> None:
        self.prefix = prefix
        self.after = after
        self._sink = sink
        self.pending: list[Change] = []
        self._wake: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ticked = False
        self.overflow = 0
        """The revision at which it had fallen too far behind; 0 while it hasn't."""
        self._closed = False
        self.due = False
        """Something was offered since it was last woken."""

    def offer(self, change: Change) -> None:
        """Add a change unless it was seen in the history this watch began with."""
        if change.revision <= self.after or self.overflow:
            return
        if len(self.pending) >= BACKLOG:
            self.overflow = change.revision
            self.pending = []
        else:
            self.pending.append(change)

    def close(self) -> None:
        """Let the watch end after what is pending."""
        self._closed = True
        self.wake()

    def leave(self) -> None:
        """Nobody listens any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self._timer, self._ticked = None, True
        self.wake()

    def wake(self) -> None:
        """Let it take what was offered."""
        self.due = False
        if self._wake is None or self._wake.done():
            return
        if self._sink is not None and self.pending and self._pour(self._sink):
            return
        self._wake.set_result(None)

    def _pour(self, sink: Sink) -> bool:
        """Whether all went into the sink, and nothing else is to be told."""
        while self.pending:
            batch = self.pending if len(self.pending) <= BATCH else self.pending[:BATCH]
            if not sink(batch):
                return False
            self.pending = self.pending[BATCH:]
            self.after = batch[-1].revision
        return not (self.overflow or self._closed or self._ticked)

    async def batches(self) -> AsyncGenerator[list[Change], None]:
        """What was offered, in batches, until closed; an empty one now and then. Raises Compacted when this watcher fell too far
        behind."""
        while True:
            if self.pending:
                batch, self.pending = self.pending[:BATCH], self.pending[BATCH:]
                self.after = batch[-1].revision
                yield batch
                continue
            if self.overflow:
                raise Compacted(self.after, self.overflow)
            if self._closed:
                return
            if self._ticked:
                self._ticked = False
                yield []
                continue
            loop = asyncio.get_running_loop()
            if self._timer is None:
                # One timer for as long as it takes, not one for every wait: waits are many and short.
                self._timer = loop.call_later(IDLE_SECONDS, self._tick)
            self._wake = loop.create_future()
            await self._wake
            self._wake = None


class _Audience:
    """The watchers of one prefix: those of everything, and those of a route."""

    __slots__ = ("everything", "routed")

    def __init__(self) -> None:
        self.everything: list[Watcher] = []
        self.routed: dict[Callable[[Change], Iterable[str]], dict[str, list[Watcher]]] = {}

    def offer(self, change: Change, due: list[Watcher]) -> None:
        """Offer a change to whom it concerns; those who were not yet due are added to ``due``."""
        revision = change.revision
        for watcher in self.everything:
            # As Watcher.offer, without the call: a thousand watchers of a hundred changes a second make a hundred thousand.
            pending = watcher.pending
            if revision > watcher.after and len(pending) < BACKLOG and not watcher.overflow:
                pending.append(change)
            else:
                watcher.offer(change)
            if not watcher.due:
                watcher.due = True
                due.append(watcher)
        for values, watchers in self.routed.items():
            for value in values(change):
                for watcher in watchers.get(value, ()):
                    watcher.offer(change)
                    if not watcher.due:
                        watcher.due = True
                        due.append(watcher)

    def all(self) -> Iterator[Watcher]:
        yield from self.everything
        for watchers in self.routed.values():
            for some in watchers.values():
                yield from some

    def add(self, watcher: Watcher, route: Route | None) -> None:
        if route is None:
            self.everything.append(watcher)
        else:
            self.routed.setdefault(route.values, {}).setdefault(route.value, []).append(watcher)

    def remove(self, watcher: Watcher, route: Route | None) -> bool:
        """Whether nobody is left."""
        if route is None:
            self.everything.remove(watcher)
        else:
            watchers = self.routed[route.values]
            watchers[route.value].remove(watcher)
            if not watchers[route.value]:
                del watchers[route.value]
            if not watchers:
                del self.routed[route.values]
        return not self.everything and not self.routed


class WatchHub:
    """Watchers by prefix and route. Cost of a change: a look-up for each slash of its key, a test for each prefix without one at
    its end, one call per distinct way of routing, one append per watcher it concerns."""

    def __init__(self) -> None:
        self._by_prefix: dict[str, _Audience] = {}
        self._uneven: dict[str, None] = {}
        """Prefixes that don't end in a slash."""
        self._due: list[Watcher] = []
        self._round: asyncio.TimerHandle | None = None
        self._next_round = 0.0

    def publish(self, changes: Sequence[Change]) -> None:
        """Hand out changes in order of revision."""
        for change in changes:
            key = change.key
            end = key.find("/")
            while end >= 0:
                audience = self._by_prefix.get(key[: end + 1])
                if audience is not None:
                    audience.offer(change, self._due)
                end = key.find("/", end + 1)
            for prefix in self._uneven:
                if key.startswith(prefix):
                    self._by_prefix[prefix].offer(change, self._due)
        if self._due and self._round is None:
            self._plan()

    def _plan(self) -> None:
        """A few are woken at once; many when the last round's time is over."""
        if len(self._due) <= FEW:
            self._wake()
            return
        loop = asyncio.get_running_loop()
        wait = self._next_round - loop.time()
        if wait > 0:
            self._round = loop.call_later(wait, self._wake)
        else:
            self._wake()

    def _wake(self) -> None:
        """Wake all who are due, so many in a turn of the loop."""
        self._round = None
        due, self._due = self._due, []
        if len(due) > FEW:
            self._next_round = asyncio.get_running_loop().time() + min(LONGEST_ROUND_SECONDS, len(due) * WAKE_SECONDS)
        self._wake_more(due, 0)

    def _wake_more(self, due: list[Watcher], start: int) -> None:
        end = start + AT_ONCE
        for watcher in due[start:end]:
            watcher.wake()
        if len(due) > end:
            asyncio.get_running_loop().call_soon(self._wake_more, due, end)

    async def watch(
        self, prefix: str, after: int, past: list[Change], route: Route | None = None, sink: Sink | None = None
    ) -> AsyncGenerator[list[Change], None]:
        """``past`` first, then what is published with a later revision.

        ``past`` holds the changes after ``after`` that were published before this call; the caller read them in the same turn of
        the event loop, so nothing lies between. The ``sink`` as in ``Store.watch``.
        """
        watcher = Watcher(prefix, past[-1].revision if past else after, sink)
        audience = self._by_prefix.setdefault(prefix, _Audience())
        audience.add(watcher, route)
        if not prefix.endswith("/"):
            self._uneven[prefix] = None
        try:
            if past:
                yield past
            async with aclosing(watcher.batches()) as batches:
                async for batch in batches:
                    yield batch
        finally:
            watcher.leave()
            if audience.remove(watcher, route):
                del self._by_prefix[prefix]
                self._uneven.pop(prefix, None)

    def close(self) -> None:
        """End all watches."""
        for audience in self._by_prefix.values():
            for watcher in audience.all():
                watcher.close()
