from __future__ import annotations

import asyncio
from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import LEASES
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.connection import Connection
from boatyard.machinery.runtime.lease import LeaderLease, LeaseLost
from boatyard.machinery.runtime.simulation import SimWorld, simulate
from boatyard.machinery.store.memory import MemoryStore


async def an_api(world: SimWorld) -> Component:
    store = MemoryStore()

    async def main(life: Incarnation) -> None:
        registry = Registry(store, world)
        await registry.start()
        life.services["api"] = EmbeddedClient(registry)
        await asyncio.get_running_loop().create_future()

    api = Component(world, "api", main)
    api.start()
    await world.sleep(0.1)
    return api


def test_the_lease_is_given_back_by_who_is_done() -> None:
    async def scenario(world: SimWorld) -> None:
        api = await an_api(world)
        assert api.current is not None
        client = api.current.services["api"]
        led: list[str] = []

        async def lead(name: str) -> None:
            led.append(name)
            await world.sleep(5)

        for name in ("a", "b"):
            await LeaderLease(client, world, "kube-system", "l", name).run(lambda name=name: lead(name))
        assert led == ["a", "b"]
        assert world.monotonic() < 12  # nobody waited for a lease to run out
        lease = await client.get(LEASES, "l", "kube-system")
        assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseTransitions"]) == ("", 1)

    simulate(1, scenario)


@pytest.mark.parametrize("seed", range(10))
def test_never_two_lead_whoever_dies_or_loses_the_server(seed: int) -> None:
    async def scenario(world: SimWorld) -> None:
        api = await an_api(world)
        leading: list[tuple[str, int]] = []
        terms: list[str] = []

        def replica(name: str) -> Component:
            async def main(life: Incarnation) -> None:
                client: Any = Connection(life, api)
                me = (name, life.number)
                life.at_death(lambda: leading.remove(me) if me in leading else None)

                async def lead() -> None:
                    leading.append(me)
                    terms.append(name)
                    assert len(leading) == 1, leading
                    try:
                        await asyncio.get_running_loop().create_future()
                    finally:
                        leading.remove(me)

                while True:
                    try:
                        await LeaderLease(client, world, "kube-system", "l", f"{name}-{life.number}").run(lead)
                    except LeaseLost:
                        continue

            return Component(world, name, main, downtime_seconds=5)

        replicas = [replica(name) for name in "abc"]
        for each in replicas:
            each.start()
        for _ in range(30):
            await world.sleep(world.random.random() * 40)
            world.random.choice([*replicas, api]).crash()
        await world.sleep(60)
        assert len(leading) == 1
        assert len(terms) > 3

    simulate(seed, scenario)
