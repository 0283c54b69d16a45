"""delete: at once, or when finalizers and nodes have let go."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CONFIG_MAPS, NAMESPACES, PODS, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .widgets import widget

SECTION = "Delete"

HOLD = "suite.boatyard.dev/hold"


async def gone(client: Client, resource: Resource, name: str, namespace: str | None) -> bool:
    try:
        await client.get(resource, name, namespace)
    except NotFound:
        return True
    return False


@feature("at once, with a Status that names it")
async def test_without_finalizers_it_goes_at_once(client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, namespace)
    answer = await client.delete(CONFIG_MAPS, "c", namespace)
    assert answer["kind"] == "Status" and answer["status"] == "Success" and answer["details"]["name"] == "c"
    assert await gone(client, CONFIG_MAPS, "c", namespace)
    with pytest.raises(NotFound, match='configmaps "c" not found'):
        await client.delete(CONFIG_MAPS, "c", namespace)


@feature("finalizers hold what is deleted; none is added any more")
async def test_finalizers_hold_it(client: Client, namespace: str, widgets: Resource) -> None:
    body = widget()
    body["metadata"]["finalizers"] = [HOLD]
    await client.create(widgets, body, namespace)
    marked = await client.delete(widgets, "w", namespace)
    assert marked["metadata"]["deletionTimestamp"] and marked["metadata"]["generation"] == 2
    with pytest.raises(AlreadyExists, match="object is being deleted"):
        await client.create(widgets, widget(), namespace)
    again = await client.delete(widgets, "w", namespace)
    assert again["metadata"]["deletionTimestamp"] == marked["metadata"]["deletionTimestamp"]
    with pytest.raises(Invalid, match="no new finalizers can be added if the object is being deleted"):
        await client.patch(widgets, "w", {"metadata": {"finalizers": [HOLD, "suite.boatyard.dev/more"]}}, namespace)
    await client.patch(widgets, "w", {"metadata": {"finalizers": None}}, namespace)
    assert await gone(client, widgets, "w", namespace)


@feature("uid and resourceVersion as preconditions")
async def test_preconditions(client: Client, namespace: str) -> None:
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, namespace)
    with pytest.raises(Conflict, match=r"UID in (the )?precondition"):
        await client.delete(CONFIG_MAPS, "c", namespace, uid="other")
    await client.patch(CONFIG_MAPS, "c", {"data": {"a": "1"}}, namespace)
    with pytest.raises(Conflict, match=r"ResourceVersion in (the )?precondition"):
        await client.delete(CONFIG_MAPS, "c", namespace, resource_version=made["metadata"]["resourceVersion"])
    await client.delete(CONFIG_MAPS, "c", namespace, uid=made["metadata"]["uid"])
    assert await gone(client, CONFIG_MAPS, "c", namespace)


@feature("Foreground, Orphan and Background")
@pytest.mark.parametrize(("propagation", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")])
async def test_propagation_is_told_by_a_finalizer(client: Client, namespace: str, propagation: Any, finalizer: str) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "finalizers": [HOLD]}}, namespace)
    marked = await client.delete(CONFIG_MAPS, "c", namespace, propagation=propagation)
    assert marked["metadata"]["finalizers"] == [HOLD, finalizer]
    await client.patch(CONFIG_MAPS, "c", {"metadata": {"finalizers": None}}, namespace)
    assert await gone(client, CONFIG_MAPS, "c", namespace)


@feature("dry run")
async def test_dry_run_deletes_nothing(client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, namespace)
    await client.delete(CONFIG_MAPS, "c", namespace, dry_run=True)
    assert not await gone(client, CONFIG_MAPS, "c", namespace)


@feature("namespaces: protected ones, and those that end")
async def test_namespaces_that_stay(client: Client) -> None:
    with pytest.raises(Forbidden, match="this namespace may not be deleted"):
        await client.delete(NAMESPACES, "default")


@feature("namespaces: protected ones, and those that end")
async def test_a_namespace_terminates(client: Client) -> None:
    made = await client.create(NAMESPACES, {"metadata": {"generateName": "suite-ends-", "finalizers": [HOLD]}})
    assert made["spec"] == {"finalizers": ["kubernetes"]} and made["status"]["phase"] == "Active"
    name = made["metadata"]["name"]
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": name}
    marked = await client.delete(NAMESPACES, name)
    assert marked["status"]["phase"] == "Terminating" and marked["metadata"]["deletionTimestamp"]
    await client.patch(NAMESPACES, name, {"metadata": {"finalizers": None}})


async def pod(client: Client, namespace: str, **spec: Any) -> dict[str, Any]:
    try:
        await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, namespace)
    except AlreadyExists:
        pass
    return await client.create(
        PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "busybox"}], **spec}}, namespace
    )


@feature("pods: the node's grace period, which only shrinks")
async def test_a_pod_on_no_node_goes_at_once(client: Client, namespace: str) -> None:
    await pod(client, namespace)
    answer = await client.delete(PODS, "p", namespace)
    assert answer["kind"] == "Pod"
    assert await gone(client, PODS, "p", namespace)


@feature("pods: the node's grace period, which only shrinks")
async def test_a_pod_on_a_node_waits_for_it(client: Client, namespace: str) -> None:
    await pod(client, namespace, nodeName="suite-node", terminationGracePeriodSeconds=45)
    marked = (await client.delete(PODS, "p", namespace))["metadata"]
    assert marked["deletionGracePeriodSeconds"] == 45 and marked["deletionTimestamp"] > marked["creationTimestamp"]
    longer = (await client.delete(PODS, "p", namespace, grace_period_seconds=60))["metadata"]
    assert longer["deletionGracePeriodSeconds"] == 45, "grace only ever shrinks"
    shorter = (await client.delete(PODS, "p", namespace, grace_period_seconds=5))["metadata"]
    assert shorter["deletionGracePeriodSeconds"] == 5 and shorter["deletionTimestamp"] < marked["deletionTimestamp"]
    await client.delete(PODS, "p", namespace, grace_period_seconds=0)
    assert await gone(client, PODS, "p", namespace)


@feature("pods: the node's grace period, which only shrinks")
async def test_a_finalizer_outlives_the_node(client: Client, namespace: str) -> None:
    await pod(client, namespace, nodeName="suite-node")
    await client.patch(PODS, "p", {"metadata": {"finalizers": [HOLD]}}, namespace)
    await client.delete(PODS, "p", namespace)
    await client.delete(PODS, "p", namespace, grace_period_seconds=0)
    assert not await gone(client, PODS, "p", namespace)
    await client.patch(PODS, "p", {"metadata": {"finalizers": None}}, namespace)
    assert await gone(client, PODS, "p", namespace)


@feature("pods: the node's grace period, which only shrinks")
async def test_a_finished_pod_goes_at_once(client: Client, namespace: str) -> None:
    await pod(client, namespace, nodeName="suite-node")
    await client.patch(PODS, "p", {"status": {"phase": "Succeeded"}}, namespace, subresource="status")
    await client.delete(PODS, "p", namespace)
    assert await gone(client, PODS, "p", namespace)
