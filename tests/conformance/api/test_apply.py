"""apply: who owns which field, and what happens when two want the same one."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CONFIG_MAPS, PODS, SERVICE_ACCOUNTS, SERVICES
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, Conflict, NotFound
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .widgets import widget

SECTION = "Server-side apply"


def config_map(namespace: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace}, "data": data}


def managers(obj: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["manager"], entry["operation"]) for entry in obj["metadata"]["managedFields"]]


@feature("makes what is not there; managed fields say who owns what")
async def test_what_is_not_there_is_made(client: Client, namespace: str) -> None:
    made = await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one")
    assert made["data"] == {"a": "1"} and made["metadata"]["uid"] and managers(made) == [("one", "Apply")]
    (entry,) = made["metadata"]["managedFields"]
    assert entry["fieldsType"] == "FieldsV1" and entry["fieldsV1"] == {"f:data": {"f:a": {}}}


@feature("nothing changed, nothing written")
async def test_the_same_again_writes_nothing(client: Client, namespace: str) -> None:
    made = await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one")
    again = await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one")
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


@feature("what its last owner no longer applies goes")
async def test_managers_own_their_fields(client: Client, namespace: str) -> None:
    await client.apply(CONFIG_MAPS, config_map(namespace, a="1", b="1"), field_manager="one")
    both = await client.apply(CONFIG_MAPS, config_map(namespace, c="2"), field_manager="two")
    assert both["data"] == {"a": "1", "b": "1", "c": "2"}
    less = await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one")
    assert less["data"] == {"a": "1", "c": "2"}, "what its only owner doesn't apply any more goes"


@feature("conflicts with their causes; force takes the field")
async def test_two_want_one_field(client: Client, namespace: str) -> None:
    await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one")
    with pytest.raises(Conflict, match=r'conflict with "one": .data.a') as told:
        await client.apply(CONFIG_MAPS, config_map(namespace, a="2"), field_manager="two", force=False)
    (cause,) = told.value.details["causes"]
    assert cause["reason"] == "FieldManagerConflict" and cause["field"] == ".data.a"
    taken = await client.apply(CONFIG_MAPS, config_map(namespace, a="2"), field_manager="two")
    assert taken["data"] == {"a": "2"} and managers(taken) == [("two", "Apply")]


@feature("other writes take what they change")
async def test_a_patch_takes_what_it_changes(client: Client, namespace: str) -> None:
    await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one")
    await client.patch(CONFIG_MAPS, "c", {"data": {"a": "9"}}, namespace, field_manager="hand")
    with pytest.raises(Conflict, match=r'conflict with "hand"'):
        await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one", force=False)


@feature("keyed lists (maps) merge item by item")
async def test_keyed_lists_merge_item_by_item(client: Client, namespace: str) -> None:
    def service(port: int, name: str) -> dict[str, Any]:
        ports = [{"name": name, "port": port, "protocol": "TCP"}]
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": namespace}, "spec": {"ports": ports}}

    await client.apply(SERVICES, service(80, "web"), field_manager="one")
    both = await client.apply(SERVICES, service(443, "tls"), field_manager="two")
    assert [port["port"] for port in both["spec"]["ports"]] == [80, 443]


@feature("keyed lists (maps) merge item by item")
async def test_a_custom_kind(client: Client, namespace: str, widgets: Resource) -> None:
    body = widget(parts=[{"name": "wheel", "count": 4}])
    body["metadata"]["namespace"] = namespace
    await client.apply(widgets, body, field_manager="one")
    body["spec"] = {"parts": [{"name": "door", "count": 2}]}
    both = await client.apply(widgets, body, field_manager="two")
    assert [part["name"] for part in both["spec"]["parts"]] == ["wheel", "door"] and both["spec"]["size"] == 1
    assert both["metadata"]["generation"] == 2


@feature("owners of a subresource")
async def test_the_status_of_a_custom_kind(client: Client, namespace: str, widgets: Resource) -> None:
    await client.create(widgets, widget(), namespace)
    body = {"apiVersion": widgets.api_version, "kind": "Widget", "metadata": {"name": "w", "namespace": namespace}}
    changed = await client.apply(widgets, {**body, "status": {"phase": "Ready"}}, field_manager="one", subresource="status")
    assert changed["status"] == {"phase": "Ready"} and changed["metadata"]["generation"] == 1
    with pytest.raises(NotFound):
        ghost = {**body, "metadata": {**body["metadata"], "name": "ghost"}}
        await client.apply(widgets, {**ghost, "status": {}}, field_manager="one", subresource="status")


@feature("fields that nobody declared, nulls, wrong types")
async def test_a_document_that_does_not_fit(client: Client, namespace: str) -> None:
    body = {**config_map(namespace), "data": {"a": 1}}
    with pytest.raises(ApiError):
        await client.apply(CONFIG_MAPS, body, field_manager="one")


@feature("fields that nobody declared, nulls, wrong types")
async def test_fields_that_nobody_declared(client: Client, namespace: str, widgets: Resource) -> None:
    body = widget(typo=1)
    body["metadata"]["namespace"] = namespace
    with pytest.raises(ApiError, match=r"\.spec\.typo: field not declared in schema"):
        await client.apply(widgets, body, field_manager="one")


@feature("fields that nobody declared, nulls, wrong types")
async def test_nulls_are_not_applied(client: Client, namespace: str, widgets: Resource) -> None:
    body = widget(color=None)
    body["metadata"]["namespace"] = namespace
    assert (await client.apply(widgets, body, field_manager="one"))["spec"] == {"size": 1, "color": "red"}


@feature("dry run")
async def test_dry_run_changes_nothing(client: Client, namespace: str) -> None:
    tried = await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one", dry_run=True)
    assert tried["data"] == {"a": "1"}
    with pytest.raises(NotFound):
        await client.get(CONFIG_MAPS, "c", namespace)


@feature("strategic merge patch: keyed lists of the core kinds", section="Patch")
async def test_strategic_merge_of_a_pod(client: Client, namespace: str) -> None:
    try:
        await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, namespace)
    except AlreadyExists:
        pass
    containers = [{"name": "a", "image": "busybox:1"}, {"name": "b", "image": "busybox:1"}]
    await client.create(PODS, {"metadata": {"name": "p"}, "spec": {"containers": containers}}, namespace)
    patch = {"spec": {"containers": [{"name": "b", "image": "busybox:2"}]}}
    changed = await client.patch(PODS, "p", patch, namespace, type="strategic")
    assert [(c["name"], c["image"]) for c in changed["spec"]["containers"]] == [("a", "busybox:1"), ("b", "busybox:2")]


@feature("strategic merge patch: not for custom kinds", section="Patch")
async def test_strategic_merge_is_not_for_custom_kinds(client: Client, namespace: str, widgets: Resource) -> None:
    await client.create(widgets, widget(), namespace)
    with pytest.raises(ApiError) as told:
        await client.patch(widgets, "w", {"spec": {"size": 2}}, namespace, type="strategic")
    assert told.value.code == 415
