"""An object store in a directory: one file per object, written at the top and renamed into place."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from boatyard.machinery.objects.keys import checked
from boatyard.machinery.objects.store import ObjectInfo

_PART = ".part-"
"""Begins the name of a file that is being written, at the top of the directory. No object's name begins so."""

LARGE_BYTES = 64 * 1024
LEAST_SHARE, LEAST_BYTES = 40, 128 * 1024 * 1024
"""Large objects leave a fortieth of the disk, at most so many bytes, to small ones: a log must not keep a verdict out."""


class DirectoryObjects:
    """An :class:`~boatyard.machinery.objects.store.ObjectStore` below ``root``. File operations run on threads."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def _path(self, key: str) -> Path:
        if any(part.startswith(_PART) for part in checked(key).split("/")):
            raise ValueError(f"not an object key: {key[:100]!r}")
        return self.root / key

    async def put(self, key: str, value: bytes) -> None:
        await asyncio.to_thread(_write, self.root, self._path(key), value)

    async def sweep(self) -> None:
        """Remove what an earlier writer had not finished when it died. For the only writer, before it writes."""
        await asyncio.to_thread(_sweep, self.root)

    async def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        try:
            return await asyncio.to_thread(_read, self._path(key), start, end)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise KeyError(key) from None

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        for info in await asyncio.to_thread(_list, self.root, prefix):
            yield info

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(_delete, self.root, self._path(key))


def _write(root: Path, path: Path, value: bytes) -> None:
    root.mkdir(parents=True, exist_ok=True)
    if len(value) >= LARGE_BYTES:
        disk = os.statvfs(root)
        left = disk.f_bavail * disk.f_frsize - len(value)
        if left < min(disk.f_blocks * disk.f_frsize // LEAST_SHARE, LEAST_BYTES):
            raise OSError(errno.ENOSPC, f"the disk below {root} is nearly full")
    part = root / f"{_PART}{secrets.token_hex(8)}"
    try:
        with open(part, "xb") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        _place(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _place(part: Path, path: Path) -> None:
    """Rename, with the directories above; tried again when a deletion just took away a directory that it had emptied."""
    for _ in range(3):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(part, path)
            return
        except FileNotFoundError:
            continue
    os.replace(part, path)


def _sweep(root: Path) -> None:
    for part in root.glob(f"{_PART}*"):
        part.unlink(missing_ok=True)


def _read(path: Path, start: int, end: int | None) -> bytes:
    with open(path, "rb") as file:
        file.seek(start)
        return file.read() if end is None else file.read(max(0, end - start))


def _list(root: Path, prefix: str) -> list[ObjectInfo]:
    """Only the directories that can hold the prefix are read."""
    found: list[ObjectInfo] = []
    base = root / prefix.rpartition("/")[0] if "/" in prefix else root
    for directory, _, files in os.walk(base):
        within = os.path.relpath(directory, root)
        for name in files:
            key = name if within == "." else f"{within}/{name}"
            if name.startswith(_PART) or not key.startswith(prefix):
                continue
            try:
                stat = os.stat(os.path.join(directory, name))
            except FileNotFoundError:
                continue
            found.append(ObjectInfo(key, stat.st_size, stat.st_mtime))
    return sorted(found)


def _delete(root: Path, path: Path) -> None:
    path.unlink(missing_ok=True)
    for parent in path.parents:
        if parent == root:
            return
        try:
            parent.rmdir()
        except OSError:
            return
