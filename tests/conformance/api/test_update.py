"""update: optimistic concurrency, and what stays whatever is sent."""

from __future__ import annotations

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CONFIG_MAPS, SECRETS
from boatyard.machinery.meta.errors import BadRequest, Conflict, Invalid, NotFound
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .widgets import widget

SECTION = "Update"


@feature("optimistic conflicts by resourceVersion")
async def test_the_current_revision_may_write(client: Client, namespace: str) -> None:
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}, "data": {"a": "1"}}, namespace)
    made["data"] = {"b": "2"}
    changed = await client.update(CONFIG_MAPS, made)
    assert changed["data"] == {"b": "2"} and int(changed["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])


@feature("optimistic conflicts by resourceVersion")
async def test_an_old_revision_may_not(client: Client, namespace: str) -> None:
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, namespace)
    await client.update(CONFIG_MAPS, {**made, "data": {"a": "1"}})
    with pytest.raises(
        Conflict, match="the object has been modified; please apply your changes to the latest version and try again"
    ):
        await client.update(CONFIG_MAPS, {**made, "data": {"a": "2"}})


@feature("optimistic conflicts by resourceVersion")
async def test_without_a_revision_the_last_one_wins(client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}, "data": {"a": "1"}}, namespace)
    changed = await client.update(CONFIG_MAPS, {"metadata": {"name": "c", "namespace": namespace}, "data": {"a": "2"}})
    assert changed["data"] == {"a": "2"}


@feature("optimistic conflicts by resourceVersion")
async def test_custom_objects_are_replaced_only_at_a_revision(client: Client, namespace: str, widgets: Resource) -> None:
    await client.create(widgets, widget(), namespace)
    body = widget(size=2)
    body["metadata"]["namespace"] = namespace
    with pytest.raises(Invalid, match=r"metadata.resourceVersion: Invalid value: .*: must be specified for an update"):
        await client.update(widgets, body)


@feature("uid as a precondition")
async def test_another_object_of_the_same_name_is_not_meant(client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, namespace)
    with pytest.raises(Conflict, match="Precondition failed: UID in precondition"):
        await client.update(CONFIG_MAPS, {"metadata": {"name": "c", "namespace": namespace, "uid": "other"}})


@feature("nothing changed, nothing written")
async def test_nothing_changed_nothing_written(client: Client, namespace: str) -> None:
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}, "data": {"a": "1"}}, namespace)
    again = await client.update(CONFIG_MAPS, made)
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


@feature("only of what is there: no upsert")
async def test_an_object_that_is_not_there(client: Client, namespace: str) -> None:
    with pytest.raises(NotFound, match='configmaps "c" not found'):
        await client.update(CONFIG_MAPS, {"metadata": {"name": "c", "namespace": namespace}})


@feature("what only the server gives stays")
async def test_what_the_server_set_stays(client: Client, namespace: str) -> None:
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, namespace)
    body = {"metadata": {"name": "c", "namespace": namespace, "creationTimestamp": "2001-01-01T00:00:00Z", "labels": {"a": "b"}}}
    changed = (await client.update(CONFIG_MAPS, body))["metadata"]
    assert changed["creationTimestamp"] == made["metadata"]["creationTimestamp"] and changed["uid"] == made["metadata"]["uid"]
    assert changed["labels"] == {"a": "b"}


@feature("generation counts what is wanted")
async def test_generation_counts_what_is_wanted(client: Client, namespace: str, widgets: Resource) -> None:
    made = await client.create(widgets, widget(), namespace)
    made["metadata"]["labels"] = {"a": "b"}
    labelled = await client.update(widgets, made)
    assert labelled["metadata"]["generation"] == 1
    labelled["spec"]["size"] = 2
    assert (await client.update(widgets, labelled))["metadata"]["generation"] == 2


@feature("`status` is a subresource")
async def test_status_and_the_rest_have_doors_of_their_own(client: Client, namespace: str, widgets: Resource) -> None:
    made = await client.create(widgets, widget(), namespace)
    made["status"] = {"phase": "Ready"}
    assert "status" not in await client.update(widgets, made)
    told = {**made, "spec": {"size": 9}, "metadata": {**made["metadata"], "labels": {"x": "y"}}}
    changed = await client.update(widgets, told, subresource="status")
    assert changed["status"] == {"phase": "Ready"} and changed["spec"]["size"] == 1
    assert changed["metadata"]["generation"] == 1 and "labels" not in changed["metadata"]


@feature("schemas of custom kinds hold, `self == oldSelf` too")
async def test_a_status_that_breaks_its_schema(client: Client, namespace: str, widgets: Resource) -> None:
    made = await client.create(widgets, widget(), namespace)
    with pytest.raises(Invalid, match=r"status.replicas"):
        await client.update(widgets, {**made, "status": {"replicas": "three"}}, subresource="status")


@feature("schemas of custom kinds hold, `self == oldSelf` too")
async def test_a_field_that_is_set_once(client: Client, namespace: str, widgets: Resource) -> None:
    made = await client.create(widgets, widget(serial="1"), namespace)
    made["spec"]["serial"] = "2"
    with pytest.raises(Invalid, match="the serial stays"):
        await client.update(widgets, made)


@feature("immutable fields")
async def test_an_immutable_config_map(client: Client, namespace: str) -> None:
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}, "immutable": True, "data": {"a": "1"}}, namespace)
    with pytest.raises(Invalid, match="field is immutable when `immutable` is set"):
        await client.update(CONFIG_MAPS, {**made, "data": {"a": "2"}})


@feature("immutable fields")
async def test_the_type_of_a_secret_stays(client: Client, namespace: str) -> None:
    made = await client.create(SECRETS, {"metadata": {"name": "s"}}, namespace)
    with pytest.raises(Invalid, match="field is immutable"):
        await client.update(SECRETS, {**made, "type": "example.com/other"})


@feature("dry run")
async def test_dry_run_changes_nothing(client: Client, namespace: str) -> None:
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, namespace)
    changed = await client.update(CONFIG_MAPS, {**made, "data": {"a": "1"}}, dry_run=True)
    assert changed["data"] == {"a": "1"}
    assert "data" not in await client.get(CONFIG_MAPS, "c", namespace)


@feature("only of what is there: no upsert")
async def test_the_name_in_the_document_is_the_object(client: Client, namespace: str) -> None:
    with pytest.raises((BadRequest, Invalid, NotFound)):
        await client.update(CONFIG_MAPS, {"metadata": {"namespace": namespace}})
