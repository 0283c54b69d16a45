"""Services: an address from the first moment on."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import SERVICES
from boatyard.machinery.meta.errors import Invalid

from .features import feature

SECTION = "Services"


def service(name: str = "s", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], "selector": {"app": "x"}, **spec}}


@feature("an address of its own from the first moment on")
async def test_every_service_has_an_address_of_its_own(client: Client, namespace: str) -> None:
    made = [await client.create(SERVICES, service(f"s{number}"), namespace) for number in range(5)]
    addresses = [each["spec"]["clusterIP"] for each in made]
    assert len(set(addresses)) == 5 and all(ipaddress.ip_address(address) for address in addresses)
    spec = made[0]["spec"]
    assert spec["clusterIPs"] == [spec["clusterIP"]] and spec["type"] == "ClusterIP" and spec["sessionAffinity"] == "None"
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}] and made[0]["status"] == {"loadBalancer": {}}


@feature("an address of its own from the first moment on")
async def test_an_address_that_is_taken(client: Client, namespace: str) -> None:
    first = await client.create(SERVICES, service("first"), namespace)
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        await client.create(SERVICES, service("second", clusterIP=first["spec"]["clusterIP"]), namespace)
    await client.delete(SERVICES, "first", namespace)
    again = await client.create(SERVICES, service("second", clusterIP=first["spec"]["clusterIP"]), namespace)
    assert again["spec"]["clusterIP"] == first["spec"]["clusterIP"]


@feature("headless ones")
async def test_headless(client: Client, namespace: str) -> None:
    made = await client.create(SERVICES, service(clusterIP="None"), namespace)
    assert made["spec"]["clusterIP"] == "None" and made["spec"]["clusterIPs"] == ["None"]


@feature("the address stays")
async def test_an_update_that_says_nothing_of_it_keeps_the_address(client: Client, namespace: str) -> None:
    made = await client.create(SERVICES, service(), namespace)
    body = service(selector={"app": "y"})
    body["metadata"] |= {"namespace": namespace, "resourceVersion": made["metadata"]["resourceVersion"]}
    changed = await client.update(SERVICES, body)
    assert changed["spec"]["clusterIP"] == made["spec"]["clusterIP"] and changed["spec"]["selector"] == {"app": "y"}


@feature("the address stays")
async def test_the_address_stays(client: Client, namespace: str) -> None:
    made = await client.create(SERVICES, service(), namespace)
    with pytest.raises(Invalid, match="may not change once set"):
        await client.patch(
            SERVICES, made["metadata"]["name"], {"spec": {"clusterIP": "10.96.0.77", "clusterIPs": ["10.96.0.77"]}}, namespace
        )
