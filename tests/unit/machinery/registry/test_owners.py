"""Who owns what after each verb: what a kube-apiserver says of these writes, in short. Judged in ``tests/conformance/api``."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from boatyard.machinery.meta.core import (
    CONFIG_MAPS,
    ENDPOINT_SLICES,
    NAMESPACES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    ROLES,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from boatyard.machinery.meta.errors import BadRequest, Conflict, Invalid
from boatyard.machinery.registry import documents, keys
from boatyard.machinery.registry.caller import SYSTEM
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from boatyard.machinery.store.store import Put

HERE = "team"


@pytest.fixture
async def registry() -> Registry:
    registry = Registry(MemoryStore(), RealWorld())
    await registry.start()
    await registry.create(SYSTEM, NAMESPACES, {"metadata": {"name": HERE}}, field_manager="maker")
    await registry.create(SYSTEM, SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, HERE)
    return registry


def owners(obj: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    entries = obj["metadata"].get("managedFields", [])
    return {(e["manager"], e["operation"], e.get("subresource", "")): e["fieldsV1"] for e in entries}


async def made(registry: Registry, **data: str) -> dict[str, Any]:
    return await registry.create(SYSTEM, CONFIG_MAPS, {"metadata": {"name": "c"}, "data": data}, HERE, field_manager="maker")


async def test_who_creates_owns_what_was_said_and_its_defaults_but_nothing_that_the_server_adds(registry: Registry):
    namespace = await registry.get(SYSTEM, NAMESPACES, HERE)
    assert owners(namespace) == {
        ("maker", "Update", ""): {"f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/metadata.name": {}}}}
    }
    body = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}}
    service = await registry.create(SYSTEM, SERVICES, body, HERE, field_manager="maker")
    (spec,) = [fields["f:spec"] for fields in owners(service).values()]
    assert set(spec) == {"f:internalTrafficPolicy", "f:ports", "f:selector", "f:sessionAffinity", "f:type"}
    assert set(spec["f:ports"]['k:{"port":80,"protocol":"TCP"}']) == {".", "f:port", "f:protocol", "f:targetPort"}


async def test_every_way_to_change_an_object_moves_what_it_changes(registry: Registry):
    await made(registry, a="1", b="1", c="1")
    await registry.patch(SYSTEM, CONFIG_MAPS, "c", {"data": {"a": "2"}}, HERE, field_manager="merger")
    difference = [{"op": "replace", "path": "/data/b", "value": "2"}]
    await registry.patch(SYSTEM, CONFIG_MAPS, "c", difference, HERE, type="json", field_manager="patcher")
    live = await registry.get(SYSTEM, CONFIG_MAPS, "c", HERE)
    live["data"] = {"a": "2", "b": "2", "d": "new"}
    changed = await registry.update(SYSTEM, CONFIG_MAPS, live, namespace=HERE, field_manager="putter")
    assert owners(changed) == {
        ("maker", "Update", ""): {"f:data": {}},
        ("merger", "Update", ""): {"f:data": {"f:a": {}}},
        ("patcher", "Update", ""): {"f:data": {"f:b": {}}},
        ("putter", "Update", ""): {"f:data": {"f:d": {}}},
    }
    assert changed == await registry.get(SYSTEM, CONFIG_MAPS, "c", HERE)


async def test_what_changes_nothing_is_not_written(registry: Registry):
    before = await made(registry, a="1")
    after = await registry.patch(SYSTEM, CONFIG_MAPS, "c", {"data": {"a": "1"}}, HERE, field_manager="another")
    assert after == before


async def test_a_status_has_owners_of_its_own_and_binding_has_none(registry: Registry):
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "i"}]}, "status": {"phase": "Failed"}}
    created = await registry.create(SYSTEM, PODS, pod, HERE, field_manager="maker")
    container = owners(created)["maker", "Update", ""]["f:spec"]["f:containers"]['k:{"name":"a"}']
    assert container["f:resources"] == {} and "f:status" not in owners(created)["maker", "Update", ""]
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    await registry.create(SYSTEM, PODS, binding, HERE, name="p", subresource="binding", field_manager="scheduler")
    status = {"status": {"podIP": "1.2.3.4", "conditions": [{"type": "Ready", "status": "True"}]}}
    changed = await registry.patch(SYSTEM, PODS, "p", status, HERE, subresource="status", field_manager="node")
    assert set(owners(changed)) == {("maker", "Update", ""), ("node", "Update", "status")}
    owned = owners(changed)["node", "Update", "status"]["f:status"]
    ready = {".": {}, "f:lastProbeTime": {}, "f:lastTransitionTime": {}, "f:status": {}, "f:type": {}}
    assert owned["f:conditions"]['k:{"type":"Ready"}'] == ready
    assert owned["f:podIPs"] == {".": {}, 'k:{"ip":"1.2.3.4"}': {".": {}, "f:ip": {}}}


async def test_a_list_that_is_always_written_is_owned_even_when_it_is_emptied(registry: Registry):
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    await registry.create(SYSTEM, ROLES, {"metadata": {"name": "r"}, "rules": rules}, HERE, field_manager="maker")
    changed = await registry.patch(SYSTEM, ROLES, "r", {"rules": None}, HERE, field_manager="another")
    assert owners(changed) == {("another", "Update", ""): {"f:rules": {}}}


async def test_a_list_that_nobody_speaks_of_changes_no_owner(registry: Registry):
    body = {"metadata": {"name": "e"}, "addressType": "IPv4", "endpoints": []}
    await registry.create(SYSTEM, ENDPOINT_SLICES, body, HERE, field_manager="maker")
    labels = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "e", "labels": {"a": "b"}}}
    applied = await registry.apply(SYSTEM, ENDPOINT_SLICES, labels, namespace=HERE, field_manager="applier", force=False)
    patched = await registry.patch(SYSTEM, ENDPOINT_SLICES, "e", {"metadata": {"labels": {"c": "d"}}}, HERE, field_manager="editor")
    assert all("f:endpoints" in owners(obj)["maker", "Update", ""] for obj in (applied, patched))
    said = await registry.patch(SYSTEM, ENDPOINT_SLICES, "e", {"endpoints": []}, HERE, field_manager="editor")
    assert "f:endpoints" in owners(said)["editor", "Update", ""] and "f:endpoints" not in owners(said)["maker", "Update", ""]


async def test_apply_conflicts_with_who_created(registry: Registry):
    await made(registry, a="1")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": HERE}, "data": {"a": "2"}}
    with pytest.raises(Conflict, match=r'conflict with "maker" using v1: \.data\.a'):
        await registry.apply(SYSTEM, CONFIG_MAPS, documents.fresh(body), field_manager="applier", force=False)
    taken = await registry.apply(SYSTEM, CONFIG_MAPS, body, field_manager="applier", force=True)
    assert owners(taken) == {("applier", "Apply", ""): {"f:data": {"f:a": {}}}, ("maker", "Update", ""): {"f:data": {}}}


@pytest.mark.parametrize("nothing", [[], [{}]])
async def test_managed_fields_can_be_given_up_and_stay_so_until_the_next_apply(registry: Registry, nothing: list[Any]):
    await made(registry, a="1")
    bare = await registry.patch(SYSTEM, CONFIG_MAPS, "c", {"metadata": {"managedFields": nothing}}, HERE)
    assert not owners(bare)
    assert not owners(await registry.patch(SYSTEM, CONFIG_MAPS, "c", {"data": {"a": "2"}}, HERE, field_manager="another"))


async def test_objects_of_earlier_versions_have_no_owners_until_their_first_apply(registry: Registry):
    stored = {"metadata": {"name": "c", "namespace": HERE, "uid": "u"}, "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}}
    await registry.ledger.commit([Put(keys.key(CONFIG_MAPS, HERE, "c"), documents.encode(stored), 0)])
    assert not owners(await registry.patch(SYSTEM, CONFIG_MAPS, "c", {"data": {"b": "1"}}, HERE, field_manager="another"))
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": HERE}, "data": {"b": "1"}}
    applied = await registry.apply(SYSTEM, CONFIG_MAPS, body, field_manager="applier", force=False)
    assert set(owners(applied)) == {("applier", "Apply", ""), ("before-first-apply", "Update", "")}


async def test_entries_that_lie_elsewhere_in_a_stored_document_are_found(registry: Registry):
    live = await made(registry, a="1")
    record = registry.ledger.record(CONFIG_MAPS, HERE, "c")
    metadata = {field: value for field, value in live["metadata"].items() if field not in ("managedFields", "resourceVersion")}
    old = {"metadata": {**metadata, "managedFields": live["metadata"]["managedFields"]}, "data": {"a": "1"}}
    old |= {"apiVersion": "v1", "kind": "ConfigMap"}
    await registry.ledger.commit([Put(keys.key(CONFIG_MAPS, HERE, "c"), msgspec.json.encode(old), record.modified)])
    changed = await registry.patch(SYSTEM, CONFIG_MAPS, "c", {"data": {"b": "1"}}, HERE, field_manager="another")
    assert {manager for manager, _, _ in owners(changed)} == {"maker", "another"}


@pytest.mark.parametrize("name", ['x]}"', 'a],"b', "\\", '"],"'])
async def test_whatever_stands_in_them_entries_end_where_they_end(registry: Registry, name: str):
    await registry.create(SYSTEM, CONFIG_MAPS, {"metadata": {"name": "c"}, "data": {"a": "1"}}, HERE, field_manager=name)
    changed = await registry.patch(SYSTEM, CONFIG_MAPS, "c", {"data": {"b": "1"}}, HERE, field_manager="another")
    assert {manager for manager, _, _ in owners(changed)} == {name, "another"} and changed["data"] == {"a": "1", "b": "1"}


async def test_conflicts_come_before_whatever_else_is_wrong(registry: Registry):
    await made(registry, a="1")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "other"}, "data": {"a": "2"}}
    with pytest.raises(Conflict):
        await registry.apply(
            SYSTEM, CONFIG_MAPS, documents.fresh(body), name="c", namespace=HERE, field_manager="applier", force=False
        )
    with pytest.raises(BadRequest, match="namespace"):
        await registry.apply(SYSTEM, CONFIG_MAPS, body, name="c", namespace=HERE, field_manager="applier")


async def test_whoever_applies_null_owns_it(registry: Registry):
    await made(registry, a="1")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "finalizers": None}, "data": None}
    applied = await registry.apply(SYSTEM, CONFIG_MAPS, body, namespace=HERE, field_manager="applier", force=False)
    assert owners(applied)["applier", "Apply", ""] == {"f:data": {}, "f:metadata": {"f:finalizers": {}}}
    assert applied["data"] == {"a": "1"} and "finalizers" not in applied["metadata"]


async def test_what_is_applied_is_compared_as_it_stands(registry: Registry):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    container = {"name": "a", "image": "i", "resources": {"limits": {"cpu": "1000m"}}}
    await registry.create(SYSTEM, PODS, documents.fresh(pod | {"spec": {"containers": [container]}}), HERE, field_manager="maker")
    again = pod | {"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": "1000m"}}}]}}
    with pytest.raises(Conflict, match=r'resources\.limits\.cpu'):
        await registry.apply(SYSTEM, PODS, documents.fresh(again), namespace=HERE, field_manager="applier", force=False)
    taken = await registry.apply(SYSTEM, PODS, again, namespace=HERE, field_manager="applier")
    assert taken["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}


async def test_a_map_that_another_owns_stays_his_when_all_that_was_applied_to_it_goes(registry: Registry):
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    await made(registry, a="1")
    await registry.apply(SYSTEM, CONFIG_MAPS, body | {"data": {"a": "2"}}, namespace=HERE, field_manager="applier")
    left = await registry.apply(SYSTEM, CONFIG_MAPS, body, namespace=HERE, field_manager="applier")
    assert "data" not in left and owners(left) == {("maker", "Update", ""): {"f:data": {}}}


async def test_what_the_first_apply_to_a_status_finds_belongs_to_the_status(registry: Registry):
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "i"}]}}
    await registry.create(SYSTEM, PODS, pod, HERE)
    await registry.patch(SYSTEM, PODS, "p", {"metadata": {"managedFields": [{}]}}, HERE)
    status = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": {"podIP": "1.2.3.4"}}
    applied = await registry.apply(SYSTEM, PODS, status, namespace=HERE, subresource="status", field_manager="node")
    assert set(owners(applied)) == {("node", "Apply", "status"), ("before-first-apply", "Update", "status")}


async def test_a_service_that_an_apply_of_its_status_makes_has_the_spec_that_was_applied(registry: Registry):
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}, "status": {}}
    made = await registry.apply(SYSTEM, SERVICES, body, namespace=HERE, subresource="status", field_manager="applier")
    assert made["spec"]["ports"][0]["port"] == 80 and owners(made) == {("applier", "Apply", "status"): {"f:status": {}}}


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"name": "n", "uid": "u"}, "uid mismatch: the provided object specified uid u, and no existing object was found"),
        ({"name": "other"}, r"the name of the object \(other\) does not match the name on the URL \(n\)"),
        ({}, "name must be provided"),
        ({"name": "n", "managedFields": []}, "metadata.managedFields must be nil"),
    ],
)
async def test_what_is_applied_to_nothing_is_the_object_that_its_address_says(
    registry: Registry, metadata: dict[str, Any], told: str
):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    with pytest.raises((BadRequest, Conflict), match=told):
        await registry.apply(SYSTEM, CONFIG_MAPS, body, name="n", namespace=HERE, field_manager="applier")


async def test_a_revision_means_nothing_where_there_is_nothing_yet(registry: Registry):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n", "resourceVersion": "5"}}
    made = await registry.apply(SYSTEM, CONFIG_MAPS, body, namespace=HERE, field_manager="applier")
    assert made["metadata"]["resourceVersion"] != "5"


async def test_a_namespace_named_by_what_is_in_none_means_nothing(registry: Registry):
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "namespace": "x", "labels": {"a": "b"}}}
    made = await registry.apply(SYSTEM, NAMESPACES, body, field_manager="applier")
    assert "namespace" not in made["metadata"]


async def test_metadata_that_nobody_owns_stays_when_all_that_was_applied_of_it_goes(registry: Registry):
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    labelled = body | {"metadata": {"name": "c", "labels": {"a": "b"}}}
    made = await registry.apply(SYSTEM, CONFIG_MAPS, labelled, namespace=HERE, field_manager="applier")
    await registry.delete(SYSTEM, CONFIG_MAPS, "c", HERE, propagation="Orphan")
    applied = await registry.apply(SYSTEM, CONFIG_MAPS, body | {"data": {"a": "1"}}, namespace=HERE, field_manager="applier")
    assert "labels" not in applied["metadata"] and applied["metadata"]["finalizers"] == ["orphan"]
    assert applied["metadata"]["uid"] == made["metadata"]["uid"]


async def test_who_says_what_isnt_kept_owns_the_item_all_the_same(registry: Registry):
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "s"}, "secrets": [{"name": "t"}]}
    await registry.apply(SYSTEM, SERVICE_ACCOUNTS, body, namespace=HERE, field_manager="applier")
    patch = {"secrets": [{"name": "t", "namespace": "x"}]}
    changed = await registry.patch(SYSTEM, SERVICE_ACCOUNTS, "s", patch, HERE, field_manager="editor")
    assert changed["secrets"] == [{"name": "t"}]
    assert owners(changed) == {("editor", "Update", ""): {"f:secrets": {'k:{"name":"t"}': {}}}}


async def test_an_item_without_its_key_is_known_by_the_keys_zero(registry: Registry):
    claim = {"metadata": {"name": "p"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    await registry.create(SYSTEM, PERSISTENT_VOLUME_CLAIMS, claim, HERE, field_manager="maker")
    status = {"status": {"conditions": [None]}}
    changed = await registry.patch(SYSTEM, PERSISTENT_VOLUME_CLAIMS, "p", status, HERE, subresource="status", field_manager="node")
    assert 'k:{"type":""}' in owners(changed)["node", "Update", "status"]["f:status"]["f:conditions"]


async def test_who_applies_an_item_without_its_key_owns_the_one_with_the_keys_zero(registry: Registry):
    await registry.create(SYSTEM, SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}, HERE)
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "status": {"conditions": [{"status": "True"}]}}
    changed = await registry.apply(SYSTEM, SERVICES, body, namespace=HERE, subresource="status", field_manager="node")
    fields = owners(changed)["node", "Apply", "status"]
    assert fields == {"f:status": {"f:conditions": {'k:{"type":""}': {".": {}, "f:status": {}}}}}
    nobody = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "ownerReferences": [{"kind": "Pod"}]}}
    with pytest.raises(Invalid, match=r"ownerReferences\.uid"):
        await registry.apply(SYSTEM, CONFIG_MAPS, nobody, namespace=HERE, field_manager="applier")


async def test_a_phase_that_a_status_leaves_out_is_said_by_its_default(registry: Registry):
    claim = {"metadata": {"name": "p"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    await registry.create(SYSTEM, PERSISTENT_VOLUME_CLAIMS, documents.fresh(claim), HERE, field_manager="maker")

    async def told(manager: str, **status: Any) -> dict[str, Any]:
        body = documents.fresh(claim) | {"status": status}
        where = {"namespace": HERE, "subresource": "status"}
        return await registry.update(SYSTEM, PERSISTENT_VOLUME_CLAIMS, body, **where, field_manager=manager)

    await told("binder", phase="Bound")
    changed = await told("another")
    assert changed["status"] == {"phase": "Pending"}
    assert owners(changed)["another", "Update", "status"] == {"f:status": {"f:phase": {}}}
