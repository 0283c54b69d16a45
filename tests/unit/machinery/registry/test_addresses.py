"""Cluster addresses: never two services at one, never one lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import SERVICES
from boatyard.machinery.meta.errors import AlreadyExists, InternalError, Invalid
from boatyard.machinery.registry.addresses import ServiceAddresses
from boatyard.machinery.registry.registry import Registry


def service(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}


async def test_services_made_at_the_same_time_differ(client: EmbeddedClient) -> None:
    made = await asyncio.gather(*(client.create(SERVICES, service(f"s{n}"), "default") for n in range(50)))
    assert len({each["spec"]["clusterIP"] for each in made}) == 50


async def test_two_ask_for_the_same_at_the_same_time(client: EmbeddedClient) -> None:
    both = (client.create(SERVICES, service(name, clusterIP="10.96.0.10"), "default") for name in ("a", "b"))
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Invalid", "dict"]


async def test_a_dry_run_and_a_refusal_take_nothing(client: EmbeddedClient, registry: Registry) -> None:
    tried = await client.create(SERVICES, service("tried"), "default", dry_run=True)
    address = tried["spec"]["clusterIP"]
    assert (await client.create(SERVICES, service("made", clusterIP=address), "default"))["spec"]["clusterIP"] == address
    with pytest.raises(Invalid):
        await client.create(SERVICES, service("bad", clusterIP="10.96.0.10", ports=[{"port": 0}]), "default")
    assert registry.ledger.addresses.claim("somebody", "10.96.0.10")


async def test_a_second_service_of_the_name_changes_nothing(client: EmbeddedClient, registry: Registry) -> None:
    made = await client.create(SERVICES, service("s"), "default")
    with pytest.raises(AlreadyExists):
        await client.create(SERVICES, service("s", clusterIP="10.96.0.10"), "default")
    assert not registry.ledger.addresses.claim("somebody", made["spec"]["clusterIP"])
    assert registry.ledger.addresses.claim("somebody", "10.96.0.10")


async def test_an_address_outside_the_network(client: EmbeddedClient) -> None:
    with pytest.raises(Invalid, match="the provided network does not match the current range"):
        await client.create(SERVICES, service("s", clusterIP="192.0.2.1"), "default")


async def test_after_a_restart_what_is_held_is_held(client: EmbeddedClient, store: Any, world: Any) -> None:
    made = await client.create(SERVICES, service("s"), "default")
    again = Registry(store, world)
    await again.start()
    with pytest.raises(Invalid, match="already allocated"):
        await EmbeddedClient(again).create(SERVICES, service("t", clusterIP=made["spec"]["clusterIP"]), "default")


async def test_a_network_that_is_full(client: EmbeddedClient, registry: Registry) -> None:
    registry.ledger.addresses = ServiceAddresses(registry.ledger, "10.0.0.0/27")
    for number in range(11):
        await client.create(SERVICES, service(f"s{number}"), "default")
    with pytest.raises(InternalError, match="no cluster address is free"):
        await client.create(SERVICES, service("one-more"), "default")
    await client.delete(SERVICES, "s3", "default")
    await client.create(SERVICES, service("one-more"), "default")


async def test_a_service_that_becomes_external_gives_its_address_back(client: EmbeddedClient, registry: Registry) -> None:
    made = await client.create(SERVICES, service("s"), "default")
    change = {"spec": {"type": "ExternalName", "externalName": "example.com", "clusterIP": None, "clusterIPs": None}}
    changed = await client.patch(SERVICES, "s", change, "default")
    assert "clusterIP" not in changed["spec"]
    assert registry.ledger.addresses.claim("somebody", made["spec"]["clusterIP"])
