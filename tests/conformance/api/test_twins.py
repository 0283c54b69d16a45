"""Fields that are kept twice, one of them for clients from before there were several values, and what they may be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import NODES, PODS, SERVICES
from boatyard.machinery.meta.errors import Invalid
from boatyard.machinery.meta.objects import Object

from .features import feature

SECTION = "Update"
V4, OTHER, V6 = "10.0.0.0/24", "10.0.1.0/24", "fd00::/64"


@pytest_asyncio.fixture(loop_scope="session")
async def node(client: Client, namespace: str) -> AsyncIterator[str]:
    """The name of a node that isn't there yet, and isn't afterwards."""
    yield namespace
    await client.delete(NODES, namespace)


async def _made(client: Client, name: str, **spec: Any) -> Object:
    """What its ranges of addresses are."""
    return _ranges(await client.create(NODES, {"metadata": {"name": name}, "spec": spec}))


def _ranges(node: Object) -> Object:
    return {field: value for field, value in node["spec"].items() if field.startswith("podCIDR")}


@feature("fields that are kept twice are kept in step")
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"podCIDR": V4}, [V4]), ({"podCIDRs": [V4]}, [V4]), ({"podCIDRs": [V4, V6]}, [V4, V6]),
        ({"podCIDR": V4, "podCIDRs": [OTHER, V6]}, [V4]), ({"podCIDR": V4, "podCIDRs": [V4, V6]}, [V4, V6]),
    ],
)  # fmt: skip
async def test_a_nodes_ranges(client: Client, node: str, said: Object, kept: list[str]) -> None:
    whole = {"podCIDR": kept[0], "podCIDRs": kept}
    assert await _made(client, node, **said) == whole
    assert _ranges(await client.patch(NODES, node, {"spec": {"podCIDR": None}})) == whole
    if len(kept) == 1:
        assert _ranges(await client.patch(NODES, node, {"spec": {"podCIDRs": None}})) == whole
    with pytest.raises(Invalid, match="may not change podCIDR"):
        await client.patch(NODES, node, {"spec": {"podCIDR": OTHER}})


@feature("fields that are kept twice are kept in step")
async def test_a_node_gets_its_ranges_later(client: Client, node: str) -> None:
    assert await _made(client, node, providerID="one") == {}
    assert _ranges(await client.patch(NODES, node, {"spec": {"podCIDRs": [V6]}})) == {"podCIDR": V6, "podCIDRs": [V6]}
    for change in ({"podCIDRs": [V6, V4]}, {"podCIDR": None, "podCIDRs": None}, {"providerID": "two"}, {"externalID": "x"}):
        with pytest.raises(Invalid, match=r"node updates may not change|may not be updated"):
            await client.patch(NODES, node, {"spec": change})


@feature("fields that are kept twice are kept in step")
@pytest.mark.parametrize("ranges", [["x"], [""], ["10.0.0.0/33"], ["10.0.0.0/²"], [V4, OTHER], [V4, V6, OTHER], [V4, V4]])
async def test_ranges_that_are_none(client: Client, namespace: str, ranges: list[str]) -> None:
    with pytest.raises(Invalid, match=r"must be a valid CIDR value|may specify no more than one CIDR for each IP family"):
        await _made(client, namespace, podCIDRs=ranges)


async def _status(client: Client, namespace: str, **status: Any) -> Object:
    changed = await client.patch(PODS, "p", {"status": status}, namespace, subresource="status")
    return {field: value for field, value in changed["status"].items() if "IP" in field}


@feature("fields that are kept twice are kept in step")
async def test_a_pods_addresses(client: Client, namespace: str, account: None) -> None:
    await client.create(PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}, namespace)
    first, second = {"ip": "1.2.3.4"}, {"ip": "fd00::1"}
    pair = {"podIP": "1.2.3.4", "podIPs": [first, second]}
    assert await _status(client, namespace, podIPs=[first, second]) == pair
    assert await _status(client, namespace, podIP=None) == pair
    assert await _status(client, namespace, podIPs=None) == {"podIP": "1.2.3.4", "podIPs": [first]}
    assert await _status(client, namespace, podIP="1.2.3.5") == {"podIP": "1.2.3.5", "podIPs": [{"ip": "1.2.3.5"}]}
    wrong: list[tuple[str, Object]] = [
        ("may specify no more than one IP for each IP family", {"podIP": "1.2.3.4", "podIPs": [first, {"ip": "1.2.3.5"}]}),
        ("must be equal to `hostIP`", {"hostIPs": [first]}),
        ("must be a valid IP address", {"hostIP": "x", "hostIPs": [{"ip": "x"}]}),
        ("may specify no more than one IP for each IP family", {"hostIP": "1.2.3.4", "hostIPs": [first, first]}),
    ]
    for told, status in wrong:
        with pytest.raises(Invalid, match=told):
            await _status(client, namespace, **status)
    assert (await _status(client, namespace, hostIP="1.2.3.4", hostIPs=[first, second]))["hostIPs"] == [first, second]


@feature("fields that are kept twice are kept in step")
@pytest.mark.parametrize("change", [{"clusterIP": None}, {"clusterIPs": None}, {"clusterIP": "", "clusterIPs": []}])
async def test_a_services_addresses(client: Client, namespace: str, change: Object) -> None:
    made = await client.create(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}, namespace)
    assert made["spec"]["clusterIPs"] == [made["spec"]["clusterIP"]]
    assert (await client.patch(SERVICES, "s", {"spec": change}, namespace))["spec"] == made["spec"]
