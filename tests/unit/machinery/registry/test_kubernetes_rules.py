"""What a kube-apiserver does on writes that one wouldn't guess: found by the differential fuzzer."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import (
    CLUSTER_ROLES,
    CONFIG_MAPS,
    ENDPOINT_SLICES,
    EVENTS,
    LEASES,
    NAMESPACES,
    PODS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from boatyard.machinery.meta.errors import BadRequest, Conflict, Invalid, NotFound
from boatyard.machinery.meta.resource import Resource

TOLD = {"involvedObject": {"namespace": "default"}}


@pytest.mark.parametrize("resource", [LEASES, ROLES, EVENTS])
async def test_an_update_makes_some_kinds(client: EmbeddedClient, resource: Resource) -> None:
    body = {"metadata": {"name": "new"}, **({"involvedObject": {"namespace": "default"}} if resource == EVENTS else {})}
    made = await client.update(resource, {**body, "metadata": {**body["metadata"], "namespace": "default"}})
    assert made["metadata"]["uid"]
    gone = {"metadata": {"name": "gone", "namespace": "default", "uid": "of another"}}
    with pytest.raises(Conflict, match="UID in precondition: of another"):
        await client.update(resource, gone)


async def test_an_update_makes_no_other_kind_and_names_its_object(client: EmbeddedClient) -> None:
    with pytest.raises(NotFound):
        await client.update(CONFIG_MAPS, {"metadata": {"name": "none", "namespace": "default"}})
    with pytest.raises(BadRequest):
        await client.update(CONFIG_MAPS, {"metadata": {"name": "none", "namespace": "default"}, "data": {"a": 1}})


async def test_what_a_patch_may_not_change_is_invalid_all_of_it(client: EmbeddedClient) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}, "immutable": True, "data": {"a": "1"}}, "default")
    change = {"metadata": {"uid": "another", "deletionGracePeriodSeconds": 5}, "data": {"a": "2"}}
    with pytest.raises(Invalid) as refused:
        await client.patch(CONFIG_MAPS, "c", change, "default")
    fields = {cause["field"] for cause in refused.value.details["causes"]}
    assert fields == {"metadata.uid", "metadata.deletionGracePeriodSeconds", "data"}


@pytest.mark.parametrize("change", [{"metadata": "x"}, {"metadata": {"labels": {"a": 1}}}, {"data": 5}, {"kind": "Other"}])
async def test_a_patch_that_leaves_no_such_object_is_invalid_not_unreadable(client: EmbeddedClient, change: Any) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, "default")
    with pytest.raises(Invalid):
        await client.patch(CONFIG_MAPS, "c", change, "default")


@pytest.mark.parametrize(
    "metadata", [{"generation": "x"}, {"labels": {"a": 1}}, {"finalizers": "x"}, {"creationTimestamp": "never"}]
)
async def test_metadata_of_other_types_is_unreadable(client: EmbeddedClient, metadata: Any) -> None:
    with pytest.raises(BadRequest):
        await client.create(CONFIG_MAPS, {"metadata": {"name": "c", **metadata}}, "default")


async def test_revision_zero_is_none(client: EmbeddedClient) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, "default")
    body = {"metadata": {"name": "c", "namespace": "default", "resourceVersion": "0"}, "data": {"a": "1"}}
    assert (await client.update(CONFIG_MAPS, body))["data"] == {"a": "1"}


async def test_who_deletes_the_wrong_object_is_told_which_there_is(client: EmbeddedClient) -> None:
    made = await client.create(ROLES, {"metadata": {"name": "r"}}, "default")
    told = rf"the UID in the precondition \(x\) does not match the UID in record \({made['metadata']['uid']}\)"
    with pytest.raises(Conflict, match=told) as refused:
        await client.delete(ROLES, "r", "default", uid="x")
    assert refused.value.details["kind"] == "Role"


async def test_a_deleted_pod_is_shown_as_marked_and_a_namespace_has_no_grace(client: EmbeddedClient) -> None:
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    await client.create(PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "b"}]}}, "default")
    gone = await client.delete(PODS, "p", "default")
    assert gone["metadata"]["deletionTimestamp"] and gone["metadata"]["deletionGracePeriodSeconds"] == 0
    await client.create(PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "b"}]}}, "default")
    marked = await client.delete(PODS, "p", "default", propagation="Foreground")
    gone = await client.delete(PODS, "p", "default", propagation="Background")
    assert gone["metadata"]["finalizers"] == marked["metadata"]["finalizers"] == ["foregroundDeletion"]
    await client.create(NAMESPACES, {"metadata": {"name": "n"}})
    assert "deletionGracePeriodSeconds" not in (await client.delete(NAMESPACES, "n"))["metadata"]


async def test_labels_count_for_the_generation_of_endpoint_slices(client: EmbeddedClient) -> None:
    body = {"metadata": {"name": "e"}, "addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}]}
    made = await client.create(ENDPOINT_SLICES, body, "default")
    assert made["endpoints"] == [{"addresses": ["10.0.0.1"], "conditions": {}}]
    changed = await client.patch(ENDPOINT_SLICES, "e", {"metadata": {"labels": {"a": "b"}}}, "default")
    assert changed["metadata"]["generation"] == 2


async def test_an_event_with_a_time_of_its_own_says_who_tells_it(client: EmbeddedClient) -> None:
    body: dict[str, Any] = {
        "metadata": {"name": "e"}, "involvedObject": {"namespace": "default"}, "eventTime": "2020-01-01T00:00:00.000000Z"
    }  # fmt: skip
    with pytest.raises(Invalid) as refused:
        await client.create(EVENTS, dict(body), "default")
    assert {cause["field"] for cause in refused.value.details["causes"]} == {
        "reportingComponent", "reportingInstance", "action", "reason"
    }  # fmt: skip
    who = {"reportingComponent": "example.com/x", "reportingInstance": "x-1", "action": "Do", "reason": "Done"}
    await client.create(EVENTS, {**body, "metadata": {"name": "e"}, **who}, "default")


async def test_a_patch_keeps_the_kind_and_makes_no_empty_members(client: EmbeddedClient) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}, "data": {"a": "1"}}, "default")
    with pytest.raises(BadRequest, match="undeterminable"):
        await client.patch(CONFIG_MAPS, "c", {"apiVersion": None}, "default")
    body = {"metadata": {"name": "c", "namespace": "default"}, "data": {"a": "2"}, "binaryData": {}}
    assert "binaryData" not in await client.update(CONFIG_MAPS, body)
    replaced = {"metadata": {"labels": {"$patch": "replace", "a": "b"}}}
    assert "labels" not in (await client.patch(CONFIG_MAPS, "c", replaced, "default", type="strategic"))["metadata"]


async def test_applying_nothing_takes_away(client: EmbeddedClient) -> None:
    whole = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], "selector": {"app": "x"}}}
    await client.create(SERVICES, whole, "default")
    applied = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default"}, "spec": {"selector": {}}}
    with pytest.raises(Conflict, match="selector"):
        await client.apply(SERVICES, applied, field_manager="m", force=False)
    applied = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default"}, "spec": {"selector": {}}}
    assert "selector" not in (await client.apply(SERVICES, applied, field_manager="m", force=True))["spec"]


async def test_small_rules(client: EmbeddedClient) -> None:
    with pytest.raises(Invalid, match="at least one clusterRoleSelector required"):
        await client.create(CLUSTER_ROLES, {"metadata": {"name": "r"}, "aggregationRule": {}})
    spec = {"ports": [{"port": 80}], "externalIPs": ["80.11.12.10"]}
    assert (await client.create(SERVICES, {"metadata": {"name": "s"}, "spec": spec}, "default"))["spec"][
        "externalTrafficPolicy"
    ] == "Cluster"
    secrets = [{"name": "s", "namespace": "elsewhere"}]
    made = await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "a"}, "secrets": secrets}, "default")
    assert made["secrets"] == [{"name": "s"}]
    with pytest.raises(BadRequest):
        await client.create(ROLES, {"metadata": {"name": "r"}, "rules": {"0": {}}}, "default")


@pytest.mark.parametrize("resource", [LEASES, EVENTS])
async def test_leases_and_events_take_any_finalizer(client: EmbeddedClient, resource: Resource) -> None:
    told = TOLD if resource == EVENTS else {}
    made = await client.create(resource, {"metadata": {"name": "x", "finalizers": ["hold"]}, **told}, "default")
    assert made["metadata"]["finalizers"] == ["hold"]


async def test_names_of_events_are_parts_of_an_address(client: EmbeddedClient) -> None:
    made = await client.create(EVENTS, {"metadata": {"generateName": "A_"}, **TOLD}, "default")
    assert made["metadata"]["name"].startswith("A_")
    with pytest.raises(Invalid, match="may not contain '/'"):
        await client.create(EVENTS, {"metadata": {"name": "a/b"}, **TOLD}, "default")


async def test_of_events_metadata_is_judged_last(client: EmbeddedClient) -> None:
    for told, field in ((TOLD, "metadata.labels"), ({"involvedObject": {"namespace": "x"}}, "involvedObject.namespace")):
        with pytest.raises(Invalid) as refused:
            await client.create(EVENTS, {"metadata": {"name": "e", "labels": {"a": "b c"}}, **told}, "default")
        assert [cause["field"] for cause in refused.value.details["causes"]] == [field]


async def test_a_secret_without_a_type_is_opaque(client: EmbeddedClient) -> None:
    made = await client.create(SECRETS, {"metadata": {"name": "s"}, "type": ""}, "default")
    assert made["type"] == "Opaque"
    for nothing in ("", None):
        assert (await client.update(SECRETS, {**made, "type": nothing}))["metadata"] == made["metadata"]


async def test_a_status_of_a_service_that_says_nothing_changes_nothing(client: EmbeddedClient) -> None:
    made = await client.create(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}, "default")
    again = await client.update(SERVICES, {**made, "status": {}}, subresource="status")
    assert again["metadata"] == made["metadata"] and again["status"] == {"loadBalancer": {}}


async def test_a_dry_run_of_an_update_that_makes_the_object_keeps_the_revision_it_names(client: EmbeddedClient) -> None:
    for revision in ("0", "7"):
        event = {"metadata": {"name": "n", "namespace": "default", "resourceVersion": revision}, **TOLD}
        assert (await client.update(EVENTS, event, dry_run=True))["metadata"]["resourceVersion"] == revision


async def test_metadata_that_is_null_says_nothing_of_core_kinds(client: EmbeddedClient) -> None:
    with pytest.raises(Invalid, match="name or generateName is required"):
        await client.create(CONFIG_MAPS, {"metadata": None}, "default")


async def test_a_generation_is_counted_from_nothing(client: EmbeddedClient) -> None:
    with pytest.raises(Invalid, match=r"metadata\.generation: Invalid value: -1: must be greater than or equal to 0"):
        await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "generation": -1}}, "default")


async def test_what_a_name_was_made_of_is_looked_at_once_for_some_kinds_and_never_with_a_status(client: EmbeddedClient) -> None:
    service = await client.create(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}, "default")
    settings = await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, "default")
    for made in (service, settings):
        made["metadata"]["generateName"] = "A_"
    assert (await client.update(SERVICES, service))["metadata"]["generateName"] == "A_"
    with pytest.raises(Invalid, match=r"metadata\.generateName"):
        await client.update(CONFIG_MAPS, settings)
    space = await client.get(NAMESPACES, "default")
    space["metadata"]["generateName"] = "A_"
    assert (await client.update(NAMESPACES, space, subresource="status"))["metadata"]["generateName"] == "A_"


async def test_a_service_of_another_type_loses_what_only_the_old_one_had(client: EmbeddedClient) -> None:
    spec = {"ports": [{"port": 80}], "type": "LoadBalancer"}
    made = await client.create(SERVICES, {"metadata": {"name": "s"}, "spec": spec}, "default")
    assert made["spec"]["allocateLoadBalancerNodePorts"] and made["spec"]["externalTrafficPolicy"] == "Cluster"
    for kind, kept in (("NodePort", ["externalTrafficPolicy"]), ("ClusterIP", [])):
        changed = (await client.patch(SERVICES, "s", {"spec": {"type": kind}}, "default"))["spec"]
        assert [field for field in changed if field in ("allocateLoadBalancerNodePorts", "externalTrafficPolicy")] == kept
    with pytest.raises(Invalid, match="may only be set for externally-accessible services"):
        await client.patch(SERVICES, "s", {"spec": {"externalTrafficPolicy": "Local"}}, "default")


async def test_of_a_service_elsewhere_every_address_is_too_much(client: EmbeddedClient) -> None:
    spec = {"type": "ExternalName", "externalName": "x", "clusterIP": "1.2.3"}
    with pytest.raises(Invalid) as refused:
        await client.create(SERVICES, {"metadata": {"name": "s"}, "spec": spec}, "default")
    assert [cause["field"] for cause in refused.value.details["causes"]] == ["spec.clusterIPs"]
