from __future__ import annotations

from typing import Any

from boatyard.cluster import endpoints_controller, garbage_controller
from boatyard.cluster.endpoints_controller import desired_slices
from boatyard.machinery.meta.core import ENDPOINT_SLICES, PODS, SERVICES

HTTP = {"name": "http", "port": 80, "targetPort": "http"}
SERVICE = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [HTTP]}}


def a_pod(
    name: str, address: str = "10.0.0.1", *, ready: bool = True, phase: str = "Running", port: int = 8080, **metadata: Any
) -> Any:
    return {
        "metadata": {"name": name, "namespace": "default", "uid": name, **metadata},
        "spec": {"nodeName": "n", "containers": [{"name": "m", "ports": [{"name": "http", "containerPort": port}]}]},
        "status": {"podIP": address, "phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def endpoints(*pods: Any, **spec: Any) -> list[tuple[str, bool, int]]:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default", "uid": "s"}}
    slices = desired_slices({**service, "spec": {**SERVICE["spec"], **spec}}, pods)
    return [
        (address, e["conditions"]["ready"], port["port"])
        for each in slices.values() for e in each["endpoints"] for address in e["addresses"] for port in each["ports"]
    ]  # fmt: skip


def test_ready_pods_with_addresses_count() -> None:
    assert endpoints(a_pod("a"), a_pod("b", "10.0.0.2", ready=False)) == [("10.0.0.1", True, 8080), ("10.0.0.2", False, 8080)]
    assert endpoints(a_pod("a", ""), a_pod("b", phase="Succeeded"), a_pod("c", phase="Failed")) == []


def test_a_pod_that_is_being_deleted_is_not_ready_though_it_serves() -> None:
    assert endpoints(a_pod("a", deletionTimestamp="2026-01-01T00:00:00Z")) == [("10.0.0.1", False, 8080)]


def test_publishing_those_that_are_not_ready() -> None:
    assert endpoints(a_pod("a", ready=False), publishNotReadyAddresses=True) == [("10.0.0.1", True, 8080)]


def test_named_ports_are_looked_up_in_each_pod() -> None:
    assert endpoints(a_pod("a"), a_pod("b", "10.0.0.2", port=9090)) == [("10.0.0.1", True, 8080), ("10.0.0.2", True, 9090)]
    assert endpoints(a_pod("a"), ports=[{"port": 80, "targetPort": "nobody"}]) == []
    assert endpoints(a_pod("a"), ports=[{"port": 80}]) == [("10.0.0.1", True, 80)]


async def addresses(cluster: Any) -> list[str]:
    slices = (await cluster.client.list(ENDPOINT_SLICES, "default")).items
    return [a for each in slices for e in each["endpoints"] or () if e["conditions"]["ready"] for a in e["addresses"]]


def test_slices_follow_pods_and_the_service(in_cluster: Any, pod: Any) -> None:
    async def running(cluster: Any, name: str, address: str, ready: str = "True") -> None:
        status = {"phase": "Running", "podIP": address, "conditions": [{"type": "Ready", "status": ready}]}
        await cluster.client.patch(PODS, name, {"status": status}, "default", subresource="status")

    async def body(cluster: Any) -> None:
        service = {**SERVICE, "spec": {**SERVICE["spec"], "ports": [{"port": 80}]}}
        await cluster.client.create(SERVICES, service, "default")
        for name, app in (("a", "web"), ("b", "web"), ("c", "other")):
            await cluster.client.create(PODS, pod(name, labels={"app": app}), "default")
            await running(cluster, name, f"10.0.0.{ord(name)}")
        await cluster.settle()
        assert await addresses(cluster) == ["10.0.0.97", "10.0.0.98"]
        await running(cluster, "a", "10.0.0.97", ready="False")
        await cluster.client.patch(PODS, "c", {"metadata": {"labels": {"app": "web"}}}, "default")
        await cluster.client.patch(PODS, "b", {"metadata": {"labels": {"app": "other"}}}, "default")
        await cluster.settle()
        assert await addresses(cluster) == ["10.0.0.99"]
        cluster.quiet()
        await cluster.restart()
        await cluster.settle()
        assert cluster.quiet()
        await cluster.client.patch(SERVICES, "web", {"spec": {"selector": {"app": "other"}}}, "default")
        await cluster.settle()
        assert await addresses(cluster) == ["10.0.0.98"]
        await cluster.client.delete(SERVICES, "web", "default")
        await cluster.settle()
        assert await cluster.names(ENDPOINT_SLICES) == []

    in_cluster(body, endpoints_controller, garbage_controller)


def test_slices_of_others_stay_and_a_deleted_slice_comes_back(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        theirs = {
            "metadata": {"name": "theirs", "labels": {"kubernetes.io/service-name": "web"}}, "addressType": "IPv4", "endpoints": [],
        }  # fmt: skip
        await cluster.client.create(ENDPOINT_SLICES, theirs, "default")
        await cluster.client.create(SERVICES, SERVICE, "default")
        await cluster.settle()
        names = await cluster.names(ENDPOINT_SLICES)
        assert len(names) == 2
        ours = next(name for name in names if name != "theirs")
        await cluster.client.delete(ENDPOINT_SLICES, ours, "default")
        await cluster.settle()
        assert await cluster.names(ENDPOINT_SLICES) == names

    in_cluster(body, endpoints_controller)
