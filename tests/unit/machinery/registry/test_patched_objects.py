"""What a patch may make of an object, and in which order its faults are told: as a kube-apiserver has it."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.client.client import PatchType
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import (
    CONFIG_MAPS,
    EVENTS,
    INGRESSES,
    LEASES,
    NAMESPACES,
    POD_TEMPLATES,
    PODS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from boatyard.machinery.meta.core import PERSISTENT_VOLUME_CLAIMS as CLAIMS
from boatyard.machinery.meta.errors import BadRequest, Conflict, Invalid, NotFound
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.caller import SYSTEM
from boatyard.machinery.registry.registry import Registry

BACKEND = {"service": {"name": "s", "port": {"number": 1}}}
BALANCED = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
POD = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "x"}


@pytest.fixture
async def made(client: EmbeddedClient) -> dict[str, Any]:
    return await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}, "data": {"a": "1"}}, "default")


@pytest.mark.parametrize("type", ["merge", "strategic"])
async def test_without_a_name_it_is_nobody(client: EmbeddedClient, made: dict[str, Any], type: PatchType) -> None:
    for change in ({"metadata": None}, {"metadata": {"name": None}}, {"metadata": {"name": ""}}):
        with pytest.raises(BadRequest, match="name must be provided"):
            await client.patch(CONFIG_MAPS, "c", change, "default", type=type)


async def test_a_strategic_patch_says_nothing_of_the_type(client: EmbeddedClient, made: dict[str, Any]) -> None:
    same = await client.patch(CONFIG_MAPS, "c", {"apiVersion": "v9", "kind": "Other"}, "default", type="strategic")
    assert same == made


async def test_no_patch_at_all_changes_nothing(client: EmbeddedClient, made: dict[str, Any]) -> None:
    assert await client.patch(CONFIG_MAPS, "c", None, "default", type="strategic") == made
    assert await client.patch(CONFIG_MAPS, "c", None, "default", type="json") == made
    with pytest.raises(BadRequest):
        await client.patch(CONFIG_MAPS, "c", None, "default", type="merge")


async def test_a_number_is_no_truth(client: EmbeddedClient) -> None:
    """Though Python takes 1 for True: a value that looks unchanged is of another type."""
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "s"}, "automountServiceAccountToken": True}, "default")
    with pytest.raises(Invalid, match="automountServiceAccountToken"):
        await client.patch(SERVICE_ACCOUNTS, "s", {"automountServiceAccountToken": 1}, "default")


async def test_what_cannot_be_read_is_told_before_a_conflict(client: EmbeddedClient, made: dict[str, Any]) -> None:
    with pytest.raises(Conflict):
        await client.patch(CONFIG_MAPS, "c", {"data": {"a": "2"}, "metadata": {"resourceVersion": "1"}}, "default")
    with pytest.raises(Invalid, match="data"):
        await client.patch(CONFIG_MAPS, "c", {"data": {"a": 2}, "metadata": {"resourceVersion": "1"}}, "default")


@pytest.mark.parametrize(
    ("difference", "error", "warned"),
    [
        ({"metadata": {"name": "other"}}, BadRequest, True),
        ({"metadata": {"namespace": "other"}}, BadRequest, True),
        ({"metadata": {"resourceVersion": "1"}}, Conflict, True),
        ({"metadata": {"labels": {"a b": "c"}}}, Invalid, True),
        ({"data": {"a": 5}, "metadata": {"name": "other"}}, Invalid, False),
        ({"metadata": {"labels": 5}}, Invalid, False),
    ],
)
async def test_warnings_are_for_whom_sends_what_can_be_read(
    registry: Registry, made: dict[str, Any], difference: dict[str, Any], error: type[Exception], warned: bool
) -> None:
    warnings = ["duplicate"]
    with pytest.raises(error):
        await registry.patch(SYSTEM, CONFIG_MAPS, "c", {"nope": 1, **difference}, "default", type="merge", warnings=warnings)
    assert warnings == (["duplicate", 'unknown field "nope"'] if warned else [])


async def test_who_is_not_there_is_not_warned(registry: Registry) -> None:
    warnings = ["duplicate"]
    with pytest.raises(NotFound):
        await registry.patch(SYSTEM, CONFIG_MAPS, "nobody", {"nope": 1}, "default", type="merge", warnings=warnings)
    assert warnings == []


async def test_a_role_without_rules_has_rules_that_can_be_removed(client: EmbeddedClient) -> None:
    made = await client.create(ROLES, {"metadata": {"name": "r"}}, "default")
    assert await client.patch(ROLES, "r", [{"op": "remove", "path": "/rules"}], "default", type="json") == made


@pytest.mark.parametrize("revision", ["0", "", None])
async def test_some_kinds_want_to_know_what_is_replaced(client: EmbeddedClient, revision: str | None) -> None:
    await client.create(LEASES, {"metadata": {"name": "l"}}, "default")
    with pytest.raises(Invalid, match="must be specified for an update"):
        await client.patch(LEASES, "l", {"metadata": {"resourceVersion": revision}}, "default")


async def test_metadata_of_another_type_is_no_empty_metadata(client: EmbeddedClient, made: dict[str, Any]) -> None:
    for wrong in ({"labels": []}, {"finalizers": {}}, {"name": []}):
        with pytest.raises((Invalid, BadRequest)):
            await client.patch(CONFIG_MAPS, "c", [{"op": "add", "path": "/metadata", "value": wrong}], "default", type="json")


async def test_the_prefix_of_a_name_may_change_and_is_checked(client: EmbeddedClient, made: dict[str, Any]) -> None:
    changed = await client.patch(CONFIG_MAPS, "c", {"metadata": {"generateName": "x-"}}, "default")
    assert changed["metadata"]["generateName"] == "x-"
    for wrong in ("A_", "-", "a."):
        with pytest.raises(Invalid, match=r"metadata\.generateName"):
            await client.patch(CONFIG_MAPS, "c", {"metadata": {"generateName": wrong}}, "default")


@pytest.mark.parametrize(
    ("resource", "spec"),
    [
        (SERVICES, {"spec": {"ports": [{"port": 80}]}}),
        (POD_TEMPLATES, {"template": {"spec": {"containers": [{"name": "a", "image": "b"}]}}}),
        (EVENTS, {"involvedObject": {"namespace": "default"}}),
    ],
)
async def test_some_kinds_check_the_prefix_of_a_name_once(
    client: EmbeddedClient, resource: Resource, spec: dict[str, Any]
) -> None:
    await client.create(resource, {"metadata": {"name": "x"}, **spec}, "default")
    changed = await client.patch(resource, "x", {"metadata": {"generateName": "A_"}}, "default")
    assert changed["metadata"]["generateName"] == "A_"


async def test_events_have_any_name_and_finalizers_and_their_own_rules_come_first(client: EmbeddedClient) -> None:
    about = {"involvedObject": {"namespace": "default"}}
    made = await client.create(EVENTS, {"metadata": {"name": "A_", "finalizers": ["x"]}, **about}, "default")
    assert made["metadata"]["finalizers"] == ["x"]
    with pytest.raises(Invalid, match=r"metadata\.name: .*may not contain '/'"):
        await client.create(EVENTS, {"metadata": {"name": "a/b"}, **about}, "default")
    with pytest.raises(Invalid, match=r"is invalid: involvedObject\.namespace"):
        await client.create(EVENTS, {"metadata": {"name": "a/b"}, "involvedObject": {"namespace": "other"}}, "default")


@pytest.mark.parametrize(
    ("other", "told"),
    [({"kind": "List"}, "does not match the expected kind"), ({"metadata": {"name": "c", "uid": 5}}, "metadata.uid")],
)
async def test_who_replaces_by_what_cannot_be_read_is_not_warned_of_its_fields(
    registry: Registry, made: dict[str, Any], other: dict[str, Any], told: str
) -> None:
    warnings: list[str] = []
    other = {"apiVersion": "v1", "items": [], **other}
    with pytest.raises(BadRequest, match=told):
        await registry.update(SYSTEM, CONFIG_MAPS, other, name="c", namespace="default", warnings=warnings)
    assert warnings == []


async def test_mistyped_metadata_is_told_before_a_revision_that_lacks(client: EmbeddedClient) -> None:
    await client.create(LEASES, {"metadata": {"name": "l"}}, "default")
    with pytest.raises(Invalid, match="patch: Invalid value"):
        await client.patch(LEASES, "l", {"metadata": {"uid": 5, "resourceVersion": None}}, "default")


async def test_metadata_that_a_patch_makes_null_is_nobodys(client: EmbeddedClient, made: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="undeterminable"):
        await client.patch(CONFIG_MAPS, "c", [{"op": "copy", "from": "/nope", "path": "/metadata"}], "default", type="json")


async def test_a_secret_without_a_type_is_opaque(client: EmbeddedClient) -> None:
    made = await client.create(SECRETS, {"metadata": {"name": "s"}, "type": ""}, "default")
    assert made["type"] == "Opaque"
    assert await client.patch(SECRETS, "s", {"type": ""}, "default") == made


async def test_owners_are_kept_once_and_that_is_told(registry: Registry) -> None:
    other, warnings = {**POD, "name": "q"}, list[str]()
    body = {"metadata": {"name": "c", "ownerReferences": [POD, other, POD]}}
    made = await registry.create(SYSTEM, CONFIG_MAPS, body, "default", warnings=warnings)
    assert made["metadata"]["ownerReferences"] == [POD, other]
    assert warnings[0].startswith(".metadata.ownerReferences contains duplicate entries; ") and warnings[0].endswith("observed: x")
    warnings.clear()
    change = {"metadata": {"ownerReferences": [POD, POD]}}
    await registry.patch(SYSTEM, CONFIG_MAPS, "c", change, "default", warnings=warnings)
    assert "duplicate entries after mutating admission happens" in warnings[0]


async def test_owners_may_be_changed_with_a_status(client: EmbeddedClient) -> None:
    body = {"metadata": {"name": "i", "ownerReferences": [POD]}, "spec": {"defaultBackend": BACKEND}}
    made = await client.create(INGRESSES, body, "default")
    del made["metadata"]["ownerReferences"]
    assert "ownerReferences" not in (await client.update(INGRESSES, made, subresource="status"))["metadata"]


async def test_finalize_replaces_the_finalizers_of_a_namespace_that_lives(client: EmbeddedClient) -> None:
    made = await client.create(NAMESPACES, {"metadata": {"name": "team"}})
    body = {"metadata": {"name": "team", "labels": {"a": "b"}}, "spec": {"finalizers": []}}
    changed = await client.update(NAMESPACES, body, subresource="finalize")
    assert not changed["spec"].get("finalizers") and changed["status"] == made["status"]
    assert changed["metadata"]["labels"]["a"] == "b"
    body = {"metadata": {"name": "team"}, "spec": {"finalizers": ["a.b/c"]}}
    assert (await client.update(NAMESPACES, body, subresource="finalize"))["spec"] == {"finalizers": ["a.b/c"]}
    body = {"metadata": {"name": "team"}, "spec": {"finalizers": ["x"]}}
    with pytest.raises(Invalid, match=r"spec\.finalizers\[0\]: Invalid value: \"x\": name is neither a standard finalizer name"):
        await client.update(NAMESPACES, body, subresource="finalize")
    with pytest.raises(Conflict, match='Operation cannot be fulfilled on namespaces "team": Precondition failed: UID'):
        await client.delete(NAMESPACES, "team", uid="another")


async def test_who_ends_a_namespace_first_says_what_becomes_of_its_dependents(client: EmbeddedClient) -> None:
    await client.create(NAMESPACES, {"metadata": {"name": "team", "generation": 5}})
    ending = await client.delete(NAMESPACES, "team", propagation="Orphan")
    assert ending["metadata"]["finalizers"] == ["orphan"] and ending["metadata"]["generation"] == 5
    assert await client.delete(NAMESPACES, "team", propagation="Foreground") == ending


@pytest.mark.parametrize(
    ("resource", "body", "status", "told"),
    [
        (PODS, {"spec": {"containers": [{"name": "a", "image": "b"}]}}, {"podIP": "x"}, r"status\.podIPs\[0\]: Invalid value"),
        (PODS, {"spec": {"containers": [{"name": "a", "image": "b"}]}}, {"nominatedNodeName": "A B"}, r"status\.nominatedNodeName"),
        (SERVICES, {"spec": {"ports": [{"port": 1}]}}, BALANCED, r"may only be used when `spec\.type` is 'LoadBalancer'"),
        (INGRESSES, {"spec": {"defaultBackend": BACKEND}}, {"loadBalancer": {"ingress": [{"ip": "x"}]}}, r"ingress\[0\]\.ip"),
        (INGRESSES, {"spec": {"defaultBackend": BACKEND}}, {"loadBalancer": {"ingress": [{"hostname": "A_"}]}}, r"\[0\]\.hostname"),
        (CLAIMS, {"spec": CLAIM}, {"capacity": {"storage": "-1"}}, r"status\.capacity\[storage\]: Invalid value: -1"),
    ],
)
async def test_a_status_is_not_believed_everything(
    client: EmbeddedClient, resource: Resource, body: Any, status: Any, told: str
) -> None:
    await client.create(resource, {"metadata": {"name": "a"}, **body}, "default")
    with pytest.raises(Invalid, match=told):
        await client.patch(resource, "a", {"status": status}, "default", subresource="status")


async def test_a_namespace_that_lives_is_active(client: EmbeddedClient) -> None:
    with pytest.raises(Invalid, match="may only be 'Active' if `deletionTimestamp` is empty"):
        await client.patch(NAMESPACES, "default", {"status": {"phase": "Terminating"}}, subresource="status")


async def test_an_update_of_its_status_makes_a_service(client: EmbeddedClient) -> None:
    body = {"metadata": {"name": "s", "namespace": "default"}, "spec": {"ports": [{"port": 1}]}, "status": BALANCED}
    made = await client.update(SERVICES, body, subresource="status")
    assert made["spec"]["clusterIP"] and made["status"] == {"loadBalancer": {}}


async def test_a_lease_without_a_spec_has_an_empty_one(client: EmbeddedClient) -> None:
    made = await client.create(LEASES, {"metadata": {"name": "l"}}, "default")
    assert await client.patch(LEASES, "l", {"spec": {}}, "default") == made
