"""A store as one life of a simulated component sees it: it outlives that life, every commit of it is history."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from zlib import crc32

from boatyard.machinery.runtime.component import Crashed, Incarnation
from boatyard.machinery.store.store import Change, Operation, Page, Put, Record, Route, Sink, Store


class DurableStore:
    """The :class:`~boatyard.machinery.store.store.Store` that ``incarnation`` uses: it may crash before and after every commit."""

    def __init__(self, incarnation: Incarnation, store: Store) -> None:
        self._life, self._store = incarnation, store

    @property
    def revision(self) -> int:
        return self._living().revision

    @property
    def history_bytes(self) -> int:
        return self._living().history_bytes

    def get(self, key: str) -> Record | None:
        return self._living().get(key)

    def range(self, prefix: str, *, after: str = "", limit: int = 0, revision: int = 0, count: bool = True) -> Page:
        return self._living().range(prefix, after=after, limit=limit, revision=revision, count=count)

    async def commit(self, operations: Sequence[Operation]) -> int:
        life = self._life
        if life.dead or life.component.rolls_death():
            await life.crash_point("before a commit", now=True)
        revision = await self._store.commit(operations)
        for operation in operations:
            # A checksum of what was written makes any difference between two runs visible where it begins.
            written = f"put {crc32(operation.value):08x}" if isinstance(operation, Put) else "delete"
            life.world.note(f"{life.component.name} {revision} {written} {operation.key}")
        if life.component.rolls_death():
            await life.crash_point("after a commit", now=True)
        return revision

    def watch(
        self, prefix: str, after: int, route: Route | None = None, sink: Sink | None = None
    ) -> AsyncGenerator[list[Change]]:
        return self._living().watch(prefix, after, route, sink)

    async def compact(self, revision: int) -> None:
        await self._living().compact(revision)

    async def close(self) -> None:
        """The store belongs to the simulation."""

    def _living(self) -> Store:
        if self._life.dead:
            raise Crashed
        return self._store
