"""One who watches: waiting for what comes, with others, or busy with what came, at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from boatyard.machinery.store.store import Change, Compacted, Sink

IDLE_SECONDS = 60.0
"""How often a watcher that waits is told by an empty batch that it has missed nothing."""
BACKLOG = 20_000
"""Changes a watcher may fall behind before it is told to list again. Watchers share the bytes; this bounds references."""
BATCH = 500
"""Changes of one batch at most."""


def whole_commits(changes: Sequence[Change], most: int) -> Sequence[Change]:
    """The first of them: ``most``, and the rest of the commit that the last of these belongs to."""
    if len(changes) <= most:
        return changes
    end = most
    while end < len(changes) and changes[end].revision == changes[end - 1].revision:
        end += 1
    return changes[:end]


class Watcher:
    """One watch. While it waits, what it is to see gathers in ``coming``, which it shares; while it doesn't, it stands in ``busy``,
    and changes are offered to it."""

    __slots__ = ("_after", "_busy", "_closed", "_coming", "_overflow", "_pending", "_sink", "_ticked", "_timer", "_wake", "waits")

    def __init__(self, after: int, coming: list[Change], busy: dict[Watcher, None], sink: Sink | None = None) -> None:
        self._after, self._coming, self._busy, self._sink = after, coming, busy, sink
        self.waits = False
        self._pending: list[Change] = []
        self._wake: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ticked = self._closed = False
        self._overflow = 0
        """The revision at which it had fallen too far behind; 0 while it hasn't."""
        busy[self] = None

    def offer(self, changes: Sequence[Change]) -> None:
        """To one who is busy. What it has seen in the history that it began with is left out."""
        if self._overflow:
            return
        changes = self._news(changes)
        room = BACKLOG - len(self._pending)
        if len(changes) > room:
            self._overflow = changes[room].revision
            self._pending = []
        else:
            self._pending += changes

    def tell(self, changes: list[Change]) -> None:
        """To one who waits: what has come."""
        news = self._news(changes)
        if not news:
            return
        took = self._sink(news) if self._sink is not None and len(news) <= BACKLOG else 0
        if took:
            self._after = news[took - 1].revision
        if took < len(news):
            self._rouse(news[took:] if took else news)

    def _news(self, changes: Sequence[Change]) -> Sequence[Change]:
        """What it hasn't seen; the very same where that is all."""
        if not changes or changes[0].revision > self._after:
            return changes
        return [change for change in changes if change.revision > self._after]

    def close(self) -> None:
        """Let the watch end after what is pending."""
        self._closed = True
        if self.waits:
            self._rouse(self._coming)

    def leave(self) -> None:
        """Nobody listens any more."""
        self._busy.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self._timer, self._ticked = None, True
        if self.waits:
            self._rouse(self._coming)

    def _rouse(self, changes: Sequence[Change]) -> None:
        self.waits = False
        self._busy[self] = None
        self.offer(changes)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def batches(self) -> AsyncGenerator[list[Change], None]:
        """What was offered, in batches, until closed; an empty one now and then. Raises Compacted when this watcher fell too far
        behind."""
        while True:
            if self._pending:
                batch, self._pending = self._pending[:BATCH], self._pending[BATCH:]
                self._after = batch[-1].revision
                yield batch
                continue
            if self._overflow:
                raise Compacted(self._after, self._overflow)
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
            self.waits = True
            del self._busy[self]
            await self._wake
