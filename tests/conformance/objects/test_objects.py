"""What every object store promises."""

import os
from pathlib import Path

import pytest

from boatyard.machinery.objects.directory import DirectoryObjects
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.objects.remote import RemoteObjects
from boatyard.machinery.objects.store import ObjectStore
from boatyard.machinery.objects.urls import open_objects


@pytest.fixture(params=["memory", "directory", "obstore"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """obstore is held to the suite through its own local back end: the same calls a bucket gets."""
    if request.param == "memory":
        return MemoryObjects()
    return DirectoryObjects(tmp_path) if request.param == "directory" else RemoteObjects(tmp_path.as_uri())


async def keys(objects: ObjectStore, prefix: str = "") -> list[str]:
    return [info.key async for info in objects.list(prefix)]


async def test_what_is_put_is_got_whole_and_in_part(objects: ObjectStore):
    await objects.put("builds/a/1/log", b"0123456789")
    assert await objects.get("builds/a/1/log") == b"0123456789"
    assert await objects.get("builds/a/1/log", start=3, end=5) == b"34"
    assert await objects.get("builds/a/1/log", start=8) == b"89"
    assert await objects.get("builds/a/1/log", start=8, end=100) == b"89"
    assert await objects.get("builds/a/1/log", start=50) == b""


async def test_a_put_replaces(objects: ObjectStore):
    await objects.put("a", b"long value")
    await objects.put("a", b"x")
    assert await objects.get("a") == b"x"


async def test_a_missing_object_is_a_key_error(objects: ObjectStore):
    await objects.put("a/b", b"")
    for key in ("nothing", "a", "b/c"):
        with pytest.raises(KeyError):
            await objects.get(key)


async def test_a_listing_is_by_prefix_in_key_order(objects: ObjectStore):
    for key in ("b/10", "b/2", "b/1/x", "bb", "a"):
        await objects.put(key, b"123")
    assert await keys(objects, "b/") == ["b/1/x", "b/10", "b/2"]
    assert await keys(objects, "b/1") == ["b/1/x", "b/10"]
    assert await keys(objects) == ["a", "b/1/x", "b/10", "b/2", "bb"]
    assert [info.size_bytes async for info in objects.list("bb")] == [3]
    assert await keys(objects, "none/") == []


async def test_deleting_is_idempotent(objects: ObjectStore):
    await objects.put("a/b/c", b"1")
    await objects.delete("a/b/c")
    await objects.delete("a/b/c")
    assert await keys(objects) == []
    await objects.put("a/b/c", b"2")
    assert await objects.get("a/b/c") == b"2"


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../b", ".", "a\n", "x" * 201, "a\x00"])
async def test_a_key_that_could_leave_the_store_is_refused(objects: ObjectStore, key: str):
    with pytest.raises(ValueError, match="not an object key"):
        await objects.put(key, b"")


async def test_leftovers_of_a_crash_are_no_objects(tmp_path: Path):
    (tmp_path / ".part-12").write_bytes(b"half")
    assert await keys(DirectoryObjects(tmp_path)) == []
    with pytest.raises(ValueError, match="not an object key"):
        await DirectoryObjects(tmp_path).put(".part-x", b"")


async def test_a_writer_that_starts_removes_what_the_last_one_had_not_finished(tmp_path: Path):
    (tmp_path / ".part-12").write_bytes(b"half")
    objects = DirectoryObjects(tmp_path)
    await objects.put("a/b", b"whole")
    await objects.sweep()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert await objects.get("a/b") == b"whole"


async def test_large_objects_leave_the_last_of_the_disk_to_small_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result((*real[:4], 100, *real[5:])))
    objects = DirectoryObjects(tmp_path)
    await objects.put("verdict", b"small")
    with pytest.raises(OSError, match="nearly full"):
        await objects.put("log", bytes(1024 * 1024))
    assert await keys(objects) == ["verdict"]


def test_a_url_names_the_store(tmp_path: Path):
    assert isinstance(open_objects(f"file://{tmp_path}/a%20b"), DirectoryObjects)
    assert isinstance(open_objects("memory:"), MemoryObjects)
    with pytest.raises(ValueError, match="not an object store"):
        open_objects("ftp://x")
