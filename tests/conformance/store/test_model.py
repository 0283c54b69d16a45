"""Random histories: both stores and a plain dictionary of the past agree on every revision."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from boatyard.machinery.store.memory import MemoryStore
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Delete, KeyConflict, Operation, Put, Store

KEYS = st.sampled_from(["/a", "/b", "/c/1", "/c/2"])
OPERATIONS = st.one_of(
    st.builds(Put, KEYS, st.binary(max_size=3), st.one_of(st.none(), st.integers(0, 6))),
    st.builds(Delete, KEYS, st.one_of(st.none(), st.integers(0, 6))),
)
HISTORIES = st.lists(st.lists(OPERATIONS, min_size=1, max_size=3, unique_by=lambda o: o.key), max_size=12)


async def run(store: Store, history: list[list[Operation]]) -> list[object]:
    told: list[object] = []
    for operations in history:
        try:
            told.append(await store.commit(operations))
        except KeyConflict as conflict:
            told.append((conflict.key, conflict.found))
    for revision in range(1, store.revision + 1):
        told.append(store.range("/", revision=revision))
    for after in range(store.revision):
        watch = store.watch("/", after)
        told.append(await anext(watch))
        await watch.aclose()
    return told


@settings(max_examples=60)
@given(HISTORIES)
def test_the_back_ends_tell_the_same_story(history: list[list[Operation]]):
    async def both() -> None:
        with TemporaryDirectory() as directory:
            disk = await SqliteStore.open(Path(directory) / "store.db")
            assert await run(MemoryStore(), history) == await run(disk, history)
            await disk.close()

    asyncio.run(both())
