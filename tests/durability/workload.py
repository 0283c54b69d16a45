"""A store under load, in a process of its own, that notes what it began and what was acknowledged. Run by the power-cut tests.

python workload.py PATH KIND SEED [SYNCHRONOUS]
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import random
import sys
from pathlib import Path
from typing import Any

from boatyard.machinery.store import opening
from boatyard.machinery.store.backup import backup, restore
from boatyard.machinery.store.check import check
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Delete, Operation, Put

WRITERS = 8
COMMITS = 30
"""Of each writer, before the store is closed and opened again."""
_note = getattr(ctypes.CDLL(None), "powercut_note", None)


def note(**told: Any) -> None:
    """Remembered in the order of the writes."""
    text = json.dumps(told).encode()
    if _note is not None:
        _note(text, ctypes.c_uint64(len(text)))


def operations(writer: int, number: int) -> list[Operation]:
    """What a writer's commit does: two keys always; a third comes and goes; some values are longer than a page."""
    size = 12_000 if number % 7 == 3 else 300
    value = f"{writer}:{number}:".encode().ljust(size, b"x")
    done: list[Operation] = [Put(f"/{writer}/a", value), Put(f"/{writer}/b", value)]
    if number % 2:
        done.append(Put(f"/{writer}/c", value))
    elif number > 1:
        done.append(Delete(f"/{writer}/c"))
    return done


async def write(store: SqliteStore, writer: int, numbers: range) -> None:
    """One commit after the other, each noted before and after."""
    for number in numbers:
        note(begun=[writer, number])
        revision = await store.commit(operations(writer, number))
        note(acknowledged=[writer, number, revision])


async def churn(path: Path, rng: random.Random, synchronous: str) -> None:
    """Load, with compaction in between, and the store closed and opened again."""
    for life in range(3):
        store = await SqliteStore.open(path)
        store._writer._connection.execute(f"PRAGMA synchronous = {synchronous}")
        numbers = range(1 + life * COMMITS, 1 + (life + 1) * COMMITS)
        writing = [asyncio.create_task(write(store, writer, numbers)) for writer in range(WRITERS)]
        while not all(task.done() for task in writing):
            await asyncio.sleep(rng.random() * 0.05)
            if rng.random() < 0.3:
                await store.compact(max(0, store.revision - rng.randrange(200)))
        await asyncio.gather(*writing)
        await store.close()


async def main(path: Path, kind: str, seed: int, synchronous: str) -> None:
    rng = random.Random(seed)
    opening.CHECKPOINT_PAGES = rng.choice((20, 100, 1000))
    if kind == "churn":
        await churn(path, rng, synchronous)
    elif kind == "open":
        await (await SqliteStore.open(path)).close()
    elif kind == "backup":
        backup(path, path.with_name("backup.db"), check)
        note(backed_up=True)
    elif kind == "restore":
        restore(path, path.with_name("backup.db"), check)
        note(restored=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else "FULL"))
