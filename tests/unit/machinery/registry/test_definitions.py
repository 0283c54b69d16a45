"""Definitions across restarts, crashes and clashes of names."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.conditions import is_true
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.errors import BadRequest, Conflict, Forbidden, InternalError, Invalid, NotFound
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry import keys
from boatyard.machinery.registry.caller import SYSTEM
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.store.memory import MemoryStore
from boatyard.machinery.store.store import Delete

BOATS = Resource("yard.example.com", "v1", "boats", "Boat")
HOLD = "yard.example.com/hold"


def definition(plural: str = "boats", kind: str = "Boat", rule: str = "", **names: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "type": "object",
        "properties": {
            "length": {"type": "integer"},
            "berth": {"x-kubernetes-int-or-string": True},
            "replicas": {"type": "integer", "default": 1},
            "selector": {"type": "string"},
        },
    }
    if rule:
        spec["x-kubernetes-validations"] = [{"rule": rule}]
    status = {"type": "object", "properties": {"replicas": {"type": "integer"}}}
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".spec.selector"}
    return {
        "metadata": {"name": f"{plural}.yard.example.com"},
        "spec": {
            "group": "yard.example.com", "scope": "Namespaced", "names": {"plural": plural, "kind": kind, **names},
            "versions": [{
                "name": "v1", "served": True, "storage": True, "subresources": {"status": {}, "scale": scale},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}},
            }],
        },
    }  # fmt: skip


def boat(name: str = "b", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}, "spec": {"length": 5, "selector": "a=b"}}


@pytest.fixture
async def boats(client: EmbeddedClient) -> EmbeddedClient:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition())
    return client


async def test_after_a_restart_the_kind_is_served(boats: EmbeddedClient, store: MemoryStore, world: Any) -> None:
    await boats.create(BOATS, boat(), "default")
    again = Registry(store, world)
    await again.start()
    assert (await EmbeddedClient(again).get(BOATS, "b", "default"))["spec"]["length"] == 5


async def test_names_that_another_kind_has(boats: EmbeddedClient) -> None:
    made = await boats.create(CUSTOM_RESOURCE_DEFINITIONS, definition("ships", "Boat"))
    assert not is_true(made, "Established") and not is_true(made, "NamesAccepted")
    with pytest.raises(NotFound):
        await boats.list(Resource("yard.example.com", "v1", "ships", "Boat"))


async def test_a_rule_nobody_here_evaluates_is_refused(client: EmbeddedClient) -> None:
    with pytest.raises(Invalid, match="x-kubernetes-validations"):
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition(rule="self.length > 3"))


async def test_a_spec_that_never_changes(client: EmbeddedClient) -> None:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition(rule="self == oldSelf"))
    await client.create(BOATS, boat(), "default")
    with pytest.raises(Invalid, match="spec"):
        await client.patch(BOATS, "b", {"spec": {"length": 6}}, "default")
    await client.patch(BOATS, "b", {"metadata": {"labels": {"a": "b"}}, "status": {"replicas": 1}}, "default")


async def test_a_deletion_that_was_interrupted_goes_on_at_the_next_start(
    boats: EmbeddedClient, store: MemoryStore, world: Any
) -> None:
    await boats.create(BOATS, boat(finalizers=[HOLD]), "default")
    await boats.delete(CUSTOM_RESOURCE_DEFINITIONS, BOATS.group_resource)
    with pytest.raises(Forbidden, match='"late" is forbidden: create not allowed while custom resource definition is terminating'):
        await boats.create(BOATS, boat("late"), "default")
    # The last object goes, and the program stops before it lets the definition go.
    await store.commit([Delete(keys.key(BOATS, "default", "b"))])
    again = Registry(store, world)
    await again.start()
    with pytest.raises(NotFound):
        await EmbeddedClient(again).get(CUSTOM_RESOURCE_DEFINITIONS, BOATS.group_resource)
    assert again.kinds.find(BOATS.group, BOATS.version, BOATS.plural) is None


async def test_unknown_fields_are_refused_told_or_dropped(boats: EmbeddedClient, registry: Registry) -> None:
    def body(name: str) -> dict[str, Any]:
        return {"metadata": {"name": name}, "spec": {"lenght": 5}}

    with pytest.raises(BadRequest, match=r'strict decoding error: unknown field "spec.lenght"'):
        await registry.create(SYSTEM, BOATS, body("a"), "default", field_validation="Strict")
    warnings: list[str] = []
    made = await registry.create(SYSTEM, BOATS, body("b"), "default", field_validation="Warn", warnings=warnings)
    assert warnings == ['unknown field "spec.lenght"'] and made["spec"] == {"replicas": 1}
    await registry.create(SYSTEM, BOATS, body("c"), "default", field_validation="Ignore", warnings=warnings)
    assert len(warnings) == 1


async def test_scale(boats: EmbeddedClient, registry: Registry) -> None:
    made = await boats.create(BOATS, boat(), "default")
    scale = await boats.get(BOATS, "b", "default", subresource="scale")
    assert scale["kind"] == "Scale" and scale["apiVersion"] == "autoscaling/v1"
    assert scale["spec"] == {"replicas": 1} and scale["status"] == {"replicas": 0, "selector": "a=b"}
    scale["spec"]["replicas"] = 3
    assert (await boats.update(BOATS, scale, subresource="scale"))["spec"]["replicas"] == 3
    assert (await boats.patch(BOATS, "b", {"spec": {"replicas": 4}}, "default", subresource="scale"))["spec"]["replicas"] == 4
    changed = await boats.get(BOATS, "b", "default")
    assert changed["spec"]["replicas"] == 4 and changed["metadata"]["generation"] == made["metadata"]["generation"] + 2
    for wrong, error in (
        ({"kind": "Boat"}, BadRequest),
        ({"kind": "Scale", "metadata": {}}, BadRequest),
        ({"metadata": {"name": "other"}}, BadRequest),
        ({"metadata": {"name": "b", "namespace": "other"}}, BadRequest),
        ({"metadata": {"name": "b", "uid": "another"}}, Conflict),
        ({"metadata": {"name": "b"}, "spec": {"replicas": "x"}}, BadRequest),
    ):
        with pytest.raises(error):
            await registry.update(SYSTEM, BOATS, wrong, name="b", namespace="default", subresource="scale")
    for change in ({"spec": "x"}, {"spec": {"replicas": 1.5}}, {"metadata": "x"}, {"kind": "Boat"}):
        with pytest.raises(Invalid):
            await boats.patch(BOATS, "b", change, "default", subresource="scale")
    with pytest.raises(Invalid, match=r"\.spec.replicas: Invalid value: -1: should be a non-negative integer"):
        await boats.patch(BOATS, "b", {"spec": {"replicas": -1}}, "default", subresource="scale")


async def test_a_definition_is_held_back_only_once_it_is_deleted(client: EmbeddedClient) -> None:
    made = await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition())
    assert "finalizers" not in made["metadata"]
    await client.create(BOATS, boat(finalizers=[HOLD]), "default")
    marked = await client.delete(CUSTOM_RESOURCE_DEFINITIONS, made["metadata"]["name"])
    assert marked["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]


async def test_a_wrong_name_is_told_with_the_wrong_fields(client: EmbeddedClient) -> None:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition())
    with pytest.raises(Invalid) as refused:
        await client.create(BOATS, {"metadata": {"name": "Bad_Name"}, "spec": {"length": "long"}}, "default")
    assert [cause["field"] for cause in refused.value.details["causes"]] == ["metadata.name", "spec.length"]


async def test_who_has_no_number_of_replicas_has_no_scale_until_it_is_set(client: EmbeddedClient) -> None:
    plain = definition()
    del plain["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["replicas"]["default"]
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, plain)
    await client.create(BOATS, boat(), "default")
    with pytest.raises(InternalError, match=r'the spec replicas field "\.spec\.replicas" does not exist'):
        await client.get(BOATS, "b", "default", subresource="scale")
    scaled = await client.patch(BOATS, "b", {"spec": {"replicas": 0}}, "default", subresource="scale")
    assert scaled["spec"] == {}
    with pytest.raises(Invalid) as refused:
        await client.patch(BOATS, "b", {"spec": [1]}, "default")
    told = "Invalid value: 0: .spec.replicas accessor error: [1] is of the type []interface {}, expected map[string]interface{}"
    assert told in [cause["message"] for cause in refused.value.details["causes"]]
    with pytest.raises(Invalid, match="should be a non-negative integer"):
        await client.patch(BOATS, "b", {"status": {"replicas": -1}}, "default", subresource="status")


async def test_a_patch_may_not_make_another_kind_of_it(boats: EmbeddedClient) -> None:
    await boats.create(BOATS, boat(), "default")
    for change in ({"kind": None}, {"kind": ""}, {"kind": 5}, {"apiVersion": "a/b/c"}, {"apiVersion": 5}):
        with pytest.raises(Invalid, match='"" is invalid: patch'):
            await boats.patch(BOATS, "b", change, "default")
    with pytest.raises(Invalid, match='Ship "b" is invalid') as refused:
        await boats.patch(BOATS, "b", {"apiVersion": "v9", "kind": "Ship"}, "default")
    assert [cause["field"] for cause in refused.value.details["causes"]] == ["kind", "apiVersion"]


async def test_what_an_owner_lacks_is_told_once(boats: EmbeddedClient) -> None:
    with pytest.raises(Invalid) as refused:
        await boats.create(BOATS, boat(ownerReferences=[{"apiVersion": "v1", "kind": "Pod", "name": "p"}]), "default")
    assert [cause["field"] for cause in refused.value.details["causes"]] == ["metadata.ownerReferences.uid"]


async def test_null_is_absent_where_it_isnt_allowed_but_is_wrong_where_it_is_applied(boats: EmbeddedClient) -> None:
    made = await boats.create(BOATS, {"metadata": {"name": "b"}, "spec": {"length": 5, "berth": None, "selector": None}}, "default")
    assert made["spec"] == {"length": 5, "replicas": 1}
    applied = {"apiVersion": "yard.example.com/v1", "kind": "Boat", "metadata": {"name": "b", "namespace": "default"}}
    for field, wanted in (("selector", "string"), ("berth", "integer,string")):
        with pytest.raises(Invalid, match=f'spec.{field} in body must be of type {wanted}: "null"'):
            await boats.apply(BOATS, applied | {"spec": {field: None}}, field_manager="me")
    defaulted = await boats.apply(BOATS, applied | {"spec": {"replicas": None}}, field_manager="me")
    assert defaulted["spec"] == {"length": 5, "replicas": 1}


async def test_a_declared_field_goes_with_its_defaults_when_nobody_applies_anything_of_it(boats: EmbeddedClient) -> None:
    applied = {"apiVersion": "yard.example.com/v1", "kind": "Boat", "metadata": {"name": "b", "namespace": "default"}}
    assert (await boats.apply(BOATS, applied | {"spec": {"length": 5}}, field_manager="me"))["spec"] == {"length": 5, "replicas": 1}
    assert "spec" not in await boats.apply(BOATS, applied, field_manager="me")


async def test_new_finalizers_without_a_domain_are_warned_of(registry: Registry, boats: EmbeddedClient) -> None:
    told: list[str] = []
    await registry.create(SYSTEM, BOATS, boat(finalizers=["orphan", "a/b", "x"]), "default", warnings=told)
    assert len(told) == 1 and told[0].startswith('metadata.finalizers: "x": prefer a domain-qualified finalizer name')
    told.clear()
    await registry.patch(SYSTEM, BOATS, "b", {"metadata": {"finalizers": ["x", "y"]}}, "default", warnings=told)
    assert [one[:24] for one in told] == ['metadata.finalizers: "y"']


async def test_of_another_kind_only_lists_are_looked_at(client: EmbeddedClient) -> None:
    crew = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}
    asked = definition()
    fields = asked["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    fields["crew"] = crew
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, asked)
    with pytest.raises(Invalid) as refused:
        await client.create(BOATS, {**boat(), "kind": "Nope", "spec": {"length": "x", "crew": ["a", "a"]}}, "default")
    assert [cause["field"] for cause in refused.value.details["causes"]] == ["kind", "spec.crew[1]"]
