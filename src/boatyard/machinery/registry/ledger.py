"""The store as the verbs see it: objects of kinds, and whoever keeps an index hears of every change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

from boatyard.machinery.meta.errors import InternalError, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry import documents, keys
from boatyard.machinery.registry.addresses import ServiceAddresses
from boatyard.machinery.registry.kinds import Kinds
from boatyard.machinery.runtime.world import World
from boatyard.machinery.store.store import Operation, Record, Store

Listener: TypeAlias = Callable[[str], None]


class Ledger:
    """Store, kinds and world. All writes of a process go through its one ledger, so listeners miss none."""

    def __init__(self, store: Store, world: World, kinds: Kinds) -> None:
        self.store, self.world, self.kinds = store, world, kinds
        self._listeners: dict[str, list[Listener]] = {}
        self.addresses = ServiceAddresses(self)

    def listen(self, resource: Resource, listener: Listener) -> None:
        """Call ``listener(key)`` after a change of an object of this type. It reads the current state itself and must not fail."""
        self._listeners.setdefault(keys.prefix(resource), []).append(listener)

    def find(self, resource: Resource, namespace: str | None, name: str) -> Record | None:
        """The stored record, or None."""
        return self.store.get(keys.key(resource, namespace, name))

    def record(self, resource: Resource, namespace: str | None, name: str) -> Record:
        """The stored record. Raises NotFound."""
        record = self.find(resource, namespace, name)
        if record is None:
            raise not_found(resource.group_resource, name)
        return record

    def object(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        """The decoded object without its managed fields, or None."""
        record = self.find(resource, namespace, name)
        return documents.parted(record.value, record.modified)[1] if record else None

    async def commit(self, operations: Sequence[Operation]) -> int:
        """Store.commit, after which listeners know. Raises KeyConflict; InternalError when the disk fails."""
        heard = [
            (listener, operation.key)
            for operation in operations
            for prefix, listeners in self._listeners.items()
            if operation.key.startswith(prefix)
            for listener in listeners
        ]
        try:
            if not heard:
                return await self.store.commit(operations)
            # A caller who goes away in the middle doesn't take the commit back, so it must not take the news back either.
            return await asyncio.shield(asyncio.ensure_future(self._commit_and_tell(operations, heard)))
        except OSError as error:
            raise InternalError(f"the store could not write: {error}") from error

    async def _commit_and_tell(self, operations: Sequence[Operation], heard: list[tuple[Listener, str]]) -> int:
        revision = await self.store.commit(operations)
        for listener, key in heard:
            listener(key)
        return revision
