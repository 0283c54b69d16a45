"""Being told that a file grew, by inotify: a follower of a log costs nothing while nothing is written."""

from __future__ import annotations

import asyncio
import ctypes
import ctypes.util
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

IN_MODIFY, IN_CLOSE_WRITE, IN_NONBLOCK, IN_CLOEXEC = 0x2, 0x8, 0o4000, 0o2000000
EVENT = struct.Struct("iIII")
EVENTS_BYTES = 16_384


class Growth:
    """Watches any number of files. Belongs to the event loop in which it was made; :meth:`close` it."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6", use_errno=True)
        self._fd = self._libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1: " + os.strerror(ctypes.get_errno()))
        self._told: dict[int, list[Callable[[], None]]] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._read)

    @contextmanager
    def of(self, path: Path, tell: Callable[[], None]) -> Iterator[None]:
        """Call ``tell()`` whenever the file was written to, while the context is open. Raises OSError."""
        watch = self._libc.inotify_add_watch(self._fd, os.fsencode(path), IN_MODIFY | IN_CLOSE_WRITE)
        if watch < 0:
            raise OSError(ctypes.get_errno(), f"inotify: {os.strerror(ctypes.get_errno())}", str(path))
        listeners = self._told.setdefault(watch, [])  # the kernel gives the same number for the same file
        listeners.append(tell)
        try:
            yield
        finally:
            listeners.remove(tell)
            if not listeners:
                del self._told[watch]
                self._libc.inotify_rm_watch(self._fd, watch)

    def close(self) -> None:
        """Watch nothing any more."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, EVENTS_BYTES)
        except BlockingIOError:
            return
        watches: dict[int, None] = {}
        position = 0
        while position < len(data):
            watch, _, _, length = EVENT.unpack_from(data, position)
            watches[watch] = None
            position += EVENT.size + length
        for watch in watches:
            for tell in list(self._told.get(watch, ())):
                tell()
