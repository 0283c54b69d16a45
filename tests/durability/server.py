"""The API server over a store in a directory, in a process of its own, for tests that kill it.

python server.py DIRECTORY PORT
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from boatyard.app.program import follow_parent, tell_ready
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.server.auth.pki import Pki
from boatyard.server.server import ApiServer


async def main(directory: Path, port: int, kept: int, ready: int) -> None:
    world = RealWorld()
    store = await SqliteStore.open(directory / "store.db")
    registry = Registry(store, world)
    await registry.start()
    server = ApiServer(registry, pki=Pki(directory / "pki", world), world=world, port=port)
    await server.start()
    tell_ready(ready)
    while True:
        await asyncio.sleep(0.02)
        await store.compact(max(0, store.revision - kept))


if __name__ == "__main__":
    follow_parent()
    asyncio.run(main(Path(sys.argv[1]), *map(int, sys.argv[2:5])))
