from __future__ import annotations

import time
from typing import Any

import pytest

from boatyard.cluster import claim_controller, scheduler_controller, volume_controller
from boatyard.cluster.storage import SELECTED_NODE, VOLUMES_DIRECTORY
from boatyard.machinery.meta.conditions import condition
from boatyard.machinery.meta.core import EVENTS, NAMESPACES, NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS

CLAIM = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
USES_CLAIM = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}

CRITICAL = {"priorityClassName": "system-cluster-critical"}


def test_a_pod_is_bound_at_once_and_said_to_be(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node()
        await cluster.client.create(PODS, pod("a"), "default")
        began = cluster.world.monotonic()
        await cluster.until(lambda: bound(cluster, "a"))
        assert cluster.world.monotonic() - began < 0.1
        placed = await cluster.client.get(PODS, "a", "default")
        assert placed["spec"]["nodeName"] == "node-1"
        events = (await cluster.client.list(EVENTS, "default")).items
        assert [(e["reason"], e["message"]) for e in events] == [("Scheduled", "Successfully assigned default/a to node-1")]

    in_cluster(body, scheduler_controller)


async def bound(cluster: Any, name: str) -> bool:
    return bool((await cluster.client.get(PODS, name, "default"))["spec"].get("nodeName"))


def test_a_pod_that_fits_nowhere_says_so_once_and_is_bound_when_it_fits(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node()
        await cluster.client.create(PODS, pod("large", cpu="3"), "default")
        await cluster.settle()
        await cluster.client.create(PODS, pod("late", cpu="2"), "default")
        await cluster.settle()
        waiting = await cluster.client.get(PODS, "late", "default")
        told = condition(waiting, "PodScheduled")
        assert (told["status"], told["reason"]) == ("False", "Unschedulable")
        assert told["message"] == "0/1 nodes are available: 1 Insufficient cpu."
        cluster.quiet()
        await cluster.client.patch(NODES, "node-1", {"metadata": {"labels": {"x": "y"}}})
        await cluster.restart()
        await cluster.settle()
        events = (await cluster.client.list(EVENTS, "default")).items
        assert [e["reason"] for e in events if e["type"] == "Warning"] == ["FailedScheduling"]
        await cluster.client.patch(PODS, "large", {"status": {"phase": "Succeeded"}}, "default", subresource="status")
        await cluster.settle()
        assert await bound(cluster, "late")

    in_cluster(body, scheduler_controller)


def test_a_pod_of_a_namespace_that_ends_keeps_nobody_from_being_bound(
    in_cluster: Any, pod: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(cluster: Any) -> None:
        await cluster.client.create(NAMESPACES, {"metadata": {"name": "ending"}})
        await cluster.client.create(PODS, pod("a"), "ending")
        await cluster.client.delete(NAMESPACES, "ending")
        await cluster.node()
        await cluster.client.create(PODS, pod("b"), "default")
        await cluster.until(lambda: bound(cluster, "b"))
        await cluster.world.sleep(60)
        assert not (await cluster.client.get(PODS, "a", "ending"))["spec"].get("nodeName")

    in_cluster(body, scheduler_controller)
    assert not [record.message for record in caplog.records if record.message.startswith("scheduler")]


def test_priority_goes_first_then_age(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        for name, of in (("low", {}), ("old", CRITICAL), ("young", CRITICAL)):
            await cluster.client.create(PODS, pod(name, cpu="3", **of), "default")
            await cluster.settle()
        await cluster.node()
        await cluster.settle()
        assert [name for name in ("low", "old", "young") if await bound(cluster, name)] == ["old"]

    in_cluster(body, scheduler_controller)


def test_other_schedulers_pods_and_gated_pods_are_left_alone(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node()
        await cluster.client.create(PODS, pod("theirs", schedulerName="other"), "default")
        await cluster.client.create(PODS, pod("gated", schedulingGates=[{"name": "wait"}]), "default")
        await cluster.settle()
        assert not await bound(cluster, "theirs")
        assert not await bound(cluster, "gated")

    in_cluster(body, scheduler_controller)


def test_a_restarted_scheduler_knows_what_is_taken(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node()
        await cluster.client.create(PODS, pod("a", cpu="3"), "default")
        await cluster.settle()
        await cluster.restart()
        await cluster.client.create(PODS, pod("b", cpu="3"), "default")
        await cluster.settle()
        assert not await bound(cluster, "b")

    in_cluster(body, scheduler_controller)


def test_where_pods_share_the_nodes_network_the_second_waits_for_the_port(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        made = await cluster.node()
        shared = [*made["status"]["conditions"], {"type": "PodNetwork", "status": "False", "reason": "PodsShareTheHostNetwork"}]
        await cluster.client.patch(NODES, "node-1", {"status": {"conditions": shared}}, subresource="status")
        for name in ("first", "second"):
            listens = pod(name)
            listens["spec"]["containers"][0]["ports"] = [{"containerPort": 5432}]
            await cluster.client.create(PODS, listens, "default")
            await cluster.settle()
        await cluster.restart()
        await cluster.settle()
        assert await bound(cluster, "first") and not await bound(cluster, "second")
        told = condition(await cluster.client.get(PODS, "second", "default"), "PodScheduled")["message"]
        assert told == "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
        await cluster.client.patch(PODS, "first", {"status": {"phase": "Succeeded"}}, "default", subresource="status")
        await cluster.settle()
        assert await bound(cluster, "second")

    in_cluster(body, scheduler_controller)


def test_a_claims_volume_is_made_where_its_pod_goes(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node(annotations={VOLUMES_DIRECTORY: "/data/volumes"})
        await cluster.client.create(PODS, pod("a", **USES_CLAIM), "default")
        await cluster.settle()
        told = condition(await cluster.client.get(PODS, "a", "default"), "PodScheduled")
        assert told["message"] == 'persistentvolumeclaim "data" not found'
        await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, CLAIM, "default")
        await cluster.settle()
        claim = await cluster.client.get(PERSISTENT_VOLUME_CLAIMS, "data", "default")
        assert claim["metadata"]["annotations"][SELECTED_NODE] == "node-1"
        assert claim["status"]["phase"] == "Bound"
        volume = await cluster.client.get(PERSISTENT_VOLUMES, claim["spec"]["volumeName"])
        assert volume["spec"]["local"]["path"] == f"/data/volumes/{volume['metadata']['name']}"
        assert volume["status"]["phase"] == "Bound"
        assert await bound(cluster, "a")

    in_cluster(body, scheduler_controller, claim_controller, volume_controller)


def test_a_pod_follows_its_volume(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node("node-1", annotations={VOLUMES_DIRECTORY: "/d"})
        await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, CLAIM, "default")
        await cluster.client.create(PODS, pod("a", **USES_CLAIM), "default")
        await cluster.settle()
        await cluster.client.delete(PODS, "a", "default", grace_period_seconds=0)
        await cluster.node("node-0", annotations={VOLUMES_DIRECTORY: "/d"})
        await cluster.client.patch(NODES, "node-1", {"spec": {"unschedulable": True}})
        await cluster.client.create(PODS, pod("b", **USES_CLAIM), "default")
        await cluster.settle()
        told = condition(await cluster.client.get(PODS, "b", "default"), "PodScheduled")["message"]
        assert told == "0/2 nodes are available: 1 node(s) had volume node affinity conflict, 1 node(s) were unschedulable."

    in_cluster(body, scheduler_controller, claim_controller, volume_controller)


def test_hundreds_of_pods_a_second(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        for number in range(10):
            await cluster.node(f"node-{number}")
        began = time.process_time()
        for number in range(300):
            await cluster.client.create(PODS, pod(f"p{number}", cpu="100m"), "default")
        pods: list[Any] = []
        await cluster.settle(1)
        pods = (await cluster.client.list(PODS, "default")).items
        assert all(p["spec"].get("nodeName") for p in pods)
        assert time.process_time() - began < 5

    in_cluster(body, scheduler_controller)
