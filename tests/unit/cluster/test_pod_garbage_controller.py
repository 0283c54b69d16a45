from __future__ import annotations

from typing import Any

from boatyard.cluster import event_controller, pod_garbage_controller
from boatyard.machinery.meta.core import CONFIG_MAPS, EVENTS, NODES, PODS
from boatyard.machinery.meta.objects import owner_reference


async def on_node(cluster: Any, body: Any, node: str) -> None:
    await cluster.client.create(PODS, {**body, "spec": {**body["spec"], "nodeName": node}}, "default")


def test_pods_of_a_node_that_is_gone_fail_and_go(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node("stays")
        await cluster.node("goes")
        await on_node(cluster, pod("a"), "stays")
        await on_node(cluster, pod("b"), "goes")
        await on_node(cluster, {**pod("c"), "metadata": {"name": "c", "finalizers": ["x.example/hold"]}}, "goes")
        await cluster.client.delete(NODES, "goes")
        await cluster.settle(20)
        assert await cluster.names(PODS, "default") == ["a", "b", "c"]
        await cluster.settle(40)
        assert await cluster.names(PODS, "default") == ["a", "c"]
        held = await cluster.client.get(PODS, "c", "default")
        assert (held["status"]["phase"], held["status"]["reason"]) == ("Failed", "NodeLost")

    in_cluster(body, pod_garbage_controller)


def test_a_node_that_comes_late_keeps_its_pods(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        await on_node(cluster, pod("a"), "late")
        await cluster.settle(20)
        await cluster.node("late")
        await cluster.settle(100)
        assert await cluster.names(PODS, "default") == ["a"]

    in_cluster(body, pod_garbage_controller)


def test_orphans_found_after_a_restart_go_too(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        await on_node(cluster, pod("a"), "gone")
        await cluster.settle(20)
        await cluster.restart()
        await cluster.settle(50)
        assert await cluster.names(PODS, "default") == []

    in_cluster(body, pod_garbage_controller)


def test_of_finished_pods_without_an_owner_the_newest_are_kept(in_cluster: Any, pod: Any, monkeypatch: Any) -> None:
    async def body(cluster: Any) -> None:
        owner = await cluster.client.create(CONFIG_MAPS, {"metadata": {"name": "o"}}, "default")
        for name in ("a", "b", "c", "d", "owned", "running"):
            await cluster.client.create(PODS, pod(name, owners=[owner_reference(owner)] if name == "owned" else None), "default")
            await cluster.settle()
        for name in ("d", "c", "b", "a", "owned"):
            await cluster.client.patch(PODS, name, {"status": {"phase": "Succeeded"}}, "default", subresource="status")
        await cluster.settle()
        assert await cluster.names(PODS, "default") == ["c", "d", "owned", "running"]

    monkeypatch.setattr(pod_garbage_controller, "FINISHED_KEPT", 2)
    in_cluster(body, pod_garbage_controller)


def test_events_go_an_hour_after_they_last_happened(in_cluster: Any) -> None:
    async def tell(cluster: Any, name: str, **fields: Any) -> None:
        involved = {"kind": "Pod", "namespace": "default", "name": "x"}
        await cluster.client.create(EVENTS, {"metadata": {"name": name}, "involvedObject": involved, **fields}, "default")

    async def body(cluster: Any) -> None:
        await tell(cluster, "old", lastTimestamp="2026-01-01T00:00:00Z")
        await cluster.settle(3000)
        await tell(cluster, "new", lastTimestamp="2026-01-01T00:50:00Z")
        series = {"lastObservedTime": "2026-01-01T00:50:00.000000Z"}
        who = {"reportingComponent": "example.com/x", "reportingInstance": "x", "action": "Do", "reason": "Done"}
        await tell(cluster, "series", eventTime="2026-01-01T00:00:00.000000Z", series=series, **who)
        await cluster.settle(1200)
        assert await cluster.names(EVENTS, "default") == ["new", "series"]

    in_cluster(body, event_controller)
