"""Who watches what: hands each commit's changes to the watchers of its keys, each at its own pace."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing

from boatyard.machinery.store.crowd import Crowd
from boatyard.machinery.store.store import Change, Route, Sink


class _Audience:
    """The watchers of one prefix: those of everything, and those of a route."""

    __slots__ = ("everything", "routed")

    def __init__(self) -> None:
        self.everything = Crowd()
        self.routed: dict[Callable[[Change], Iterable[str]], dict[str, Crowd]] = {}

    def offer(self, change: Change, due: list[Crowd]) -> None:
        """Offer a change to whom it concerns; those who are to be told and were not before are added to ``due``."""
        if self.everything and self.everything.offer(change):
            due.append(self.everything)
        for values, crowds in self.routed.items():
            for value in values(change):
                crowd = crowds.get(value)
                if crowd is not None and crowd.offer(change):
                    due.append(crowd)

    def all(self) -> Iterator[Crowd]:
        yield self.everything
        for crowds in self.routed.values():
            yield from crowds.values()

    def crowd(self, route: Route | None) -> Crowd:
        """Those of a route."""
        if route is None:
            return self.everything
        return self.routed.setdefault(route.values, {}).setdefault(route.value, Crowd())

    def tidy(self, route: Route | None) -> bool:
        """Somebody of a route has gone. Whether nobody is left."""
        if route is not None and not self.routed[route.values][route.value]:
            del self.routed[route.values][route.value]
            if not self.routed[route.values]:
                del self.routed[route.values]
        return not self.everything and not self.routed


class WatchHub:
    """Watchers by prefix and route. Cost of a change: a look-up for each slash of its key, a test for each prefix without one at
    its end, one call per distinct way of routing, one append for every sixteen watchers it concerns."""

    def __init__(self) -> None:
        self._by_prefix: dict[str, _Audience] = {}
        self._uneven: dict[str, None] = {}
        """Prefixes that don't end in a slash."""

    def publish(self, changes: Sequence[Change]) -> None:
        """Hand out changes in order of revision."""
        due: list[Crowd] = []
        for change in changes:
            key = change.key
            end = key.find("/")
            while end >= 0:
                audience = self._by_prefix.get(key[: end + 1])
                if audience is not None:
                    audience.offer(change, due)
                end = key.find("/", end + 1)
            for prefix in self._uneven:
                if key.startswith(prefix):
                    self._by_prefix[prefix].offer(change, due)
        for crowd in due:
            crowd.tell()

    async def watch(
        self, prefix: str, after: int, past: list[Change], route: Route | None = None, sink: Sink | None = None
    ) -> AsyncGenerator[list[Change], None]:
        """``past`` first, then what is published with a later revision.

        ``past`` holds the changes after ``after`` that were published before this call; the caller read them in the same turn of
        the event loop, so nothing lies between. The ``sink`` as in ``Store.watch``.
        """
        audience = self._by_prefix.setdefault(prefix, _Audience())
        crowd = audience.crowd(route)
        watcher = crowd.add(past[-1].revision if past else after, sink)
        if not prefix.endswith("/"):
            self._uneven[prefix] = None
        try:
            if past:
                yield past
            async with aclosing(watcher.batches()) as batches:
                async for batch in batches:
                    yield batch
        finally:
            crowd.remove(watcher)
            if audience.tidy(route):
                del self._by_prefix[prefix]
                self._uneven.pop(prefix, None)

    def close(self) -> None:
        """End all watches."""
        for audience in self._by_prefix.values():
            for crowd in audience.all():
                for watcher in crowd:
                    watcher.close()
