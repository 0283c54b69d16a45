"""Sealed values: what the disk sees, what readers see, and how keys change."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from boatyard.machinery.store import sealed
from boatyard.machinery.store.keyring import KeyRing, KeyRingError
from boatyard.machinery.store.memory import MemoryStore
from boatyard.machinery.store.sealed import SealedStore
from boatyard.machinery.store.sealer import MARK, Sealer, Unreadable, key_id
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Change, Delete, Put, Route
from boatyard.machinery.store.watcher import whole_commits

SOURCE = random.Random(11)
RING = KeyRing.fresh(SOURCE)
CANARY = b"{canary-of-a-secret}"


def sealer(ring: KeyRing = RING) -> Sealer:
    return Sealer(ring, SOURCE)


@pytest.fixture
def inner() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def store(inner: MemoryStore) -> SealedStore:
    return SealedStore(inner, sealer(), ("/s/",))


async def first(watch: AsyncIterator[list[Change]]) -> list[Change]:
    async for batch in watch:
        return batch
    raise AssertionError("the watch ended")


async def test_only_what_lies_below_the_prefix_is_sealed(store: SealedStore, inner: MemoryStore) -> None:
    await store.commit([Put("/s/a", CANARY), Put("/t/a", b"{open}")])
    assert inner.range("/t/").records == store.range("/t/").records
    sealed = inner.range("/s/").records[0].value
    assert CANARY not in sealed and sealed.startswith(MARK + RING.first.id.encode() + b":")
    assert store.get("/s/a") == store.range("/").records[0]
    assert store.range("/s/").records[0].value == CANARY


async def test_the_same_value_never_looks_the_same(store: SealedStore, inner: MemoryStore) -> None:
    await store.commit([Put("/s/a", CANARY), Put("/s/b", CANARY)])
    one, two = (record.value for record in inner.range("/s/").records)
    assert one[-16:] != two[-16:]


async def test_watchers_see_values_in_clear_by_every_route(store: SealedStore) -> None:
    def values(change: Change) -> list[str]:
        return [change.value.decode()]

    every = store.watch("/", 0)
    routed = store.watch("/s/", 0, Route(values, CANARY.decode()))
    waiting = [asyncio.ensure_future(first(watch)) for watch in (every, routed)]
    await asyncio.sleep(0)
    await store.commit([Put("/s/a", CANARY)])
    for batch in await asyncio.gather(*waiting):
        assert [(change.key, change.value, change.previous) for change in batch] == [("/s/a", CANARY, None)]
    waiting = [asyncio.ensure_future(anext(watch)) for watch in (every, routed)]
    await store.commit([Put("/s/b", b"{other}")])
    await store.commit([Delete("/s/a")])
    assert [change.key for change in await waiting[0]] == ["/s/b"]
    assert [(change.key, change.value, change.deleted) for change in await waiting[1]] == [("/s/a", CANARY, True)]


async def test_a_sink_is_told_a_part_of_what_waits_and_all_of_a_row_the_same(
    store: SealedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "BATCH", 2)
    told: list[Sequence[Change]] = []

    def take(changes: Sequence[Change]) -> int:
        told.append(changes)
        return len(changes)

    async def follow() -> list[str]:
        async with aclosing(store.watch("/s/", 0, sink=take)) as batches:
            return [change.key async for batch in batches for change in batch][:1]

    following = [asyncio.ensure_future(follow()) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await store.commit([Put(f"/s/{name}", CANARY) for name in "abc"])
    while len(told) < 2:
        await asyncio.sleep(0.01)
    # One commit isn't parted, and those who are told together are told the very same.
    assert [[change.value for change in some] for some in told] == [[CANARY] * 3] * 2 and told[0] is told[1]
    await store.close()
    await asyncio.gather(*following)
    parted = [Change(f"/s/{number}", b"", b"", revision, revision, False) for number, revision in enumerate((1, 2, 2, 3))]
    assert [len(whole_commits(parted, most)) for most in (1, 2, 3, 4)] == [1, 3, 3, 4]


async def test_a_value_is_good_for_its_own_key_only(store: SealedStore, inner: MemoryStore) -> None:
    await store.commit([Put("/s/a", CANARY), Put("/s/b", b"{}")])
    await inner.commit([Put("/s/b", inner.range("/s/a").records[0].value)])
    with pytest.raises(Unreadable, match="/s/b can't be decrypted: its value is damaged, or was stored under another name"):
        store.get("/s/b")


@pytest.mark.parametrize("damage", [b"", b"x", bytes(20)])
async def test_a_damaged_value_is_told_apart_from_all_others(store: SealedStore, inner: MemoryStore, damage: bytes) -> None:
    await store.commit([Put("/s/a", CANARY), Put("/s/b", b"{}")])
    await inner.commit([Put("/s/b", MARK + RING.first.id.encode() + b":" + damage)])
    assert store.get("/s/a") is not None
    for reading in (lambda: store.get("/s/b"), lambda: store.range("/s/")):
        with pytest.raises(Unreadable, match="/s/b"):
            reading()
    watch = store.watch("/s/", 0)
    with pytest.raises(Unreadable, match="/s/b"):
        await first(watch)
    await store.commit([Delete("/s/b")])
    assert [record.key for record in store.range("/s/").records] == ["/s/a"]


async def test_a_lost_key_is_named(inner: MemoryStore, store: SealedStore) -> None:
    await store.commit([Put("/s/a", CANARY)])
    other = SealedStore(inner, sealer(KeyRing.fresh(SOURCE)), ("/s/",))
    with pytest.raises(Unreadable, match=f"the key {RING.first.id} that sealed it is not in the key file") as caught:
        other.get("/s/a")
    assert CANARY.decode() not in str(caught.value) and caught.value.code == 500


async def test_values_in_clear_are_sealed_in_place(inner: MemoryStore) -> None:
    await inner.commit([Put(f"/s/{number}", CANARY) for number in range(450)])
    store = SealedStore(inner, sealer(), ("/s/",))
    assert store.ids() == {"": 450}
    assert await store.reseal(sealer()) == []
    assert store.ids() == {RING.first.id: 450}
    assert {record.value for record in store.range("/s/").records} == {CANARY}


async def test_a_new_key_takes_over_while_others_write(inner: MemoryStore, store: SealedStore) -> None:
    await store.commit([Put(f"/s/{number}", CANARY) for number in range(300)])
    new = RING.with_new(SOURCE)

    async def write() -> None:
        for number in range(200):
            await store.commit([Put(f"/s/{number}", b"{changed}") if number % 2 else Delete(f"/s/{number}")])

    await asyncio.gather(store.reseal(sealer(new)), write())
    assert list(store.ids()) == [new.first.id]
    alone = SealedStore(inner, sealer(new.only_first()), ("/s/",))
    assert len(alone.range("/s/").records) == 200


async def test_what_no_key_opens_is_named_and_left(inner: MemoryStore, store: SealedStore) -> None:
    await store.commit([Put("/s/a", CANARY)])
    await SealedStore(inner, sealer(KeyRing.fresh(SOURCE)), ("/s/",)).commit([Put("/s/lost", CANARY)])
    new = RING.with_new(SOURCE)
    before = inner.get("/s/lost")
    assert await store.reseal(sealer(new)) == ["/s/lost"]
    assert inner.get("/s/lost") == before
    assert store.range("/s/a").records[0].value == CANARY


async def test_neither_the_file_nor_its_log_nor_its_history_hold_it_in_clear(tmp_path: Path) -> None:
    store = SealedStore(await SqliteStore.open(tmp_path / "s.db"), sealer(), ("/s/",))
    for _ in range(3):
        await store.commit([Put("/s/a", CANARY * 300)])
    await store.commit([Delete("/s/a")])
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert len(written) > 20_000 and CANARY not in written
    assert len(await first(store.watch("/s/", 0))) == 4
    await store.close()


def test_a_key_file_says_what_is_wrong_with_it() -> None:
    assert KeyRing.parse(RING.text(), "keys") == RING
    with pytest.raises(KeyRingError, match=r"^keys:2: not 32 bytes in base64; keys:3: not 32 bytes in base64$"):
        KeyRing.parse("# ours\nAAAA\n!!\n", "keys")
    with pytest.raises(KeyRingError, match="keys holds no key"):
        KeyRing.parse("\n", "keys")
    assert RING.first.secret.hex() not in repr(RING) and repr(RING.first.secret) not in repr(RING.first)


def test_a_mark_tells_its_key() -> None:
    value = sealer().seal("/s/a", CANARY)
    assert key_id(value) == RING.first.id
    assert key_id(CANARY) == ""
