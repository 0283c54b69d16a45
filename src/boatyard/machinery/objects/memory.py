"""An object store that lives and dies with the process: for tests and simulations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from boatyard.machinery.objects.keys import checked
from boatyard.machinery.objects.store import ObjectInfo


class MemoryObjects:
    """An :class:`~boatyard.machinery.objects.store.ObjectStore` in a dictionary. ``now`` is the clock of ``modified``."""

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self._now = now
        self._objects: dict[str, tuple[bytes, float]] = {}

    async def put(self, key: str, value: bytes) -> None:
        self._objects[checked(key)] = (bytes(value), self._now())

    async def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        return self._objects[checked(key)][0][start:end]

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        for key in sorted(self._objects):
            if key.startswith(prefix) and key in self._objects:
                value, modified = self._objects[key]
                yield ObjectInfo(key, len(value), modified)

    async def delete(self, key: str) -> None:
        self._objects.pop(checked(key), None)
