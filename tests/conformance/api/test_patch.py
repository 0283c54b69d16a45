"""patch: JSON and merge patches, alone and against each other."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import ApiError, Conflict, Invalid, NotFound
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .widgets import widget

SECTION = "Patch"


@pytest_asyncio.fixture(loop_scope="session")
async def config_map(client: Client, namespace: str) -> dict:
    return await client.create(
        CONFIG_MAPS, {"metadata": {"name": "c", "labels": {"l": "1"}}, "data": {"a": "1", "b": "2"}}, namespace
    )


@feature("merge patch")
async def test_merge_sets_and_removes(client: Client, namespace: str, config_map: dict) -> None:
    changed = await client.patch(CONFIG_MAPS, "c", {"data": {"a": None, "c": "3"}, "metadata": {"labels": {"m": "2"}}}, namespace)
    assert changed["data"] == {"b": "2", "c": "3"} and changed["metadata"]["labels"] == {"l": "1", "m": "2"}


@feature("JSON patch")
async def test_json_patch(client: Client, namespace: str, config_map: dict) -> None:
    operations = [{"op": "test", "path": "/data/a", "value": "1"}, {"op": "replace", "path": "/data/a", "value": "9"}]
    assert (await client.patch(CONFIG_MAPS, "c", operations, namespace, type="json"))["data"]["a"] == "9"


@feature("JSON patch")
async def test_nothing_is_left_of_an_empty_map(client: Client, namespace: str, config_map: dict) -> None:
    operations = [{"op": "remove", "path": "/data/a"}, {"op": "remove", "path": "/data/b"}]
    assert "data" not in await client.patch(CONFIG_MAPS, "c", operations, namespace, type="json")


@feature("JSON patch")
async def test_a_json_patch_whose_test_fails_changes_nothing(client: Client, namespace: str, config_map: dict) -> None:
    operations = [{"op": "remove", "path": "/data/b"}, {"op": "test", "path": "/data/a", "value": "other"}]
    with pytest.raises(Invalid):
        await client.patch(CONFIG_MAPS, "c", operations, namespace, type="json")
    assert await client.get(CONFIG_MAPS, "c", namespace) == config_map


@feature("nothing changed, nothing written")
async def test_a_patch_that_changes_nothing_writes_nothing(client: Client, namespace: str, config_map: dict) -> None:
    same = await client.patch(CONFIG_MAPS, "c", {"data": {"a": "1"}}, namespace)
    assert same["metadata"]["resourceVersion"] == config_map["metadata"]["resourceVersion"]


@feature("made anew when others write meanwhile, unless it names a revision")
async def test_a_patch_may_name_the_revision_it_means(client: Client, namespace: str, config_map: dict) -> None:
    await client.patch(CONFIG_MAPS, "c", {"data": {"a": "2"}}, namespace)
    stale = {"metadata": {"resourceVersion": config_map["metadata"]["resourceVersion"]}, "data": {"a": "3"}}
    with pytest.raises(Conflict):
        await client.patch(CONFIG_MAPS, "c", stale, namespace)


@feature("made anew when others write meanwhile, unless it names a revision")
async def test_patches_at_the_same_time_all_count(client: Client, namespace: str, config_map: dict) -> None:
    await asyncio.gather(*(client.patch(CONFIG_MAPS, "c", {"data": {f"k{n}": "v"}}, namespace) for n in range(4)))
    data = (await client.get(CONFIG_MAPS, "c", namespace))["data"]
    assert {f"k{n}" for n in range(4)} <= data.keys()


@feature("merge patch")
async def test_nothing_is_left_of_empty_metadata(client: Client, namespace: str, widgets: Resource) -> None:
    await client.create(widgets, widget(), namespace)
    empty = {"metadata": {"labels": {}, "annotations": {"a": None}, "finalizers": [], "ownerReferences": []}}
    metadata = (await client.patch(widgets, "w", empty, namespace))["metadata"]
    assert not {"labels", "annotations", "finalizers", "ownerReferences"} & metadata.keys()


@feature("names, kinds and namespaces stay")
async def test_an_object_that_is_not_there(client: Client, namespace: str) -> None:
    with pytest.raises(NotFound):
        await client.patch(CONFIG_MAPS, "c", {"data": {}}, namespace)


@feature("names, kinds and namespaces stay")
@pytest.mark.parametrize("patch", [{"metadata": {"name": "other"}}, {"metadata": {"namespace": "default"}}, {"kind": "Secret"}])
async def test_a_patch_cannot_make_it_another_object(client: Client, namespace: str, config_map: dict, patch: dict) -> None:
    with pytest.raises(ApiError) as told:
        await client.patch(CONFIG_MAPS, "c", patch, namespace)
    assert told.value.code in (400, 422)
    assert await client.get(CONFIG_MAPS, "c", namespace) == config_map


@feature("`status` is a subresource")
async def test_a_status_patch_touches_the_status_only(client: Client, namespace: str, widgets: Resource) -> None:
    await client.create(widgets, widget(), namespace)
    changed = await client.patch(widgets, "w", {"status": {"phase": "Ready"}, "spec": {"size": 7}}, namespace, subresource="status")
    assert changed["status"] == {"phase": "Ready"} and changed["spec"]["size"] == 1
    again = await client.patch(widgets, "w", {"status": {"phase": "Lost"}, "spec": {"size": 7}}, namespace)
    assert again["status"] == {"phase": "Ready"} and again["spec"]["size"] == 7 and again["metadata"]["generation"] == 2


@feature("schemas of custom kinds hold")
async def test_a_patch_that_breaks_the_schema(client: Client, namespace: str, widgets: Resource) -> None:
    await client.create(widgets, widget(), namespace)
    with pytest.raises(Invalid, match=r"spec.size"):
        await client.patch(widgets, "w", {"spec": {"size": "big"}}, namespace)


@feature("JSON patch")
async def test_indexes_from_the_end_and_what_is_not_there_yet(client: Client, namespace: str, config_map: dict) -> None:
    operations = [
        {"op": "add", "path": "/metadata/finalizers", "value": ["suite.x/a", "suite.x/b"]},
        {"op": "remove", "path": "/metadata/finalizers/-2"},
        {"op": "replace", "path": "/data/new", "value": "1"},
    ]
    changed = await client.patch(CONFIG_MAPS, "c", operations, namespace, type="json")
    assert changed["metadata"]["finalizers"] == ["suite.x/b"] and changed["data"]["new"] == "1"
    await client.patch(CONFIG_MAPS, "c", {"metadata": {"finalizers": None}}, namespace)


@feature("merge patch")
async def test_a_value_of_another_type_is_no_unchanged_one(client: Client, namespace: str, config_map: dict) -> None:
    await client.patch(CONFIG_MAPS, "c", {"immutable": True}, namespace)
    with pytest.raises(Invalid):
        await client.patch(CONFIG_MAPS, "c", {"immutable": 1}, namespace)


@feature("owners are kept once")
async def test_owners_that_are_there_twice(client: Client, namespace: str, config_map: dict) -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "00000000-0000-4000-8000-000000000001"}
    changed = await client.patch(CONFIG_MAPS, "c", {"metadata": {"ownerReferences": [owner, owner]}}, namespace)
    assert changed["metadata"]["ownerReferences"] == [owner]
