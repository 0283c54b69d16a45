"""Server-side apply in depth: shared, moved and lost ownership; sets, maps and atomic fields; what else writes."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CONFIG_MAPS, SERVICES
from boatyard.machinery.meta.errors import ApiError, BadRequest, Conflict
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .widgets import WIDGETS

SECTION = "Server-side apply"
NAME = "c"


def config_map(namespace: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME, "namespace": namespace}, "data": data}


def widget(namespace: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "w", "namespace": namespace}
    return {"apiVersion": WIDGETS.api_version, "kind": "Widget", "metadata": metadata, "spec": spec}


def owners(obj: dict[str, Any], *path: str) -> list[str]:
    """Who owns a field."""
    found: list[str] = []
    for entry in obj["metadata"].get("managedFields") or ():
        node = entry["fieldsV1"]
        for step in path:
            node = node.get(step) if isinstance(node, dict) else None
        if node is not None:
            found.append(entry["manager"])
    return sorted(found)


@feature("ownership is shared by who applies the same value, and a field goes with its last owner")
async def test_shared(client: Client, namespace: str) -> None:
    await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one")
    both = await client.apply(CONFIG_MAPS, config_map(namespace, a="1", b="2"), field_manager="two", force=False)
    assert owners(both, "f:data", "f:a") == ["one", "two"] and owners(both, "f:data", "f:b") == ["two"]
    with pytest.raises(Conflict):
        await client.apply(CONFIG_MAPS, config_map(namespace, a="9"), field_manager="one", force=False)
    left = await client.apply(CONFIG_MAPS, config_map(namespace), field_manager="one")
    assert left["data"] == {"a": "1", "b": "2"} and owners(left, "f:data", "f:a") == ["two"]
    gone = await client.apply(CONFIG_MAPS, config_map(namespace, b="2"), field_manager="two")
    assert gone["data"] == {"b": "2"}


@feature("force moves ownership; the other may then leave it out")
async def test_moved(client: Client, namespace: str) -> None:
    await client.apply(CONFIG_MAPS, config_map(namespace, a="1", b="1"), field_manager="one")
    taken = await client.apply(CONFIG_MAPS, config_map(namespace, a="2"), field_manager="two", force=True)
    assert owners(taken, "f:data", "f:a") == ["two"] and owners(taken, "f:data", "f:b") == ["one"]
    given = await client.apply(CONFIG_MAPS, config_map(namespace, b="1"), field_manager="one", force=False)
    assert given["data"] == {"a": "2", "b": "1"}


@feature("conflicts with their causes; force takes the field")
async def test_every_conflict_is_told(client: Client, namespace: str) -> None:
    await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one")
    await client.apply(CONFIG_MAPS, config_map(namespace, b="1", c="1"), field_manager="two")
    with pytest.raises(Conflict) as told:
        await client.apply(CONFIG_MAPS, config_map(namespace, a="3", b="3", c="3"), field_manager="three", force=False)
    assert told.value.message.startswith('Apply failed with 3 conflicts: conflicts with "one":\n- .data.a\nconflicts with "two":\n')
    causes = told.value.details["causes"]
    assert {(cause["reason"], cause["field"]) for cause in causes} == {
        ("FieldManagerConflict", ".data.a"), ("FieldManagerConflict", ".data.b"), ("FieldManagerConflict", ".data.c"),
    }  # fmt: skip
    assert all(cause["message"].startswith('conflict with "') for cause in causes)


@feature("sets are owned item by item")
async def test_sets(client: Client, namespace: str) -> None:
    def held(*finalizers: str) -> dict[str, Any]:
        metadata = {"name": NAME, "namespace": namespace, "finalizers": list(finalizers)}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    await client.apply(CONFIG_MAPS, held("suite.boatyard.dev/a"), field_manager="one")
    both = await client.apply(CONFIG_MAPS, held("suite.boatyard.dev/b"), field_manager="two", force=False)
    assert both["metadata"]["finalizers"] == ["suite.boatyard.dev/a", "suite.boatyard.dev/b"]
    assert owners(both, "f:metadata", "f:finalizers", 'v:"suite.boatyard.dev/a"') == ["one"]
    left = await client.apply(CONFIG_MAPS, held("suite.boatyard.dev/b"), field_manager="one", force=False)
    assert left["metadata"]["finalizers"] == ["suite.boatyard.dev/b"]
    assert owners(left, "f:metadata", "f:finalizers", 'v:"suite.boatyard.dev/b"') == ["one", "two"]
    await client.patch(CONFIG_MAPS, NAME, {"metadata": {"finalizers": None}}, namespace)


@feature("keyed lists (maps) merge item by item")
async def test_an_item_goes_with_its_owner(client: Client, namespace: str, widgets: Resource) -> None:
    await client.apply(widgets, widget(namespace, size=1, parts=[{"name": "a", "count": 1}, {"name": "b"}]), field_manager="one")
    both = await client.apply(widgets, widget(namespace, parts=[{"name": "c"}]), field_manager="two", force=False)
    assert [part["name"] for part in both["spec"]["parts"]] == ["a", "b", "c"]
    assert owners(both, "f:spec", "f:parts", 'k:{"name":"c"}') == ["two"]
    with pytest.raises(Conflict, match=r'\.spec\.parts\[name="a"\]\.count'):
        await client.apply(widgets, widget(namespace, parts=[{"name": "a", "count": 2}]), field_manager="two", force=False)
    left = await client.apply(widgets, widget(namespace, size=1, parts=[{"name": "b"}]), field_manager="one")
    assert sorted(part["name"] for part in left["spec"]["parts"]) == ["b", "c"]


@feature("keyed lists (maps) merge item by item")
async def test_an_item_without_its_key(client: Client, namespace: str, widgets: Resource) -> None:
    with pytest.raises(ApiError, match="name"):
        await client.apply(widgets, widget(namespace, size=1, parts=[{"count": 1}]), field_manager="one")


@feature("keyed lists (maps) merge item by item")
async def test_a_key_of_signs(client: Client, namespace: str, widgets: Resource) -> None:
    """In managed fields signs that mean something in HTML are told by their numbers."""
    made = await client.apply(WIDGETS, widget(namespace, size=1, parts=[{"name": "a<b>&c"}]), field_manager="one")
    key = r'k:{"name":"a\u003cb\u003e\u0026c"}'
    assert owners(made, "f:spec", "f:parts", key, "f:name") == ["one"]
    again = await client.apply(WIDGETS, widget(namespace, size=1, parts=[]), field_manager="one")
    assert not again["spec"].get("parts")


@feature("atomic maps and lists are owned whole")
async def test_atomic(client: Client, namespace: str) -> None:
    def service(selector: dict[str, str]) -> dict[str, Any]:
        spec = {"ports": [{"port": 80, "protocol": "TCP"}], "selector": selector}
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": namespace}, "spec": spec}

    await client.apply(SERVICES, service({"a": "1"}), field_manager="one")
    with pytest.raises(Conflict, match=r"\.spec\.selector"):
        await client.apply(SERVICES, service({"b": "1"}), field_manager="two", force=False)
    taken = await client.apply(SERVICES, service({"b": "1"}), field_manager="two", force=True)
    assert taken["spec"]["selector"] == {"b": "1"} and owners(taken, "f:spec", "f:selector") == ["two"]


@feature("owners of a subresource")
async def test_the_status_has_owners_of_its_own(client: Client, namespace: str, widgets: Resource) -> None:
    await client.apply(widgets, widget(namespace, size=1), field_manager="one")
    body = {key: value for key, value in widget(namespace).items() if key != "spec"} | {"status": {"phase": "Ready"}}
    changed = await client.apply(widgets, body, field_manager="one", subresource="status")
    entries = {(entry["manager"], entry.get("subresource", "")) for entry in changed["metadata"]["managedFields"]}
    assert entries == {("one", ""), ("one", "status")}
    still = await client.apply(widgets, widget(namespace, size=2), field_manager="one")
    assert still["status"] == {"phase": "Ready"}


@feature("a revision in what is applied is a precondition")
async def test_a_revision(client: Client, namespace: str) -> None:
    made = await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one")
    await client.apply(CONFIG_MAPS, config_map(namespace, b="1"), field_manager="two")
    stale = config_map(namespace, a="2")
    stale["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
    with pytest.raises(Conflict, match="the object has been modified"):
        await client.apply(CONFIG_MAPS, stale, field_manager="one")


@feature("managed fields can be taken away with `[{}]`, and not be applied")
async def test_managed_fields_by_hand(client: Client, namespace: str) -> None:
    made = await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one")
    with pytest.raises(BadRequest, match=r"metadata\.managedFields must be nil"):
        await client.apply(CONFIG_MAPS, made, field_manager="one")
    bare = await client.patch(CONFIG_MAPS, NAME, {"metadata": {"managedFields": [{}]}}, namespace)
    assert "managedFields" not in bare["metadata"]
    free = await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="two", force=False)
    assert "two" in owners(free, "f:data", "f:a")


@feature("what its last owner no longer applies goes")
async def test_the_last_field_of_the_last_owner(client: Client, namespace: str) -> None:
    await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one")
    left = await client.patch(CONFIG_MAPS, NAME, [{"op": "remove", "path": "/data/a"}], namespace, type="json")
    assert "managedFields" not in left["metadata"] and "data" not in left


@feature("an update that sends managed fields replaces them")
async def test_managed_fields_replaced(client: Client, namespace: str) -> None:
    made = await client.apply(CONFIG_MAPS, config_map(namespace, a="1"), field_manager="one")
    (entry,) = made["metadata"]["managedFields"]
    made["metadata"]["managedFields"] = [{**entry, "manager": "renamed"}]
    changed = await client.update(CONFIG_MAPS, made, field_manager="hand")
    assert owners(changed, "f:data", "f:a") == ["renamed"]


@feature("what is applied says its apiVersion, kind and name")
@pytest.mark.parametrize("missing", ["apiVersion", "kind"])
async def test_a_document_that_is_not_one(client: Client, namespace: str, missing: str) -> None:
    body = config_map(namespace)
    del body[missing]
    with pytest.raises(BadRequest, match="invalid object type"):
        await client.apply(CONFIG_MAPS, body, field_manager="one")


@feature("an object that nobody applied before: what it had is owned by whom wrote it, not by who applies first")
async def test_the_first_apply(client: Client, namespace: str) -> None:
    made = {"metadata": {"name": NAME}, "data": {"a": "1", "b": "1"}}
    await client.create(CONFIG_MAPS, made, namespace, field_manager="hand")
    with pytest.raises(Conflict, match=r"\.data\.a"):
        await client.apply(CONFIG_MAPS, config_map(namespace, a="2"), field_manager="one", force=False)
    taken = await client.apply(CONFIG_MAPS, config_map(namespace, a="2"), field_manager="one", force=True)
    assert taken["data"] == {"a": "2", "b": "1"} and owners(taken, "f:data", "f:a") == ["one"]
    left = await client.apply(CONFIG_MAPS, config_map(namespace), field_manager="one")
    assert left["data"] == {"b": "1"}


LAST = "kubectl.kubernetes.io/last-applied-configuration"


@feature("kubectl's upgrade from client-side apply: what the annotation holds is no conflict")
async def test_from_client_side_apply(client: Client, namespace: str) -> None:
    told = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1"}}'
    metadata = {"name": NAME, "annotations": {LAST: told}}
    made = {"metadata": metadata, "data": {"a": "1"}}
    await client.create(CONFIG_MAPS, made, namespace, field_manager="kubectl-client-side-apply")
    changed = await client.apply(CONFIG_MAPS, config_map(namespace, a="2"), field_manager="kubectl", force=False)
    assert changed["data"] == {"a": "2"} and "kubectl" in owners(changed, "f:data", "f:a")
