"""Writes against each other, against a disk that fails, and against callers who go away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, PODS, SERVICES
from boatyard.machinery.meta.errors import InternalError, Invalid, NotFound
from boatyard.machinery.registry.bootstrap import PERMANENT_NAMESPACES
from boatyard.machinery.registry.caller import SYSTEM
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.store.memory import MemoryStore
from boatyard.machinery.store.store import Operation


async def test_many_patches_of_one_object_all_count(client: EmbeddedClient) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, "default")
    await asyncio.gather(*(client.patch(CONFIG_MAPS, "c", {"data": {f"k{n}": "v"}}, "default") for n in range(12)))
    assert len((await client.get(CONFIG_MAPS, "c", "default"))["data"]) == 12


async def test_a_disk_that_fails_is_told_and_changes_nothing(
    client: EmbeddedClient, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(operations: Sequence[Operation]) -> int:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(store, "commit", full)
        with pytest.raises(InternalError, match="no space left on device"):
            await client.create(
                SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], "clusterIP": "10.96.0.30"}}, "default"
            )
    with pytest.raises(NotFound):
        await client.get(SERVICES, "s", "default")
    assert client.registry.ledger.addresses.claim("somebody", "10.96.0.30"), "the address is free again"


async def test_a_caller_who_goes_away_leaves_the_indexes_true(client: EmbeddedClient, registry: Registry) -> None:
    from .test_definitions import BOATS, definition

    making = asyncio.ensure_future(client.create(CUSTOM_RESOURCE_DEFINITIONS, definition()))
    await asyncio.sleep(0)
    making.cancel()
    await asyncio.gather(making, return_exceptions=True)
    for _ in range(5):
        await asyncio.sleep(0)
    stored = registry.ledger.find(CUSTOM_RESOURCE_DEFINITIONS, None, BOATS.group_resource) is not None
    assert (registry.kinds.find(BOATS.group, BOATS.version, BOATS.plural) is not None) == stored


async def test_a_second_start_makes_nothing_new(registry: Registry, store: MemoryStore, world: object) -> None:
    before = store.revision
    again = Registry(store, registry.ledger.world)
    await again.start()
    assert store.revision == before
    names = [obj["metadata"]["name"] for obj in (await again.list(SYSTEM, NAMESPACES)).items]
    assert names == sorted(PERMANENT_NAMESPACES)


async def test_the_same_seed_writes_the_same_history(world: object) -> None:
    from .conftest import StillWorld

    async def history() -> list[tuple[str, bytes]]:
        store = MemoryStore()
        registry = Registry(store, StillWorld())
        await registry.start()
        client = EmbeddedClient(registry)
        spec = {"containers": [{"name": "c", "image": "busybox:1"}]}
        for _ in range(3):
            await client.create(PODS, {"metadata": {"generateName": "p-"}, "spec": spec}, "default")
        await client.create(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}, "default")
        return [(record.key, record.value) for record in store.range("/").records]

    assert await history() == await history()


async def test_finalize_is_the_only_way_to_a_namespaces_finalizers(client: EmbeddedClient) -> None:
    made = await client.create(NAMESPACES, {"metadata": {"name": "team"}})
    assert (await client.patch(NAMESPACES, "team", {"spec": {"finalizers": None}}))["spec"] == made["spec"]
    await client.delete(NAMESPACES, "team")
    waiting = await client.get(NAMESPACES, "team")
    waiting["spec"]["finalizers"] = []
    await client.update(NAMESPACES, waiting, subresource="finalize")
    with pytest.raises(NotFound):
        await client.get(NAMESPACES, "team")


async def test_a_collection_is_deleted_by_selection(registry: Registry, client: EmbeddedClient) -> None:
    for name, team in (("a", "x"), ("b", "x"), ("c", "y")):
        await client.create(CONFIG_MAPS, {"metadata": {"name": name, "labels": {"team": team}}}, "default")
    deleted = (await registry.delete_collection(SYSTEM, CONFIG_MAPS, "default", label_selector="team=x")).items
    assert [obj["metadata"]["name"] for obj in deleted] == ["a", "b"]
    assert [obj["metadata"]["name"] for obj in (await client.list(CONFIG_MAPS, "default")).items] == ["c"]


async def test_the_cause_of_a_deletion_does_not_grow(client: EmbeddedClient) -> None:
    """Deleting twice what waits for a finalizer writes once."""
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "finalizers": ["example.com/hold"]}}, "default")
    first = await client.delete(CONFIG_MAPS, "c", "default")
    again = await client.delete(CONFIG_MAPS, "c", "default")
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_finalizers_of_core_kinds_say_whose_they_are(client: EmbeddedClient) -> None:
    with pytest.raises(Invalid, match="name is neither a standard finalizer name nor is it fully qualified"):
        await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "finalizers": ["hold"]}}, "default")


async def test_final_data_isnt_given_an_empty_map_either(client: EmbeddedClient) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}, "data": {"a": "1"}, "immutable": True}, "default")
    with pytest.raises(Invalid, match="binaryData: Forbidden: field is immutable"):
        await client.patch(CONFIG_MAPS, "c", {"binaryData": {}}, "default")
    assert await client.patch(CONFIG_MAPS, "c", {"metadata": {"labels": {"a": "b"}}}, "default")


async def test_conditions_of_pods_have_names(client: EmbeddedClient) -> None:
    await client.create(PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "i"}]}}, "default")
    with pytest.raises(Invalid, match=r"status\.conditions\[0\]\.Type: Invalid value: \"\": name part must be non-empty"):
        await client.patch(PODS, "p", {"status": {"conditions": [None]}}, "default", subresource="status")
    conditions = [{"type": "Ready", "status": "True"}, {"type": "example.com/ready", "status": "True"}]
    assert await client.patch(PODS, "p", {"status": {"conditions": conditions}}, "default", subresource="status")
