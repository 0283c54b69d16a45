"""The port to an object store: where logs, artifacts and archived builds live. S3, GCS, Azure, a directory or memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol


class ObjectInfo(NamedTuple):
    """What a listing tells of one object."""

    key: str
    size_bytes: int
    modified: float
    """Seconds since the epoch."""


class ObjectStore(Protocol):
    """Keys are ``/``-separated paths without ``.`` or ``..`` segments; a value is written whole or not at all."""

    async def put(self, key: str, value: bytes) -> None:
        """Write or replace an object. Durable when it returns. Raises OSError."""
        ...

    async def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        """The object's bytes ``start:end``. Raises KeyError when it doesn't exist."""
        ...

    def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """Objects whose key starts with ``prefix``, in key order."""
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; a missing one is no error."""
        ...
