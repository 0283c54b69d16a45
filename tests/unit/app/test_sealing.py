"""Secrets of a data directory: sealed from the first write, or the next start on; keys that change, and keys that are lost."""

from __future__ import annotations

import asyncio
import shutil
import stat
from pathlib import Path

import pytest

from boatyard.app import key_rotation, sealing
from boatyard.app.layout import DataDirectory
from boatyard.app.sealing import Sealing
from boatyard.app.up import AlreadyRunning, hold
from boatyard.machinery.meta.core import CONFIG_MAPS, SECRETS
from boatyard.machinery.registry.caller import SYSTEM
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.keyring import KeyRing, KeyRingError
from boatyard.machinery.store.sealed import SealedStore
from boatyard.machinery.store.sealer import Sealer
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Put, Store

WORLD = RealWorld()
CANARY = "Y2FuYXJ5LWluLWEtc2VjcmV0"


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    directory = DataDirectory(tmp_path / "data")
    directory.prepare()
    return directory


def opening(data: DataDirectory) -> Sealing:
    return Sealing(data, WORLD, sealing.key_file(data, None))


async def write(store: Store, *names: str) -> None:
    registry = Registry(store, WORLD)
    await registry.start()
    for name in names:
        secret = {"metadata": {"name": name, "namespace": "default"}, "data": {"password": CANARY}}
        await registry.create(SYSTEM, SECRETS, secret)


async def read(store: Store) -> list[str]:
    registry = Registry(store, WORLD)
    return [item["data"]["password"] for item in (await registry.list(SYSTEM, SECRETS)).items]


def on_disk(data: DataDirectory) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(data.root.rglob("*")) if file.is_file())


async def test_a_secret_is_never_on_the_disk_in_clear(data: DataDirectory) -> None:
    store = await opening(data).open()
    await write(store, "a", "b")
    assert CANARY.encode() not in on_disk(data)
    await store.close()
    assert CANARY.encode() not in on_disk(data)
    assert stat.S_IMODE((data.keys / "secrets").stat().st_mode) == 0o600
    again = await opening(data).open()
    assert await read(again) == [CANARY, CANARY]
    await again.close()


@pytest.mark.parametrize("ended_after", ["nothing", "the first secret", "everything"])
async def test_a_database_in_clear_is_sealed_at_the_next_start(data: DataDirectory, ended_after: str) -> None:
    old = await SqliteStore.open(data.store)
    await write(old, *(f"s{number:03}" for number in range(30)))
    if ended_after != "nothing":
        ring = KeyRing.fresh(WORLD.random)
        sealing.save(data.keys / "secrets", ring)
        data.store.with_suffix(".scrub").touch()
        some = SealedStore(old, Sealer(ring, WORLD.random), sealing.SEALED)
        if ended_after == "the first secret":
            record = some.range(sealing.SEALED[0], limit=1).records[0]
            await some.commit([Put(record.key, record.value)])
        else:
            await some.reseal(Sealer(ring, WORLD.random))
    await old.close()
    assert CANARY.encode() in on_disk(data) or ended_after == "everything"
    store = await opening(data).open()
    assert await read(store) == [CANARY] * 30
    assert CANARY.encode() not in on_disk(data)
    assert not data.store.with_suffix(".scrub").exists()
    await store.close()


async def test_without_its_keys_a_database_is_refused_rather_than_given_new_ones(data: DataDirectory) -> None:
    store = await opening(data).open()
    await write(store, "a")
    await store.close()
    file = data.keys / "secrets"
    kept = file.read_text()
    file.unlink()
    with pytest.raises(KeyRingError, match="is not there: restore it, or name the file with --secrets-key-file"):
        await opening(data).open()
    sealing.save(file, KeyRing.fresh(WORLD.random))
    with pytest.raises(KeyRingError, match="has none of the keys that sealed the secrets"):
        await opening(data).open()
    file.write_text(kept)
    file.chmod(0o644)
    with pytest.raises(KeyRingError, match="can be read by others than its owner: chmod 600"):
        await opening(data).open()
    file.chmod(0o400)
    store = await opening(data).open()
    assert await read(store) == [CANARY]
    await store.close()


async def test_one_lost_secret_leaves_the_others(data: DataDirectory) -> None:
    store = await opening(data).open()
    await write(store, "a", "lost")
    other = SealedStore(store._inner, Sealer(KeyRing.fresh(WORLD.random), WORLD.random), sealing.SEALED)
    await other.commit([Put("/registry/core/secrets/default/lost", b'{"metadata":{}}')])
    await store.close()
    store = await opening(data).open()
    registry = Registry(store, WORLD)
    await registry.start()
    assert (await registry.get(SYSTEM, SECRETS, "a", "default"))["data"] == {"password": CANARY}
    for reading in (registry.get(SYSTEM, SECRETS, "lost", "default"), registry.list(SYSTEM, SECRETS)):
        with pytest.raises(Exception, match="/registry/core/secrets/default/lost can't be decrypted") as caught:
            await reading
        assert caught.value.code == 500
    await registry.create(SYSTEM, CONFIG_MAPS, {"metadata": {"name": "x", "namespace": "default"}})
    with pytest.raises(KeyRingError, match=r"by any key in .*default/lost\. No key was dropped"):
        await store.close()
        await key_rotation.rotate(data, WORLD, None, print)
    assert len(sealing.load(data.keys / "secrets").keys) == 2
    with pytest.raises(ValueError, match="can be decrypted, or isn't there"):
        await key_rotation.forget(data, WORLD, None, "default", "a")
    await key_rotation.forget(data, WORLD, None, "default", "lost")
    assert len((await key_rotation.rotate(data, WORLD, None, print)).keys) == 1


async def test_a_new_key_replaces_the_old_one_while_nothing_runs(data: DataDirectory) -> None:
    store = await opening(data).open()
    await write(store, "a", "b")
    await store.close()
    before = sealing.load(data.keys / "secrets")
    after = await key_rotation.rotate(data, WORLD, None, print)
    assert sealing.load(data.keys / "secrets") == after
    assert len(after.keys) == 1 and after.first.id != before.first.id
    assert before.first.id.encode() not in (data.store.read_bytes().partition(b"history")[2] or b"")
    store = await opening(data).open()
    assert store.ids() == {after.first.id: 2}
    assert await read(store) == [CANARY, CANARY]
    await store.close()


async def test_a_rotation_that_was_ended_goes_on(data: DataDirectory) -> None:
    store = await opening(data).open()
    await write(store, "a")
    await store.close()
    ring = sealing.load(data.keys / "secrets").with_new(WORLD.random)
    sealing.save(data.keys / "secrets", ring)
    told: list[str] = []
    assert await key_rotation.rotate(data, WORLD, None, told.append) == ring.only_first()
    assert told == [f"going on with the key {ring.first.id}, which is not yet the only one"]


async def test_a_running_control_plane_takes_the_new_key(data: DataDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(key_rotation.processes, "running", lambda file: file.name == "up.pid" or None)
    ours = opening(data)
    store = await ours.open()
    await write(store, "a", "b")
    following = asyncio.ensure_future(ours.run(store))
    ring = await key_rotation.rotate(data, WORLD, None, print)
    assert store.ids() == {ring.first.id: 2}
    await write(store, "c")
    assert await read(store) == [CANARY] * 3
    (data.keys / "secrets").write_text("nonsense")
    await asyncio.sleep(0.1)
    assert await read(store) == [CANARY] * 3 and not following.done()
    following.cancel()
    await store.close()


async def test_one_rotation_at_a_time_and_none_under_a_starting_program(data: DataDirectory) -> None:
    await (await opening(data).open()).close()
    with hold(data), pytest.raises(AlreadyRunning):
        await key_rotation.rotate(data, WORLD, None, print)
    with key_rotation._alone(data.keys / "secrets"), pytest.raises(KeyRingError, match="being changed by another"):
        await key_rotation.rotate(data, WORLD, None, print)


async def test_a_key_file_elsewhere_makes_a_copied_directory_worthless(data: DataDirectory, tmp_path: Path) -> None:
    elsewhere = tmp_path / "usb" / "key"
    elsewhere.parent.mkdir()
    store = await Sealing(data, WORLD, elsewhere).open()
    await write(store, "a")
    await store.close()
    copy = DataDirectory(tmp_path / "copy")
    shutil.copytree(data.root, copy.root)
    with pytest.raises(KeyRingError):
        await opening(copy).open()
    assert elsewhere.read_text().splitlines()[1].encode() not in on_disk(copy)
