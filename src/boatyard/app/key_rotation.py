"""A new key for secrets: put in front of the old ones, everything sealed anew, then the old ones dropped."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from boatyard.app import processes, sealing
from boatyard.app.layout import DataDirectory
from boatyard.app.up import hold
from boatyard.machinery.meta.core import SECRETS
from boatyard.machinery.registry import keys
from boatyard.machinery.runtime.world import World
from boatyard.machinery.store.keyring import KeyRing, KeyRingError

PATIENCE_SECONDS = 120.0
"""How long the running control plane may take to seal everything anew."""


async def rotate(data: DataDirectory, world: World, named: Path | None, say: Callable[[str], None]) -> KeyRing:
    """Do it, or go on with what an earlier call began: running it again is always right. Returns what the file holds then.

    With a control plane that runs, that one seals; else this process does, and holds the data directory meanwhile.
    Raises KeyRingError when the old keys are still needed, with what to do; AlreadyRunning.
    """
    file = sealing.key_file(data, named)
    with _alone(file):
        ring = sealing.load(file)
        if len(ring.keys) > 1:
            say(f"going on with the key {ring.first.id}, which is not yet the only one")
        else:
            ring = ring.with_new(world.random)
            sealing.save(file, ring)
        lost = await _sealed_by(ring, data, world, file)
        if lost:
            told = f"these can't be decrypted by any key in {file}: {', '.join(sorted(lost))}"
            raise KeyRingError(
                f"{told}. No key was dropped: add theirs, or delete them (`boatyard store forget-secret`), then repeat"
            )
        sealing.save(file, ring.only_first())
        return ring.only_first()


async def _sealed_by(ring: KeyRing, data: DataDirectory, world: World, file: Path) -> list[str]:
    """Wait until everything is sealed by the first key; returns what isn't and can't be."""
    if processes.running(data.run / "up.pid") is None:
        with hold(data):
            store = await sealing.Sealing(data, world, file).open()
            await store.close()
    deadline = world.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            done = json.loads(sealing.done_file(data).read_text())
        except (OSError, ValueError):
            done = {}
        if done.get("key") == ring.first.id:
            return done["unreadable"]
        if world.monotonic() > deadline:
            told = "the control plane hasn't sealed everything anew yet: see run/control.log, then repeat"
            raise KeyRingError(f"{told}. Both keys are in {file}; nothing is lost.")
        await asyncio.sleep(0.1)


async def forget(data: DataDirectory, world: World, named: Path | None, namespace: str, name: str) -> None:
    """Delete a secret that no key opens. Raises ValueError when it can be read, KeyRingError, AlreadyRunning."""
    with hold(data):
        store = await sealing.Sealing(data, world, sealing.key_file(data, named)).open()
        try:
            await store.forget(keys.key(SECRETS, namespace, name))
        finally:
            await store.close()


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One rotation at a time."""
    try:
        descriptor = os.open(file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise KeyRingError(f"{file.parent} can't be written: {error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise KeyRingError(f"{file} is being changed by another `boatyard store rotate-key`") from None
    finally:
        os.close(descriptor)
