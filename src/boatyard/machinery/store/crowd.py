"""Those who watch the same, told in rounds.

What telling costs is the number of writes to connections, not their bytes. So of many each is told at most once in a round, and
what comes meanwhile goes with it. They stand in rows; a row is told in a turn of the event loop, and rests until its own round is
over: the rounds of the rows are spread over time by themselves, and nobody hears of a change later than a round after it.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator

from boatyard.machinery.store.store import Change, Sink
from boatyard.machinery.store.watcher import Watcher

AT_ONCE = 16
"""Watchers of a row. Requests have their turn between rows: a write takes some five turns until watchers hear of it."""
FEW = 8
"""So many watchers are told of every change at once."""
ROUND_SECONDS_EACH = 200e-6
"""A round takes so long for each watcher, several times what it costs to write to one, …"""
ROUND_SECONDS = 0.075
"""… but no longer than this, …"""
LEAST_SECONDS_EACH = 75e-6
"""… as long as telling all of them leaves the event loop some time for other work."""
GRAIN_SECONDS = 0.001
"""How exact the event loop's clock is."""


class _Row:
    """Watchers who are told together."""

    __slots__ = ("coming", "rests_until", "watchers")

    def __init__(self) -> None:
        self.watchers: list[Watcher] = []
        self.coming: list[Change] = []
        """What those of them who wait are to be told."""
        self.rests_until = 0.0

    def tell(self) -> None:
        changes = self.coming[:]
        self.coming.clear()
        for watcher in self.watchers if changes else ():
            if watcher.waits:
                watcher.tell(changes)


class Crowd:
    """The watchers of one prefix, or of one route within it."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self._count = 0
        self._busy: dict[Watcher, None] = {}
        self._next = 0
        """The row whose round is over first."""
        self._step: asyncio.Handle | None = None
        self._context = contextvars.Context()
        """Nobody's: whoever made a change may be gone before all have heard of it."""
        self._due = False

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Watcher]:
        for row in self._rows:
            yield from row.watchers

    def add(self, after: int, sink: Sink | None) -> Watcher:
        """Somebody who has seen everything up to a revision."""
        row = next((row for row in self._rows if len(row.watchers) < AT_ONCE), None)
        if row is None:
            self._rows.append(row := _Row())
        watcher = Watcher(after, row.coming, self._busy, sink)
        row.watchers.append(watcher)
        self._count += 1
        return watcher

    def remove(self, watcher: Watcher) -> None:
        """Somebody who listens no longer."""
        place, row = next((place, row) for place, row in enumerate(self._rows) if watcher in row.watchers)
        row.watchers.remove(watcher)
        watcher.leave()
        self._count -= 1
        if not row.watchers:
            del self._rows[place]
            if place < self._next:
                self._next -= 1

    def offer(self, change: Change) -> bool:
        """Whether :meth:`tell` is to be called, after this change or others."""
        for row in self._rows:
            row.coming.append(change)
        for watcher in self._busy:
            watcher.offer((change,))
        due, self._due = not self._due, True
        return due

    def tell(self) -> None:
        """Tell what was offered, or see to it."""
        self._due = False
        if self._count <= FEW:
            for row in self._rows:
                row.tell()
        elif self._step is None:
            self._tell_next()

    def _tell_next(self) -> None:
        """Tell the next row as soon as its round is over, then those after it, each in a turn of the loop of its own."""
        self._step = None
        row = self._following()
        if row is None:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        wait = row.rests_until - now
        if wait > GRAIN_SECONDS:
            self._step = loop.call_later(wait, self._tell_next, context=self._context)
            return
        row.rests_until = now + max(min(ROUND_SECONDS, self._count * ROUND_SECONDS_EACH), self._count * LEAST_SECONDS_EACH)
        row.tell()
        self._next += 1
        self._step = loop.call_soon(self._tell_next, context=self._context)

    def _following(self) -> _Row | None:
        """The next row that has something to be told."""
        for _ in self._rows:
            self._next %= len(self._rows)
            row = self._rows[self._next]
            if row.coming:
                return row
            self._next += 1
        return None
