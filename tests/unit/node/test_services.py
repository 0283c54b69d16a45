"""Services as pods see them."""

from __future__ import annotations

from boatyard.machinery.meta.core import ENDPOINT_SLICES, SERVICES
from boatyard.node.runtime import ServicePort, ServiceRoute
from boatyard.node.services import route

SERVICE = {
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"clusterIP": "10.96.0.9", "ports": [{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}]},
}


def part(name, *addresses, ready=True, port=8080):
    return {
        "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": ready}} for address in addresses],
    }


def test_ready_endpoints_are_where_a_port_leads():
    made = route(SERVICE, [part("b", "10.1.0.2"), part("a", "10.1.0.1", "10.1.0.3"), part("c", "10.1.0.9", ready=False)])
    assert made == ServiceRoute(
        "default", "web", "10.96.0.9", ("10.1.0.1", "10.1.0.3", "10.1.0.2"),
        (ServicePort(80, "TCP", (("10.1.0.1", 8080), ("10.1.0.3", 8080), ("10.1.0.2", 8080))), ServicePort(53, "UDP", ())),
    )  # fmt: skip


def test_a_headless_service_has_no_address_and_may_publish_what_isn_t_ready():
    headless = {**SERVICE, "spec": {**SERVICE["spec"], "clusterIP": "None", "publishNotReadyAddresses": True}}
    made = route(headless, [part("a", "10.1.0.1", ready=False)])
    assert (made.cluster_ip, made.addresses) == ("", ("10.1.0.1",))


def test_the_machine_is_told_when_something_changes_and_only_then(node_scenario):
    async def scenario(node):
        told = []
        inner = node.runtime.set_services

        async def noted(services):
            told.append(len(services))
            await inner(services)

        node.stop()
        node.runtime.set_services = noted
        node.start()
        await node.world.sleep(1)
        spec = {"ports": [{"port": 80}], "selector": {"a": "b"}}
        body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
        await node.client.create(SERVICES, body, "default")
        await node.world.sleep(1)
        names = [service.name for service in node.runtime.services]
        assert "web" in names
        before = len(told)
        ends = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", **part("web-1", "10.1.0.1")}
        ends["ports"][0]["name"] = ""
        await node.client.create(ENDPOINT_SLICES, ends, "default")
        await node.world.sleep(1)
        assert len(told) == before + 1
        web = next(service for service in node.runtime.services if service.name == "web")
        assert web.ports[0].endpoints == (("10.1.0.1", 8080),)

    node_scenario(scenario)
