"""Secrets in the database are sealed: with which keys, since when, and what happens when the keys change.

    control/keys/secrets      the keys (or the file of --secrets-key-file)
    control/store.db          values that begin with the id of the key that sealed them
    control/store.scrub       there while values in clear may be left in the database's free pages
    run/secrets-key           what the running control plane has done: the key by which everything is sealed

A change of keys is safe at every step: the new key is first in the file before anything is sealed by it, and the old one leaves
the file only after everything is sealed anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from boatyard.app.layout import DataDirectory
from boatyard.machinery.meta.core import SECRETS
from boatyard.machinery.registry import keys
from boatyard.machinery.runtime.world import World
from boatyard.machinery.store.keyring import KeyRing, KeyRingError
from boatyard.machinery.store.scrub import scrub
from boatyard.machinery.store.sealed import SealedStore
from boatyard.machinery.store.sealer import Sealer
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Store
from boatyard.machinery.telemetry.logs import get_logger
from boatyard.server.auth.files import write_private

log = get_logger("app")

SEALED = (keys.prefix(SECRETS),)
LOOK_SECONDS = 5.0
"""How often the running control plane looks whether the key file was replaced."""


def key_file(data: DataDirectory, named: Path | None) -> Path:
    """Where the keys are."""
    return named or data.keys / "secrets"


def done_file(data: DataDirectory) -> Path:
    """What the running control plane has made of the key file, see :class:`Sealing`."""
    return data.run / "secrets-key"


def load(file: Path) -> KeyRing:
    """Raises KeyRingError, also when others than its owner may read the file."""
    try:
        if file.stat().st_mode & 0o077:
            raise KeyRingError(f"{file} can be read by others than its owner: chmod 600 {file}")
        return KeyRing.parse(file.read_text(encoding="ascii"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRingError(f"{file} can't be read: {error}") from error


def save(file: Path, ring: KeyRing) -> None:
    """Put the file into place. Raises KeyRingError."""
    try:
        write_private(file, ring.text().encode())
    except OSError as error:
        raise KeyRingError(f"{file} can't be written: {error}") from error


class Sealing:
    """The store of a data directory with its secrets sealed."""

    def __init__(self, data: DataDirectory, world: World, file: Path) -> None:
        self._world, self._path, self._file, self._done = world, data.store, file, done_file(data)
        self._scrub = data.store.with_suffix(".scrub")
        self._seen: tuple[int, int] = (0, 0)
        # Who got as far as a kubeconfig had a database: to begin with an empty one would lose everything without a word.
        self._expected = data.kubeconfig.exists()
        self.database: SqliteStore
        """What lies below, once it is open."""

    async def open(self) -> SealedStore:
        """Open or make the database, make a key where there is none, seal what isn't sealed as it should be.

        Raises KeyRingError when the keys of what is sealed aren't there, and what ``SqliteStore.open`` raises.
        """
        self._done.unlink(missing_ok=True)
        self.database = inner = await SqliteStore.open(self._path, expected=self._expected)
        try:
            store = await self._open(inner)
            if not self._scrub.exists():
                return store
            await store.compact(store.revision)
        except BaseException:
            await inner.close()
            raise
        # Values were in clear before: they must go from free pages, too.
        await store.close()
        try:
            scrub(self._path)
            self._scrub.unlink()
        except OSError as error:
            log.warning("secrets may be left in clear in free pages of the database; the next start tries again", why=str(error))
        self.database = await SqliteStore.open(self._path)
        return SealedStore(self.database, Sealer(load(self._file), self._world.random), SEALED)

    async def _open(self, inner: Store) -> SealedStore:
        probe = SealedStore(inner, Sealer(KeyRing.fresh(self._world.random), self._world.random), SEALED)
        found = probe.ids()
        if not self._file.exists():
            if any(found):
                told = f"{self._path} has secrets that were sealed with keys in another file"
                raise KeyRingError(f"{told}, and {self._file} is not there: restore it, or name the file with --secrets-key-file")
            save(self._file, KeyRing.fresh(self._world.random))
        ring = self._load()
        sealer = Sealer(ring, self._world.random)
        lost = {id: count for id, count in found.items() if id and not sealer.knows(id)}
        if lost and lost == found:
            told = f"{self._file} has none of the keys that sealed the secrets in {self._path} ({', '.join(sorted(lost))})"
            raise KeyRingError(f"{told}: restore it, or name the right file with --secrets-key-file")
        store = SealedStore(inner, sealer, SEALED)
        if "" in found:
            self._scrub.touch()
        # Of several keys all but the first may still be in use in the history.
        if found.keys() - {sealer.id} or len(ring.keys) > 1:
            try:
                await self.reseal(store, ring)
            except OSError as error:
                log.error("secrets are not sealed anew; the next start tries again", why=str(error))
        else:
            self._tell(ring, [])
        return store

    async def run(self, store: SealedStore) -> None:
        """Follow changes of the key file until cancelled. A file that can't be used changes nothing."""
        while True:
            await self._world.sleep(LOOK_SECONDS)
            try:
                if self._stamp() != self._seen:
                    await self.reseal(store, self._load())
            except (KeyRingError, OSError) as error:
                log.error("the keys of secrets can't be changed", why=str(error))

    async def reseal(self, store: SealedStore, ring: KeyRing) -> list[str]:
        """Seal everything by the first key of ``ring``; returns what can't be opened. Raises OSError."""
        lost = await store.reseal(Sealer(ring, self._world.random))
        for key in lost:
            log.error("a secret can't be decrypted", key=key)
        log.info("secrets are sealed", key=ring.first.id, unreadable=len(lost))
        self._tell(ring, lost)
        return lost

    def _load(self) -> KeyRing:
        self._seen = self._stamp()
        return load(self._file)

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._file.stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_ino)

    def _tell(self, ring: KeyRing, lost: list[str]) -> None:
        part = self._done.with_suffix(".part")
        try:
            part.write_text(json.dumps({"key": ring.first.id, "unreadable": lost}))
            part.replace(self._done)
        except OSError as error:
            log.warning("can't say by which key secrets are sealed: `boatyard store rotate-key` will wait", why=str(error))
