"""Subordinate users: as root every pod runs as a user of its own that the host doesn't know."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from boatyard.node.runtime import MachineError

FIRST, BLOCKS, BLOCK = 200_000, 1_000, 1_000
"""Users 200000 to 1199999, in blocks of a thousand, one block per node directory."""


class SubordinateUsers:
    """Hands out the users of this node's block; what is taken is known from the pods' orders."""

    def __init__(self, directory: Path) -> None:
        digest = hashlib.sha256(os.fsencode(directory)).digest()
        self._first = FIRST + int.from_bytes(digest[:4]) % BLOCKS * BLOCK
        self._taken: set[int] = set()
        self._next = 0

    def taken(self, uid: int) -> None:
        self._taken.add(uid)
        self._next = max(self._next, uid - self._first + 1)

    def free(self, uid: int) -> None:
        self._taken.discard(uid)

    def allocate(self, volumes: Iterable[str]) -> int:
        """The user whose data the volumes already hold, if it is free: nothing has to be handed over then. Otherwise the one that
        has rested longest. Raises :class:`MachineError` when all are taken."""
        for volume in volumes:
            owner = _owner(volume)
            if self._first <= owner < self._first + BLOCK and owner not in self._taken:
                self._taken.add(owner)
                return owner
        for step in range(BLOCK):
            uid = self._first + (self._next + step) % BLOCK
            if uid not in self._taken:
                self._taken.add(uid)
                self._next = uid - self._first + 1
                return uid
        raise MachineError(f"all {BLOCK} users for pods are taken")

    @staticmethod
    def own(volumes: Iterable[str], uid: int) -> None:
        """Hand directories over, unless their top belongs to that user already. Links are handed over, never followed."""
        for volume in volumes:
            if not os.path.isdir(volume) or _owner(volume) == uid:
                continue
            # By descriptors: another pod with the same claim could put a link in the place of a directory meanwhile.
            for _, directories, files, descriptor in os.fwalk(volume):
                for name in (*directories, *files):
                    with suppress(FileNotFoundError):
                        os.chown(name, uid, uid, dir_fd=descriptor, follow_symlinks=False)
            os.chown(volume, uid, uid)


def _owner(path: str) -> int:
    try:
        return os.stat(path).st_uid
    except OSError:
        return -1
