"""The API server over a store in a directory, for tests that kill it again and again.

    python server.py DIRECTORY PORT READY_FD

Each line on standard input (how many revisions of history are kept) starts a server: a process of its own, forked from this one,
which has done nothing but import, so that a start costs little. Its pid is told on standard output, and "ready" on READY_FD when
it listens.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from boatyard.app.program import follow_parent
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
    os.write(ready, b"ready")
    while True:
        await asyncio.sleep(0.02)
        await store.compact(max(0, store.revision - kept))


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who were killed
    for line in sys.stdin:
        if pid := os.fork():
            print(pid, flush=True)
            continue
        follow_parent()
        os.dup2(2, 1)
        asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(line), int(sys.argv[3])))
