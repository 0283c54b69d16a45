"""What a commit promises: the optimistic lock, all or nothing, one revision."""

import asyncio

import pytest

from boatyard.machinery.store.store import Delete, KeyConflict, Put, Record, Store


async def test_a_put_gets_the_next_revision_and_is_read_back(store: Store):
    assert store.revision == 0
    assert await store.commit([Put("/a", b"1")]) == 1
    assert store.revision == 1
    assert store.get("/a") == Record("/a", b"1", 1, 1)


async def test_an_update_keeps_the_creation_revision(store: Store):
    await store.commit([Put("/a", b"1")])
    await store.commit([Put("/a", b"2")])
    assert store.get("/a") == Record("/a", b"2", 1, 2)


async def test_a_key_created_again_after_deletion_is_new(store: Store):
    await store.commit([Put("/a", b"1")])
    await store.commit([Delete("/a")])
    await store.commit([Put("/a", b"2")])
    assert store.get("/a") == Record("/a", b"2", 3, 3)


async def test_creation_is_refused_when_the_key_exists(store: Store):
    await store.commit([Put("/a", b"1", expected=0)])
    with pytest.raises(KeyConflict) as caught:
        await store.commit([Put("/a", b"2", expected=0)])
    assert (caught.value.key, caught.value.expected, caught.value.found) == ("/a", 0, 1)


@pytest.mark.parametrize("operation", [Put("/a", b"3", expected=1), Delete("/a", expected=1)])
async def test_an_outdated_revision_is_refused(store: Store, operation: Put | Delete):
    await store.commit([Put("/a", b"1")])
    await store.commit([Put("/a", b"2")])
    with pytest.raises(KeyConflict):
        await store.commit([operation])
    assert store.get("/a") == Record("/a", b"2", 1, 2)


async def test_deleting_a_missing_key_is_a_conflict(store: Store):
    with pytest.raises(KeyConflict):
        await store.commit([Delete("/nothing")])


async def test_a_commit_with_a_conflict_writes_nothing_of_itself(store: Store):
    await store.commit([Put("/b", b"1")])
    with pytest.raises(KeyConflict):
        await store.commit([Put("/a", b"1"), Put("/b", b"2", expected=0), Put("/c", b"1")])
    assert [r.key for r in store.range("/").records] == ["/b"]
    assert store.revision == 1


async def test_operations_of_one_commit_share_its_revision(store: Store):
    await store.commit([Put("/a", b"1"), Put("/b", b"1")])
    assert [r.modified for r in store.range("/").records] == [1, 1]


async def test_of_many_at_once_one_creates_and_the_others_are_told(store: Store):
    results = await asyncio.gather(*(store.commit([Put("/a", b"%d" % n, expected=0)]) for n in range(50)), return_exceptions=True)
    assert sum(isinstance(r, int) for r in results) == 1
    assert sum(isinstance(r, KeyConflict) for r in results) == 49


async def test_revisions_of_many_writers_have_no_gaps_and_no_doubles(store: Store):
    revisions = await asyncio.gather(*(store.commit([Put(f"/{n}", b"x")]) for n in range(300)))
    assert sorted(revisions) == list(range(1, 301))
