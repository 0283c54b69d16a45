"""What is left of finished builds, and of running ones as it comes: documents, log chunks, artifacts. Read only.

Keys below a CiConfig's prefix: ``<number>/build.json``, ``<number>/logs/<attempt>/<container>/<offset, 12 digits>``,
``<number>/artifacts/<attempt>/<path>``. On one machine they are files under a read-only mount.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import NamedTuple

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.objects.directory import DirectoryObjects
from boatyard.machinery.objects.store import ObjectStore

READ_BYTES = 256 * 1024


class Piece(NamedTuple):
    """A part of a log: where it begins and its bytes."""

    offset: int
    data: bytes


class Archive:
    """One CiConfig's part of the object store."""

    def __init__(self, store: ObjectStore, prefix: str = "") -> None:
        self._store = store
        self._prefix = prefix

    async def numbers(self) -> list[int]:
        """The numbers of which anything is archived, ascending."""
        names: list[str] = []
        if isinstance(self._store, DirectoryObjects):
            # One listing of folders instead of a walk through every chunk of every log.
            with suppress(FileNotFoundError):
                names = [path.name for path in (self._store.root / self._prefix).iterdir()]
        else:
            names = [info.key[len(self._prefix) :].split("/")[0] async for info in self._store.list(self._prefix)]
        return sorted({int(name) for name in names if name.isascii() and name.isdigit()})

    async def build(self, number: int) -> Object | None:
        """The archived Build; None when there is none or it is unreadable."""
        try:
            document = json.loads(await self._store.get(f"{self._prefix}{number}/build.json"))
        except (KeyError, ValueError):
            return None
        return document if isinstance(document, dict) else None

    async def log(self, number: int, attempt: int, container: str, start: int = 0) -> AsyncGenerator[Piece]:
        """What is archived of a container's log from ``start`` on, without a gap."""
        position = start
        for offset, key, size in await self._chunks(number, attempt, container):
            if offset > position:
                return
            while position < offset + size:
                begin = position - offset
                data = await self._store.get(key, start=begin, end=min(size, begin + READ_BYTES))
                if not data:
                    return
                yield Piece(position, data)
                position += len(data)

    async def log_bytes(self, number: int, attempt: int, container: str) -> int:
        """How much of a container's log is archived."""
        chunks = await self._chunks(number, attempt, container)
        return chunks[-1][0] + chunks[-1][2] if chunks else 0

    async def artifact(self, number: int, attempt: int, path: str) -> AsyncGenerator[bytes]:
        """An artifact's bytes. Raises KeyError before the first of them."""
        key, position = f"{self._prefix}{number}/artifacts/{attempt}/{path}", 0
        while True:
            try:
                data = await self._store.get(key, start=position, end=position + READ_BYTES)
            except ValueError:
                raise KeyError(key) from None
            yield data
            position += len(data)
            if len(data) < READ_BYTES:
                return

    async def _chunks(self, number: int, attempt: int, container: str) -> list[tuple[int, str, int]]:
        prefix = f"{self._prefix}{number}/logs/{attempt}/{container}/"
        found = []
        async for info in self._store.list(prefix):
            name = info.key[len(prefix) :]
            if len(name) == 12 and name.isdigit():
                found.append((int(name), info.key, info.size_bytes))
        return sorted(found)
