from __future__ import annotations

from typing import Any

import pytest

from boatyard.cluster import node_controller
from boatyard.cluster.node_controller import patience_seconds
from boatyard.machinery.meta.conditions import condition
from boatyard.machinery.meta.core import LEASES, NODES, PODS
from boatyard.machinery.meta.timestamps import rfc3339, rfc3339_micro

UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}


async def beat(cluster: Any, name: str = "node-1") -> None:
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": rfc3339_micro(cluster.world.now())}
    if await cluster.find(LEASES, name, "kube-node-lease"):
        await cluster.client.patch(LEASES, name, {"spec": spec}, "kube-node-lease")
    else:
        await cluster.client.create(LEASES, {"metadata": {"name": name}, "spec": spec}, "kube-node-lease")


async def bind(cluster: Any, body: Any, node: str = "node-1") -> None:
    await cluster.client.create(PODS, {**body, "spec": {**body["spec"], "nodeName": node}}, "default")
    await cluster.client.patch(PODS, body["metadata"]["name"], {"status": {"phase": "Running"}}, "default", subresource="status")


def taints(node: Any) -> list[tuple[str, str]]:
    return [(taint["key"].rpartition("/")[2], taint["effect"]) for taint in (node.get("spec") or {}).get("taints") or ()]


def test_a_node_that_reports_stays_ready(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node()
        for _ in range(30):
            await beat(cluster)
            await cluster.settle(10)
        node = await cluster.client.get(NODES, "node-1")
        assert condition(node, "Ready")["status"] == "True"
        assert taints(node) == []

    in_cluster(body, node_controller)


def test_a_silent_node_is_unknown_then_its_pods_have_failed_and_it_may_come_back(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node()
        await beat(cluster)
        await bind(cluster, pod("a", tolerations=[{**UNREACHABLE, "tolerationSeconds": 60}]))
        await bind(cluster, pod("patient", tolerations=[{"operator": "Exists"}]))
        await cluster.settle(45)
        node = await cluster.client.get(NODES, "node-1")
        assert (condition(node, "Ready")["status"], condition(node, "Ready")["reason"]) == ("Unknown", "NodeStatusUnknown")
        assert taints(node) == [("unreachable", "NoSchedule"), ("unreachable", "NoExecute")]
        assert (await cluster.client.get(PODS, "a", "default"))["status"]["phase"] == "Running"
        await cluster.settle(65)
        lost = await cluster.client.get(PODS, "a", "default")
        assert (lost["status"]["phase"], lost["status"]["reason"]) == ("Failed", "NodeLost")
        assert (await cluster.client.get(PODS, "patient", "default"))["status"]["phase"] == "Running"
        await beat(cluster)
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": rfc3339(cluster.world.now())}
        await cluster.client.patch(NODES, "node-1", {"status": {"conditions": [ready]}}, subresource="status")
        await cluster.settle()
        assert taints(await cluster.client.get(NODES, "node-1")) == []

    in_cluster(body, node_controller)


def test_a_pod_that_was_being_deleted_goes_when_its_node_is_lost(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node()
        await beat(cluster)
        await bind(cluster, pod("a", tolerations=[{**UNREACHABLE, "tolerationSeconds": 60}]))
        await cluster.client.delete(PODS, "a", "default")
        await cluster.settle(30)
        assert await cluster.find(PODS, "a", "default")
        await cluster.settle(120)
        assert await cluster.find(PODS, "a", "default") is None

    in_cluster(body, node_controller)


def test_after_a_restart_a_node_has_its_whole_time_again(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node()
        await beat(cluster)
        await cluster.settle(30)
        await cluster.restart()
        await cluster.settle(30)
        assert condition(await cluster.client.get(NODES, "node-1"), "Ready")["status"] == "True"
        await cluster.settle(30)
        assert condition(await cluster.client.get(NODES, "node-1"), "Ready")["status"] == "Unknown"

    in_cluster(body, node_controller)


def test_a_node_that_never_told_of_itself_takes_no_pods(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        mine = {"key": "mine", "effect": "NoSchedule"}
        await cluster.client.create(NODES, {"metadata": {"name": "new"}, "spec": {"taints": [mine]}})
        await cluster.settle()
        assert taints(await cluster.client.get(NODES, "new")) == [("mine", "NoSchedule"), ("not-ready", "NoSchedule")]
        await cluster.settle(60)
        node = await cluster.client.get(NODES, "new")
        assert condition(node, "Ready")["reason"] == "NodeStatusNeverUpdated"

    in_cluster(body, node_controller)


@pytest.mark.parametrize(
    ("tolerations", "seconds"),
    [
        ([], 0.0),
        ([UNREACHABLE], None),
        ([{**UNREACHABLE, "tolerationSeconds": 300}], 300.0),
        ([{**UNREACHABLE, "tolerationSeconds": 300}, {"operator": "Exists", "tolerationSeconds": 5}], 5.0),
        ([{**UNREACHABLE, "tolerationSeconds": -1}], 0.0),
        ([{"key": "other", "operator": "Exists"}], 0.0),
    ],
)
def test_patience(tolerations: list[Any], seconds: float | None) -> None:
    assert patience_seconds({"spec": {"tolerations": tolerations}}) == seconds
