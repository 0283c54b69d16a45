"""What a range promises: key order, pages, and the past."""

import pytest

from boatyard.machinery.store.store import Compacted, Delete, Put, Record, Store


async def fill(store: Store, *keys: str) -> None:
    for key in keys:
        await store.commit([Put(key, key.encode())])


async def test_only_the_prefix_in_key_order(store: Store):
    await fill(store, "/pods/b", "/pods/a", "/pod", "/podsx", "/pods/a/x")
    assert [r.key for r in store.range("/pods/").records] == ["/pods/a", "/pods/a/x", "/pods/b"]


async def test_keys_beyond_ascii_belong_to_their_prefix(store: Store):
    await fill(store, "/p/\u00e9", "/p/\U0001f6a2", "/q")
    assert len(store.range("/p/").records) == 2


async def test_pages_tell_what_remains(store: Store):
    await fill(store, *(f"/p/{n}" for n in range(5)))
    first = store.range("/p/", limit=2)
    assert ([r.key for r in first.records], first.remaining) == (["/p/0", "/p/1"], 3)
    second = store.range("/p/", after="/p/1", limit=3)
    assert ([r.key for r in second.records], second.remaining) == (["/p/2", "/p/3", "/p/4"], 0)


async def test_what_remains_follows_what_is_made_and_deleted(store: Store):
    await fill(store, *(f"/p/{n}" for n in range(4)), "/p/sub/0", "/q/0")
    assert store.range("/p/", limit=1).remaining == 4
    await store.commit([Put("/p/4", b""), Put("/p/0", b"changed"), Put("/q/1", b""), Delete("/p/1"), Delete("/p/2")])
    assert store.range("/p/", limit=1).remaining == 3
    assert store.range("/p/", after="/p/0", limit=1).remaining == 2
    assert store.range("/p/sub/", limit=1).remaining == 0


async def test_a_page_is_true_of_the_revision_asked_for(store: Store):
    await fill(store, "/p/a", "/p/b", "/p/c")
    await store.commit([Delete("/p/b")])
    await store.commit([Put("/p/c", b"changed")])
    await store.commit([Put("/p/d", b"new")])
    await store.commit([Put("/p/b", b"again")])
    page = store.range("/p/", revision=3)
    assert [(r.key, r.value, r.created, r.modified) for r in page.records] == [
        ("/p/a", b"/p/a", 1, 1), ("/p/b", b"/p/b", 2, 2), ("/p/c", b"/p/c", 3, 3),
    ]  # fmt: skip
    assert page.revision == 3
    assert [r.key for r in store.range("/p/", after="/p/a", limit=1, revision=3).records] == ["/p/b"]
    assert store.range("/p/", after="/p/a", limit=1, revision=3).remaining == 1


async def test_a_record_between_two_changes_tells_the_revision_it_had(store: Store):
    await fill(store, "/a")
    await store.commit([Put("/a", b"2")])
    await store.commit([Put("/b", b"2")])
    await store.commit([Put("/a", b"3")])
    (record,) = store.range("/a", revision=3).records
    assert (record.value, record.created, record.modified) == (b"2", 1, 2)


async def test_what_is_compacted_changes_no_page_that_is_kept(store: Store):
    await fill(store, "/a", "/b")
    for value in (b"2", b"3", b"4"):
        await store.commit([Put("/a", value)])
    await store.compact(3)
    (first, _) = store.range("/", revision=4).records
    assert (first.value, first.created, first.modified) == (b"3", 1, 4)
    await store.compact(4)
    (first, _) = store.range("/", revision=4).records
    assert (first.value, first.created, first.modified) == (b"3", 1, 4)


async def test_a_compacted_revision_is_told(store: Store):
    await fill(store, "/a", "/b", "/c")
    await store.compact(2)
    assert len(store.range("/", revision=2).records) == 2
    with pytest.raises(Compacted):
        store.range("/", revision=1)


async def test_pages_of_the_past_are_the_whole_in_parts(store: Store):
    for name in "abcdefgh":
        await store.commit([Put(f"/p/{name}", b"1")])
    for operation in (Delete("/p/b"), Put("/p/bb", b"2"), Put("/p/d", b"2"), Delete("/p/h"), Put("/p/z", b"2"), Delete("/p/a")):
        await store.commit([operation])
    for revision in range(1, store.revision + 1):
        whole = store.range("/p/", revision=revision).records
        for limit in (1, 2, 3, 20):
            found: list[Record] = []
            while True:
                page = store.range("/p/", after=found[-1].key if found else "", limit=limit, revision=revision)
                found += page.records
                assert (page.revision, page.remaining) == (revision, len(whole) - len(found))
                uncounted = store.range("/p/", after=page.records[-1].key, limit=1, revision=revision, count=False)
                assert bool(uncounted.records) == bool(page.remaining)
                assert bool(uncounted.remaining) == (len(whole) - len(found) > 1)
                if not page.remaining:
                    break
            assert found == whole
