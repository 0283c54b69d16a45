"""What a kube-apiserver says of services, their addresses and endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta import core
from boatyard.machinery.meta.errors import Invalid
from boatyard.machinery.registry.core.addresses import is_ip


async def refused(client: EmbeddedClient, resource: Any, body: dict[str, Any]) -> list[str]:
    with pytest.raises(Invalid) as found:
        await client.create(resource, {"metadata": {"name": "a"}, **body}, "default")
    return [f"{cause['field']}: {cause['message']}" for cause in found.value.details["causes"]]


async def service(client: EmbeddedClient, name: str, **spec: Any) -> dict[str, Any]:
    made = await client.create(core.SERVICES, {"metadata": {"name": name}, "spec": {"ports": [{"port": 1}], **spec}}, "default")
    return made["spec"]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"ipFamilies": ["IPv6"]}, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'),
        (
            {"ipFamilies": ["IPv4", "IPv6"]},
            "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or "
            "'PreferDualStack' when multiple IP families are specified",
        ),
        ({"ipFamilies": ["IPv4", "IPv4"]}, 'spec.ipFamilies[1]: Duplicate value: "IPv4"'),
        ({"ipFamilies": ["x"]}, 'spec.ipFamilies[0]: Unsupported value: "x": supported values: "IPv4", "IPv6"'),
        (
            {"ipFamilyPolicy": "RequireDualStack"},
            'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
        ),
        (
            {"clusterIP": "None", "clusterIPs": ["1.2.3.4"]},
            'spec.clusterIPs: Invalid value: ["1.2.3.4"]: first value must match `clusterIP`',
        ),
        ({"clusterIPs": ["None"]}, 'spec.clusterIPs: Invalid value: ["None"]: must be empty when `clusterIP` is not specified'),
        ({"clusterIP": "::1"}, 'spec.clusterIPs[0]: Invalid value: ["::1"]: IPv6 is not configured on this cluster'),
        (
            {"clusterIP": "x"},
            'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
    ],
)
async def test_addresses_that_cant_be_had(client: EmbeddedClient, spec: dict[str, Any], told: str) -> None:
    assert await refused(client, core.SERVICES, {"spec": {"ports": [{"port": 1}], **spec}}) == [told]


async def test_a_service_without_address_and_selector_may_be_anywhere(client: EmbeddedClient) -> None:
    spec = await service(client, "free", clusterIP="None")
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4", "IPv6"], "RequireDualStack")
    spec = await service(client, "bound", clusterIP="None", selector={"a": "b"})
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")


async def test_a_service_that_was_elsewhere_gets_an_address_when_it_comes_back(client: EmbeddedClient) -> None:
    first = await service(client, "moved")
    away = {"metadata": {"name": "moved", "namespace": "default"}, "spec": {"type": "ExternalName", "externalName": "a.b"}}
    assert not (await client.update(core.SERVICES, away))["spec"].keys() & {"clusterIP", "ipFamilies"}
    back = {"metadata": {"name": "moved", "namespace": "default"}, "spec": {"ports": [{"port": 1}]}}
    assert (await client.update(core.SERVICES, back))["spec"].keys() == first.keys()


async def test_an_update_names_a_family_that_the_address_has(client: EmbeddedClient) -> None:
    await service(client, "four")
    body = {"metadata": {"name": "four", "namespace": "default"}, "spec": {"ports": [{"port": 1}], "ipFamilies": ["IPv6"]}}
    with pytest.raises(Invalid, match=r"expected an IPv6 value as indicated by `ipFamilies\[0\]`"):
        await client.update(core.SERVICES, body)


async def test_what_only_services_have_that_are_reached_from_outside(client: EmbeddedClient) -> None:
    spec = {
        "ports": [{"port": 1, "nodePort": 30000, "appProtocol": "a b"}],
        "externalIPs": ["x", "127.0.0.1"],
        "sessionAffinity": "ClientIP",
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}},
        "loadBalancerClass": "a",
        "loadBalancerSourceRanges": ["x"],
        "healthCheckNodePort": 5,
        "trafficDistribution": "x",
    }
    told = {cause.partition(": ")[0] for cause in await refused(client, core.SERVICES, {"spec": spec})}
    assert told == {
        "spec.ports[0].nodePort",
        "spec.ports[0].appProtocol",
        "spec.externalIPs[0]",
        "spec.externalIPs[1]",
        "spec.loadBalancerClass",
        "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
        "spec.LoadBalancerSourceRanges",
        "spec.LoadBalancerSourceRanges[0]",
        "spec.healthCheckNodePort",
        "spec.trafficDistribution",
    }


@pytest.mark.parametrize(
    ("kind", "address", "told"),
    [
        ("IPv6", "1.0.0.1", ['endpoints[0].addresses: Invalid value: "1.0.0.1": must be an IPv6 address']),
        ("IPv4", "0.0.0.0", ['endpoints[0].addresses[0]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)']),
        (
            "IPv4",
            "169.254.0.1",
            [
                'endpoints[0].addresses[0]: Invalid value: "169.254.0.1": may not be in the link-local range '
                "(169.254.0.0/16, fe80::/10)"
            ],
        ),
        (
            "FQDN",
            "x",
            ['endpoints[0].addresses[0]: Invalid value: "x": should be a domain with at least two segments separated by dots'],
        ),
    ],
)
async def test_addresses_that_are_no_endpoints(client: EmbeddedClient, kind: str, address: str, told: list[str]) -> None:
    body = {"addressType": kind, "endpoints": [{"addresses": [address]}]}
    assert await refused(client, core.ENDPOINT_SLICES, body) == told


async def test_of_endpoints_all_names_are_names(client: EmbeddedClient) -> None:
    zones = {"forZones": [{"name": "a b"}, {"name": "z"}, {"name": "z"}]}
    endpoint = {"addresses": ["1.2.3.4"], "hostname": "A_", "nodeName": "A_", "hints": zones}
    body = {"addressType": "IPv4", "endpoints": [endpoint], "ports": [{"name": "a", "appProtocol": "a b"}]}
    told = {cause.partition(": ")[0] for cause in await refused(client, core.ENDPOINT_SLICES, body)}
    assert told == {
        "endpoints[0].hostname",
        "endpoints[0].nodeName",
        "endpoints[0].hints.forZones[0].name",
        "endpoints[0].hints.forZones[2].name",
        "ports[0].appProtocol",
    }


def test_addresses_may_begin_with_zeros_and_be_mapped() -> None:
    assert is_ip("01.2.3.4", "IPv4") and is_ip("::ffff:1.2.3.4", "IPv4") and is_ip("::1", "IPv6")
    assert not is_ip("1.2.3") and not is_ip("1.2.3.4", "IPv6")


async def test_how_outside_traffic_is_spread_goes_with_the_outside(client: EmbeddedClient) -> None:
    spec = {"ports": [{"port": 80}], "externalIPs": ["80.11.12.10"]}
    made = await client.create(core.SERVICES, {"metadata": {"name": "s"}, "spec": spec}, "default")
    assert made["spec"]["externalTrafficPolicy"] == "Cluster"
    changed = await client.patch(core.SERVICES, "s", {"spec": {"externalIPs": None}}, "default")
    assert "externalTrafficPolicy" not in changed["spec"]
