"""An object store at S3, Google Cloud Storage or Azure, through obstore."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import obstore
from obstore.store import from_url

from boatyard.machinery.objects.keys import checked
from boatyard.machinery.objects.store import ObjectInfo


class RemoteObjects:
    """An :class:`~boatyard.machinery.objects.store.ObjectStore` by URL (``s3://bucket/prefix``, ``gs://…``, ``az://…``).

    Credentials come from the environment, as the cloud's own tools read them. obstore retries what may be retried.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._store = from_url(url, **options)

    async def put(self, key: str, value: bytes) -> None:
        await obstore.put_async(self._store, checked(key), value)

    async def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        try:
            if start == 0 and end is None:
                return bytes(await (await obstore.get_async(self._store, checked(key))).bytes_async())
            size = (await obstore.head_async(self._store, checked(key)))["size"]
            end = size if end is None else min(end, size)
            return b"" if start >= end else bytes(await obstore.get_range_async(self._store, key, start=start, end=end))
        except FileNotFoundError:
            raise KeyError(key) from None

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        # obstore lists by whole path segments: ask for the folder, keep what starts with the prefix.
        found: list[ObjectInfo] = []
        folder = prefix.rpartition("/")[0] or None
        async for batch in obstore.list(self._store, prefix=folder):
            for meta in batch:
                if meta["path"].startswith(prefix):
                    found.append(ObjectInfo(meta["path"], meta["size"], meta["last_modified"].timestamp()))
        for info in sorted(found):
            yield info

    async def delete(self, key: str) -> None:
        try:
            await obstore.delete_async(self._store, checked(key))
        except FileNotFoundError:
            return
