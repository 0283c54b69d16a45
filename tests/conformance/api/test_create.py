"""create: what a new object gets, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CONFIG_MAPS, EVENTS, LEASES, NAMESPACES, NODES, SECRETS
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, BadRequest, Forbidden, Invalid, NotFound
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .widgets import widget

SECTION = "Create"


def config_map(name: str = "c", **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


@feature("what only the server gives: uid, times, revision")
async def test_a_new_object_gets_what_only_the_server_gives(client: Client, namespace: str) -> None:
    body = config_map(key="value")
    made = await client.create(CONFIG_MAPS, body, namespace)
    metadata = made["metadata"]
    assert made["apiVersion"] == "v1" and made["kind"] == "ConfigMap" and made["data"] == {"key": "value"}
    assert metadata["namespace"] == namespace and metadata["uid"] and int(metadata["resourceVersion"]) > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["creationTimestamp"])
    assert await client.get(CONFIG_MAPS, "c", namespace) == made
    assert body == config_map(key="value"), "the caller's document stays his own"


@feature("what only the server gives: uid, times, revision")
async def test_what_only_the_server_gives_cannot_be_asked_for(client: Client, namespace: str) -> None:
    body = config_map()
    body["metadata"] |= {
        "uid": "mine",
        "creationTimestamp": "2001-01-01T00:00:00Z",
        "generation": 7,
        "deletionTimestamp": "2001-01-01T00:00:00Z",
    }
    metadata = (await client.create(CONFIG_MAPS, body, namespace))["metadata"]
    assert metadata["uid"] != "mine" and metadata["creationTimestamp"] > "2001" and "deletionTimestamp" not in metadata
    assert not metadata["creationTimestamp"].startswith("2001")


@feature("times are kept in UTC: whole seconds, or microseconds in all six digits")
async def test_times_are_kept_in_utc(client: Client, namespace: str) -> None:
    event = {"metadata": {"name": "e"}, "involvedObject": {"namespace": namespace}, "firstTimestamp": "2020-01-01T00:00:00.7+02:00"}
    assert (await client.create(EVENTS, event, namespace))["firstTimestamp"] == "2019-12-31T22:00:00Z"
    lease = {"metadata": {"name": "l"}, "spec": {"renewTime": "2020-01-01T00:00:00.500000-02:00"}}
    assert (await client.create(LEASES, lease, namespace))["spec"]["renewTime"] == "2020-01-01T02:00:00.500000Z"


@feature("times are kept in UTC: whole seconds, or microseconds in all six digits")
@pytest.mark.parametrize("time", ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.5Z", "2020-01-01", "yesterday"])
async def test_the_time_of_a_lease_has_microseconds(client: Client, namespace: str, time: str) -> None:
    with pytest.raises(BadRequest, match=r'Lease in version "v1" cannot be handled as a Lease'):
        await client.create(LEASES, {"metadata": {"name": "l"}, "spec": {"renewTime": time}}, namespace)


@feature("generateName")
async def test_a_generated_name_begins_as_asked(client: Client, namespace: str) -> None:
    made = [await client.create(CONFIG_MAPS, {"metadata": {"generateName": "gen-"}}, namespace) for _ in range(3)]
    names = [each["metadata"]["name"] for each in made]
    assert len(set(names)) == 3 and all(re.fullmatch(r"gen-[a-z0-9]{5}", name) for name in names)
    long = await client.create(CONFIG_MAPS, {"metadata": {"generateName": "x" * 80}}, namespace)
    assert len(long["metadata"]["name"]) == 63 or long["metadata"]["name"].startswith("x" * 58)


@feature("names, labels: what is wrong is told with its path")
async def test_the_same_name_twice(client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAPS, config_map(), namespace)
    with pytest.raises(AlreadyExists, match='configmaps "c" already exists'):
        await client.create(CONFIG_MAPS, config_map(), namespace)


@feature("names, labels: what is wrong is told with its path")
@pytest.mark.parametrize("name", ["UPPER", "under_score", "-dash", "dot.", "x" * 254])
async def test_a_bad_name_is_refused_with_its_path(client: Client, namespace: str, name: str) -> None:
    with pytest.raises(Invalid) as told:
        await client.create(CONFIG_MAPS, config_map(name), namespace)
    assert told.value.details["causes"][0]["field"] == "metadata.name"


@feature("generateName")
async def test_no_name_at_all(client: Client, namespace: str) -> None:
    with pytest.raises(Invalid, match="name or generateName is required"):
        await client.create(CONFIG_MAPS, {"metadata": {}}, namespace)


@feature("names, labels: what is wrong is told with its path")
async def test_every_wrong_label_is_told(client: Client, namespace: str) -> None:
    body = config_map()
    body["metadata"]["labels"] = {"a b": "x", "ok": "not ok"}
    with pytest.raises(Invalid) as told:
        await client.create(CONFIG_MAPS, body, namespace)
    assert [cause["field"] for cause in told.value.details["causes"]] == ["metadata.labels", "metadata.labels"]


@feature("no content in a namespace that is missing or ends")
async def test_a_namespace_that_is_not_there(client: Client) -> None:
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
        await client.create(CONFIG_MAPS, config_map(), "nowhere")


@feature("no content in a namespace that is missing or ends")
async def test_a_namespace_that_ends_takes_nothing_new(client: Client) -> None:
    made = await client.create(NAMESPACES, {"metadata": {"generateName": "suite-ends-", "finalizers": ["suite.boatyard.dev/hold"]}})
    name = made["metadata"]["name"]
    await client.delete(NAMESPACES, name)
    with pytest.raises(Forbidden, match="because it is being terminated"):
        await client.create(CONFIG_MAPS, config_map(), name)
    await client.patch(NAMESPACES, name, {"metadata": {"finalizers": None}})


@feature("no content in a namespace that is missing or ends")
async def test_a_namespace_that_differs_from_the_address(client: Client, namespace: str) -> None:
    body = config_map()
    body["metadata"]["namespace"] = "default"
    with pytest.raises(BadRequest, match="does not match"):
        await client.create(CONFIG_MAPS, body, namespace)


@feature("what only the server gives: uid, times, revision")
async def test_a_resource_version_is_not_for_new_objects(client: Client, namespace: str) -> None:
    body = config_map()
    body["metadata"]["resourceVersion"] = "1"
    with pytest.raises(ApiError, match="resourceVersion should not be set on objects to be created"):
        await client.create(CONFIG_MAPS, body, namespace)


@feature("another kind than the address says is refused")
async def test_a_document_of_another_kind(client: Client, namespace: str) -> None:
    with pytest.raises(BadRequest):
        await client.create(CONFIG_MAPS, {**config_map(), "kind": "Secret", "apiVersion": "v1"}, namespace)


@feature("dry run")
async def test_dry_run_changes_nothing(client: Client, namespace: str) -> None:
    made = await client.create(CONFIG_MAPS, config_map(key="value"), namespace, dry_run=True)
    assert made["metadata"]["uid"] and "resourceVersion" not in made["metadata"]
    with pytest.raises(NotFound):
        await client.get(CONFIG_MAPS, "c", namespace)


@feature("dry run")
async def test_dry_run_still_refuses(client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAPS, config_map(), namespace)
    with pytest.raises(AlreadyExists):
        await client.create(CONFIG_MAPS, config_map(), namespace, dry_run=True)


@feature("another kind than the address says is refused")
async def test_a_kind_nobody_serves(client: Client, namespace: str) -> None:
    with pytest.raises(NotFound):
        await client.create(Resource("nobody.example.com", "v1", "things", "Thing"), {"metadata": {"name": "t"}}, namespace)


@feature("what only the server gives: uid, times, revision")
async def test_objects_of_the_whole_cluster_have_no_namespace(client: Client) -> None:
    made = await client.create(NODES, {"metadata": {"generateName": "suite-node-"}})
    assert "namespace" not in made["metadata"]
    await client.delete(NODES, made["metadata"]["name"])


@feature("a Secret's stringData")
async def test_string_data_of_a_secret_is_taken_in(client: Client, namespace: str) -> None:
    made = await client.create(SECRETS, {"metadata": {"name": "s"}, "data": {"a": "MQ=="}, "stringData": {"b": "2"}}, namespace)
    assert made["data"] == {"a": "MQ==", "b": "Mg=="} and made["type"] == "Opaque" and "stringData" not in made


@feature("custom kinds: defaults, pruning")
async def test_a_custom_object_gets_defaults_and_loses_the_unknown(client: Client, namespace: str, widgets: Resource) -> None:
    body = widget(typo=1, free={"any": ["thing"]})
    body["status"] = {"phase": "Mine"}
    made = await client.create(widgets, body, namespace)
    assert made["spec"] == {"size": 1, "color": "red", "free": {"any": ["thing"]}}
    assert "status" not in made, "status has a door of its own"
    assert made["metadata"]["generation"] == 1


@feature("custom kinds: all errors at once, with path, type and message")
async def test_every_wrong_field_of_a_custom_object_is_told(client: Client, namespace: str, widgets: Resource) -> None:
    with pytest.raises(Invalid) as told:
        await client.create(widgets, widget(size=0, color="blue", parts=[{"count": 1}]), namespace)
    # "<nil>" is Kubernetes saying that rules were skipped because of the other faults.
    fields = sorted({cause["field"] for cause in told.value.details["causes"]} - {"<nil>"})
    assert fields == ["spec.color", "spec.parts[0].name", "spec.size"]


@feature("custom kinds: all errors at once, with path, type and message")
async def test_a_missing_field_of_a_custom_object_is_told(client: Client, namespace: str, widgets: Resource) -> None:
    body = widget()
    del body["spec"]["size"]
    with pytest.raises(Invalid, match=r"spec.size: Required value"):
        await client.create(widgets, body, namespace)
