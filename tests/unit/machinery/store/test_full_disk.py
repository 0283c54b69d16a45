"""A disk that is full or read-only: what was acknowledged stays, reads go on, writes are refused in words until there is space."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import InternalError
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.check import check
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Put
from parts import need, root

pytestmark = [pytest.mark.root, pytest.mark.real]
MEGABYTE = b"x" * 1_000_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight megabytes."""
    root()
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True, text=True)
    need(mounted.returncode == 0, f"can't mount a tmpfs here: {mounted.stderr}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


async def test_a_full_disk_costs_nothing_that_was_acknowledged(small_disk: Path):
    store = await SqliteStore.open(small_disk / "s.db")
    acknowledged: list[int] = []
    with pytest.raises(OSError, match="not written: the disk is full; it goes on by itself"):
        for number in range(20):
            acknowledged.append(await store.commit([Put(f"/{number}", MEGABYTE)]))
    assert [record.modified for record in store.range("/").records] == acknowledged
    assert len(await anext(store.watch("/", 0))) == len(acknowledged)
    results = await asyncio.gather(*(store.commit([Put(f"/x{n}", MEGABYTE)]) for n in range(5)), return_exceptions=True)
    assert all(isinstance(result, OSError) for result in results)
    remount(small_disk, "size=32m")
    assert await store.commit([Put("/again", MEGABYTE)]) == acknowledged[-1] + 1
    await store.close()
    assert check(small_disk / "s.db").findings == []


async def test_a_start_without_any_space_is_refused_in_words(small_disk: Path):
    store = await SqliteStore.open(small_disk / "s.db")
    await store.commit([Put("/a", b"1")])
    await store.close()
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filling").write_bytes(MEGABYTE * 9)
    with pytest.raises(OSError, match="the disk is full"):
        await SqliteStore.open(small_disk / "s.db")
    (small_disk / "filling").unlink()
    store = await SqliteStore.open(small_disk / "s.db")
    assert await store.commit([Put("/b", MEGABYTE)]) == 2
    await store.close()


async def test_a_file_system_that_becomes_read_only_is_said_and_recovers(small_disk: Path):
    store = await SqliteStore.open(small_disk / "s.db")
    await store.commit([Put("/a", b"1")])
    await store.close()
    remount(small_disk, "ro")
    with pytest.raises(OSError, match=r"s\.db can't be opened: Read-only file system"):
        await SqliteStore.open(small_disk / "s.db")
    remount(small_disk, "rw")
    store = await SqliteStore.open(small_disk / "s.db")
    assert await store.commit([Put("/a", b"2")]) == 2
    await store.close()


async def test_clients_are_told_and_go_on(small_disk: Path):
    store = await SqliteStore.open(small_disk / "s.db")
    registry = Registry(store, RealWorld())
    await registry.start()
    client = EmbeddedClient(registry)
    body = {"metadata": {"generateName": "big-"}, "data": {"value": "x" * 900_000}}
    with pytest.raises(InternalError, match="could not write: not written: the disk is full"):
        for _ in range(20):
            await client.create(CONFIG_MAPS, body, "default")
    kept = (await client.list(CONFIG_MAPS, "default")).items
    for obj in kept:
        if obj["metadata"]["name"].startswith("big-"):
            assert obj["data"] == body["data"]
    remount(small_disk, "size=32m")
    await client.create(CONFIG_MAPS, body, "default")
    await store.close()
