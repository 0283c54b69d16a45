"""Which fault of several is told first: what can't be read before all that has to do with what is stored."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import (
    CLUSTER_ROLES,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    LEASES,
    NAMESPACES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
)
from boatyard.machinery.meta.errors import BadRequest, Conflict, Invalid, NotFound
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.caller import SYSTEM, Caller
from boatyard.machinery.registry.registry import Registry

BOXES = Resource("first.example.com", "v1", "boxes", "Box")
_SPEC = {
    "type": "object",
    "properties": {
        "inner": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
        "replicas": {"type": "integer", "format": "int32"},
    },
}
DEFINITION: dict[str, Any] = {
    "metadata": {"name": "boxes.first.example.com"},
    "spec": {
        "group": BOXES.group, "scope": "Namespaced", "names": {"plural": "boxes", "kind": "Box"},
        "versions": [
            {
                "name": "v1", "served": True, "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _SPEC, "status": {"type": "object"}}}},
                "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.r"}},
            }
        ],
    },
}  # fmt: skip


@pytest.fixture
async def boxes(client: EmbeddedClient) -> EmbeddedClient:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, DEFINITION)
    return client


def box(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "b", "namespace": "default"}, "spec": spec}


@pytest.mark.parametrize("why", ["not there", "no such namespace", "another revision"])
async def test_what_cant_be_read_is_told_before_what_is_stored(client: EmbeddedClient, why: str) -> None:
    namespace = "none" if why == "no such namespace" else "default"
    body: dict[str, Any] = {"metadata": {"name": "c", "namespace": namespace}, "data": {"a": 1}}
    if why == "another revision":
        await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, "default")
        body["metadata"]["resourceVersion"] = "999999"
    with pytest.raises(BadRequest, match="cannot be handled as a ConfigMap"):
        await (client.create(CONFIG_MAPS, body, "none") if namespace == "none" else client.update(CONFIG_MAPS, body))


async def test_all_that_cant_be_read_is_told_at_once_and_before_what_nobody_knows(client: EmbeddedClient) -> None:
    body = {"metadata": {"name": "s", "generation": 1.5}, "data": {"a": "%%"}, "nope": 1}
    with pytest.raises(BadRequest, match=r"metadata\.generation: .*; data\.a: ") as refused:
        await client.registry.create(SYSTEM, SECRETS, body, "default", field_validation="Strict")
    assert "nope" not in refused.value.message
    await client.create(SECRETS, {"metadata": {"name": "s"}}, "default")
    body = {"metadata": {"name": "s", "namespace": "default", "generation": 1.5}, "data": {"a": "%%"}}
    with pytest.raises(BadRequest, match=r"metadata\.generation: .*; data\.a: "):
        await client.update(SECRETS, body)
    with pytest.raises(BadRequest, match=r"metadata: Invalid value: .*; data\.a: "):
        await client.create(SECRETS, {**body, "metadata": 5}, "default")


async def test_what_cant_be_read_is_told_before_that_it_belongs_elsewhere(client: EmbeddedClient) -> None:
    body: dict[str, Any] = {"metadata": {"name": "c", "namespace": "other"}, "data": {"a": 1}}
    with pytest.raises(BadRequest, match="cannot be handled as a ConfigMap"):
        await client.create(CONFIG_MAPS, body, "default")
    with pytest.raises(BadRequest, match="other is not default"):
        await client.create(CONFIG_MAPS, {**body, "data": {"a": "1"}}, "default")


async def test_what_can_be_read_is_told_what_it_lacks(client: EmbeddedClient) -> None:
    with pytest.raises(NotFound):
        await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}, "data": {"a": "1"}}, "none")
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, "default")
    with pytest.raises(Conflict):
        await client.update(CONFIG_MAPS, {"metadata": {"name": "c", "namespace": "default", "resourceVersion": "999999"}})


async def test_empty_members_of_metadata_have_their_types_too(client: EmbeddedClient) -> None:
    with pytest.raises(BadRequest, match="finalizers"):
        await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "finalizers": {}}}, "default")
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "finalizers": [], "labels": {}}}, "default")
    assert not made["metadata"].keys() & {"finalizers", "labels"}


async def test_a_dry_run_keeps_the_revision_that_was_sent(client: EmbeddedClient) -> None:
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "resourceVersion": "x"}}, "default", dry_run=True)
    assert made["metadata"]["resourceVersion"] == "x"
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "resourceVersion": "5"}}, "default", dry_run=True)
    assert made["metadata"]["resourceVersion"] == "5"
    with pytest.raises(BadRequest, match="resourceVersion should not be set"):
        await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "resourceVersion": "5"}}, "default")
    body = {"metadata": {"name": "r", "namespace": "default", "resourceVersion": "5"}}
    assert (await client.update(ROLES, body, dry_run=True))["metadata"]["resourceVersion"] == "5"
    with pytest.raises(BadRequest, match="is no revision"):
        await client.update(LEASES, {"metadata": {"name": "r", "namespace": "default", "resourceVersion": "x"}})


async def test_nulls_in_lists_are_the_zeros_of_their_types(client: EmbeddedClient) -> None:
    with pytest.raises(Invalid) as refused:
        await client.create(CLUSTER_ROLES, {"metadata": {"name": "r", "finalizers": [None]}, "rules": [None, {"verbs": [None]}]})
    fields = {cause["field"] for cause in refused.value.details["causes"]}
    assert {"rules[0].verbs", "rules[1].apiGroups", "metadata.finalizers[0]"} <= fields and "rules[1].verbs" not in fields


async def test_bytes_are_kept_in_one_form(client: EmbeddedClient) -> None:
    made = await client.create(SECRETS, {"metadata": {"name": "s"}, "data": {"a": "MR==", "b": "MQ=\n=", "c": None}}, "default")
    assert made["data"] == {"a": "MQ==", "b": "MQ==", "c": ""}
    with pytest.raises(BadRequest, match=r"data\.a"):
        await client.create(SECRETS, {"metadata": {"name": "t"}, "data": {"a": "%%"}}, "default")


async def test_a_custom_document_of_another_kind_is_invalid(boxes: EmbeddedClient) -> None:
    with pytest.raises(Invalid, match='kind: Invalid value: "Nope": must be Box'):
        await boxes.create(BOXES, {**box(), "kind": "Nope"})
    await boxes.create(BOXES, box())
    with pytest.raises(Invalid, match=r"apiVersion.*must be first\.example\.com/v1"):
        await boxes.patch(BOXES, "b", {"apiVersion": "first.example.com/v9"}, "default")


async def test_a_patch_that_makes_another_kind_is_told_what_is_wrong_with_the_metadata(boxes: EmbeddedClient) -> None:
    await boxes.create(BOXES, box())
    wrong = {"kind": "Nope", "metadata": {"uid": "x", "labels": {"a b": "c"}}, "spec": {"replicas": "x"}}
    with pytest.raises(Invalid) as refused:
        await boxes.patch(BOXES, "b", wrong, "default")
    assert {cause["field"] for cause in refused.value.details["causes"]} == {"kind", "metadata.uid", "metadata.labels"}
    with pytest.raises(Conflict):
        await boxes.patch(BOXES, "b", {**wrong, "metadata": {"resourceVersion": "99999"}}, "default")


@pytest.mark.parametrize("strict", ["Warn", "Strict"])
@pytest.mark.parametrize("other", [{"kind": "List"}, {"apiVersion": "v1"}])
async def test_a_document_of_another_kind_isnt_held_against_the_schema(
    boxes: EmbeddedClient, registry: Registry, other: dict[str, Any], strict: Any
) -> None:
    warnings: list[str] = []
    with pytest.raises((Invalid, BadRequest), match=f"kind: Invalid|{'version in the data' if 'kind' not in other else 'kind'}"):
        await registry.create(SYSTEM, BOXES, {**box(no=1), "nope": 1, **other}, field_validation=strict, warnings=warnings)
    assert warnings == []


async def test_the_metadata_of_a_document_of_another_kind_is_read_all_the_same(boxes: EmbeddedClient, registry: Registry) -> None:
    def document() -> dict[str, Any]:
        return {"apiVersion": "v9", "kind": "Box", "metadata": {"name": "b", "namespace": "default", "typo": 1}}

    warnings: list[str] = []
    with pytest.raises(BadRequest, match=r"the API version in the data \(v9\)"):
        await registry.create(SYSTEM, BOXES, document(), warnings=warnings)
    assert warnings == ['unknown field "metadata.typo"']
    with pytest.raises(BadRequest, match="the API version in the data"):
        await registry.create(SYSTEM, BOXES, document() | {"apiVersion": "a/b/c"}, field_validation="Strict")
    with pytest.raises(BadRequest, match=r'^Box in version "v9" cannot be .* unknown field "metadata\.typo"$'):
        await registry.create(SYSTEM, BOXES, document(), field_validation="Strict")


async def test_of_a_custom_status_neither_the_kind_nor_the_metadata_matter(boxes: EmbeddedClient) -> None:
    made = await boxes.create(BOXES, box())
    wrong = {"kind": "Nope", "apiVersion": "a/b", "metadata": {"uid": "x", "labels": {"a b": "c"}}, "status": {}}
    found = await boxes.patch(BOXES, "b", wrong, "default", subresource="status")
    assert (found["kind"], found["apiVersion"], found["metadata"]["uid"]) == ("Box", BOXES.api_version, made["metadata"]["uid"])
    assert "labels" not in found["metadata"]


async def test_selectors_inside_of_claims_are_selectors(client: EmbeddedClient) -> None:
    expressions = [{"key": "a", "operator": "In"}, {"key": "b", "operator": "Exists", "values": ["x"]}, {}]
    spec = {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "A_",
        "selector": {"matchLabels": {"a b": "c d"}, "matchExpressions": expressions},
    }  # fmt: skip
    with pytest.raises(Invalid) as refused:
        await client.create(PERSISTENT_VOLUME_CLAIMS, {"metadata": {"name": "c"}, "spec": spec}, "default")
    fields = {cause["field"].removeprefix("spec.selector.matchExpressions") for cause in refused.value.details["causes"]}
    assert fields == {"spec.storageClassName", "spec.selector.matchLabels", "[0].values", "[1].values", "[2].operator", "[2].key"}


async def test_owners_have_a_version_and_are_no_events(client: EmbeddedClient) -> None:
    owners = [
        {"apiVersion": "a/b/c", "kind": "X", "name": "n", "uid": "u"},
        {"apiVersion": "v1", "kind": "Event", "name": "n", "uid": "u"},
    ]
    with pytest.raises(Invalid) as refused:
        await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "ownerReferences": owners}}, "default")
    told = [cause["message"].rpartition(": ")[2] for cause in refused.value.details["causes"]]
    assert told == ["version must not be empty", "/v1, Kind=Event is disallowed from being an owner"]


async def test_owners_of_custom_objects_are_judged_once(boxes: EmbeddedClient) -> None:
    with pytest.raises(Invalid) as refused:
        await boxes.create(BOXES, {"metadata": {"name": "b", "namespace": "default", "ownerReferences": [{}]}})
    assert len(refused.value.details["causes"]) == 4
    await boxes.create(BOXES, box())
    with pytest.raises(Invalid) as refused:
        await boxes.patch(BOXES, "b", {"metadata": {"ownerReferences": [{}]}}, "default")
    assert len(refused.value.details["causes"]) == 4


async def test_what_holds_a_namespace_has_a_name(client: EmbeddedClient) -> None:
    with pytest.raises(Invalid, match="neither a standard finalizer name"):
        await client.create(NAMESPACES, {"metadata": {"name": "n"}, "spec": {"finalizers": ["x"]}})


async def test_a_pod_behind_a_gate_says_why_it_isnt_scheduled(client: EmbeddedClient) -> None:
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    spec: dict[str, Any] = {"containers": [{"name": "a", "image": "b"}], "schedulingGates": [{"name": "a.b/c"}]}
    made = await client.create(PODS, {"metadata": {"name": "p"}, "spec": spec}, "default")
    assert [condition["reason"] for condition in made["status"]["conditions"]] == ["SchedulingGated"]
    gates = [{"name": "a.b/c"}, {"name": "a.b/c"}, {"name": "/"}]
    with pytest.raises(Invalid) as refused:
        await client.create(
            PODS, {"metadata": {"name": "q"}, "spec": {**spec, "schedulingGates": gates, "nodeName": "n"}}, "default"
        )
    fields = [cause["field"] for cause in refused.value.details["causes"]]
    assert "spec.schedulingGates[1]" in fields and "spec.schedulingGates[2]" in fields and "spec.nodeName" in fields


async def test_a_pod_ends_in_a_second_at_least_when_it_asks_for_less_than_none(client: EmbeddedClient) -> None:
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    spec = {"containers": [{"name": "a", "image": "b"}], "terminationGracePeriodSeconds": -1}
    made = await client.create(PODS, {"metadata": {"name": "p"}, "spec": spec}, "default")
    assert made["spec"]["terminationGracePeriodSeconds"] == 1


@pytest.mark.parametrize("inner", [{"metadata": 5}, {"metadata": {"name": 5}}, {"apiVersion": 5}, {"kind": None}])
async def test_an_object_inside_of_another_must_be_readable(boxes: EmbeddedClient, inner: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=r"spec\.inner\.") as refused:
        await boxes.create(BOXES, box(inner={"apiVersion": "v1", "kind": "X", **inner}))
    assert "causes" not in refused.value.details
    with pytest.raises(BadRequest):
        await boxes.update(BOXES, box(inner={"apiVersion": "v1", "kind": "X", **inner}))


async def test_an_object_inside_of_another_is_kept_and_judged_as_one(boxes: EmbeddedClient) -> None:
    meta = {"name": "x", "unknown": 1, "labels": None, "finalizers": []}
    made = await boxes.create(BOXES, box(inner={"apiVersion": "v1", "kind": "X", "metadata": meta, "more": 1}))
    assert made["spec"]["inner"] == {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "more": 1}
    wrong = {"apiVersion": "a/b/c", "kind": "A_", "metadata": {"name": "a/b", "namespace": "A_", "labels": {"a b": "c"}}}
    with pytest.raises(Invalid) as refused:
        await boxes.create(BOXES, box(inner=wrong))
    fields = {cause["field"].removeprefix("spec.inner.") for cause in refused.value.details["causes"]}
    assert fields == {"apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.labels"}
    with pytest.raises(Invalid, match=r"spec\.inner\.apiVersion: Required value"):
        await boxes.create(BOXES, box(inner={"kind": "X"}))


async def test_who_means_another_revision_is_told_before_who_names_no_version(boxes: EmbeddedClient) -> None:
    made = await boxes.create(BOXES, box(), "default")
    name = made["metadata"]["name"]
    with pytest.raises(Conflict):
        await boxes.patch(BOXES, name, {"apiVersion": None, "metadata": {"resourceVersion": "1"}}, "default")
    with pytest.raises(Conflict):
        await boxes.patch(BOXES, name, {"apiVersion": "other/v1", "metadata": {"resourceVersion": "1"}}, "default")
    with pytest.raises(BadRequest, match="undeterminable"):
        await boxes.patch(BOXES, name, {"apiVersion": None}, "default")


@pytest.mark.parametrize(
    ("replicas", "told"),
    [
        (-1, "should be a non-negative integer"),
        (2**31, "should be less than or equal to 2147483647"),
        ("x", "x is of the type string"),
    ],
)
async def test_replicas_fit_into_a_scale(boxes: EmbeddedClient, replicas: Any, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        await boxes.create(BOXES, box(replicas=replicas))


async def test_a_status_that_is_dropped_has_unknown_fields_all_the_same(boxes: EmbeddedClient, registry: Registry) -> None:
    warnings: list[str] = []
    made = await registry.create(Caller("a"), BOXES, {**box(), "status": {"typo": 1}}, warnings=warnings)
    assert "status" not in made and warnings == ['unknown field "status.typo"']


async def test_whose_an_object_is_cant_be_told_beside_a_half_of_another_type(boxes: EmbeddedClient) -> None:
    made = await boxes.create(BOXES, {**box(), "status": 5}, "default")
    assert "managedFields" not in made["metadata"] and "status" not in made
    await boxes.delete(BOXES, "b", "default")
    for subresource, difference in (None, {"status": 5}), ("status", {"spec": {"replicas": "x"}}):
        made = await boxes.create(BOXES, box(replicas=1), "default")
        assert made["metadata"]["managedFields"]
        changed = await boxes.patch(BOXES, "b", difference, "default", subresource=subresource)
        assert "managedFields" not in changed["metadata"] and changed["spec"] == {"replicas": 1}
        assert changed["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
        await boxes.delete(BOXES, "b", "default")


async def test_what_a_status_says_of_the_rest_may_be_unknown(boxes: EmbeddedClient, registry: Registry) -> None:
    await boxes.create(BOXES, box(replicas=1), "default")
    warnings: list[str] = []
    difference = {"spec": {"typo": 1}}
    await registry.patch(Caller("a"), BOXES, "b", difference, "default", subresource="status", warnings=warnings)
    assert warnings == ['unknown field "spec.typo"']


async def test_who_would_make_something_by_an_update_hears_of_unknown_fields(client: EmbeddedClient, registry: Registry) -> None:
    warnings: list[str] = []
    role = {"metadata": {"name": "r", "namespace": "default"}, "rules": [{"nonResourceURLs": ["/x"], "verbs": ["get"]}], "no": 1}
    with pytest.raises(Invalid):
        await registry.update(SYSTEM, ROLES, role, warnings=warnings)
    assert warnings == ['unknown field "no"']


async def test_a_merge_patch_that_is_a_list_leaves_no_object(client: EmbeddedClient, registry: Registry) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, "default")
    with pytest.raises(Invalid, match="a list is no object"):
        await registry.patch(Caller("a"), CONFIG_MAPS, "c", [1], "default", field_validation="Ignore")
    with pytest.raises(BadRequest, match="must be an object"):
        await registry.patch(Caller("a"), CONFIG_MAPS, "c", [1], "default")


async def test_a_patch_that_takes_the_version_away_leaves_nothing_to_read(client: EmbeddedClient, registry: Registry) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, "default")
    away = [{"op": "remove", "path": "/apiVersion"}, {"op": "add", "path": "/metadata", "value": ""}]
    warnings: list[str] = []
    with pytest.raises(BadRequest, match=r"c based on URL\) was undeterminable: name must be provided"):
        await registry.patch(Caller("a"), CONFIG_MAPS, "c", away, "default", type="json", warnings=warnings)
    assert warnings == ['unknown field "metadata"']
    with pytest.raises(Invalid, match=r'strict decoding error: unknown field "metadata"$'):
        await registry.patch(Caller("a"), CONFIG_MAPS, "c", away, "default", type="json", field_validation="Strict")
    for member in ("apiVersion", "kind"):
        with pytest.raises(Invalid, match=f"{member} must be a text"):
            await registry.patch(Caller("a"), CONFIG_MAPS, "c", {"apiVersion": None, member: []}, "default")


async def test_a_patch_with_another_name_is_told_so_before_that_it_names_no_revision(boxes: EmbeddedClient) -> None:
    await boxes.create(BOXES, box())
    with pytest.raises(BadRequest, match=r"name of the object \(c\) does not match the name on the URL \(b\)"):
        await boxes.patch(BOXES, "b", {"metadata": {"name": "c", "resourceVersion": None}}, "default")


@pytest.mark.parametrize("type", ["merge", "json"])
async def test_without_a_version_also_what_go_writes_is_told_of(client: EmbeddedClient, registry: Registry, type: Any) -> None:
    await client.create(ROLES, {"metadata": {"name": "r"}}, "default")
    away = {"apiVersion": None} if type == "merge" else [{"op": "remove", "path": "/apiVersion"}]
    warnings: list[str] = []
    with pytest.raises(BadRequest, match="name must be provided"):
        await registry.patch(SYSTEM, ROLES, "r", away, "default", type=type, warnings=warnings)
    assert warnings == ['unknown field "metadata"', 'unknown field "rules"']


async def test_a_patched_object_that_cant_be_read_tells_all_that_cant(client: EmbeddedClient) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, "default")
    with pytest.raises(Invalid) as refused:
        await client.patch(CONFIG_MAPS, "c", {"data": 5, "metadata": {"labels": [1]}}, "default")
    assert "data: Invalid value" in refused.value.message and "metadata.labels: Invalid value" in refused.value.message
