"""How many keys there are under a prefix, without counting them again for every first page of a list."""

from __future__ import annotations

from collections.abc import Sequence

from boatyard.machinery.store.store import Change

REMEMBERED = 256
"""Prefixes at most; who asks for more of them counts again."""


class Counts:
    """By prefix, for prefixes that end in a slash. Follows what is published, so it is true of the published revision."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def get(self, prefix: str) -> int | None:
        """The count, if it is known."""
        return self._counts.get(prefix)

    def keep(self, prefix: str, count: int) -> None:
        """What was just counted, of the published revision."""
        if not prefix.endswith("/"):
            return
        if len(self._counts) >= REMEMBERED:
            del self._counts[next(iter(self._counts))]
        self._counts[prefix] = count

    def follow(self, changes: Sequence[Change]) -> None:
        """What was published."""
        for change in changes:
            step = -1 if change.deleted else 1 if change.previous is None else 0
            if not step:
                continue
            end = change.key.find("/")
            while end >= 0:
                prefix = change.key[: end + 1]
                if prefix in self._counts:
                    self._counts[prefix] += step
                end = change.key.find("/", end + 1)
