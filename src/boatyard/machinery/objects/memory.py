"""An object store that lives and dies with the process: for tests and simulations."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import AsyncIterator, Callable

from boatyard.machinery.objects.keys import checked
from boatyard.machinery.objects.store import ObjectInfo


class MemoryObjects:
    """An :class:`~boatyard.machinery.objects.store.ObjectStore` in a dictionary. ``now`` is the clock of ``modified``."""

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self._now = now
        self._objects: dict[str, tuple[bytes, float]] = {}
        self._keys: list[str] = []

    async def put(self, key: str, value: bytes) -> None:
        if checked(key) not in self._objects:
            insort(self._keys, key)
        self._objects[key] = (bytes(value), self._now())

    async def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        return self._objects[checked(key)][0][start:end]

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        start = bisect_left(self._keys, prefix)
        end = bisect_left(self._keys, prefix + "\U0010ffff", start)
        for key in self._keys[start:end]:
            if key in self._objects:
                value, modified = self._objects[key]
                yield ObjectInfo(key, len(value), modified)

    async def delete(self, key: str) -> None:
        if self._objects.pop(checked(key), None) is not None:
            del self._keys[bisect_left(self._keys, key)]
