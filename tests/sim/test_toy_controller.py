"""The ground under crashes: a toy controller over store, registry and embedded client reaches its goal whatever is killed when.

A config map asks for a number of secrets, its name and a number each. The program that holds registry and controller dies at
random, also between any two commits; a user elsewhere, who dies as well, changes numbers and deletes.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CONFIG_MAPS, SECRETS
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, NotFound
from boatyard.machinery.meta.objects import owner_reference
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.component import Component, Incarnation
from boatyard.machinery.runtime.connection import Connection
from boatyard.machinery.runtime.controller import Controller, Request, Watch, owner_requests
from boatyard.machinery.runtime.durable import DurableStore
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.simulation import SimWorld, simulate
from boatyard.machinery.store.memory import MemoryStore

OBJECTS, ROUNDS = 6, 4


async def delete(manager: Manager, secret: str, namespace: str) -> None:
    try:
        await manager.client.delete(SECRETS, secret, namespace)
    except NotFound:
        pass


def toy(manager: Manager) -> Controller:
    wanted = manager.cache(CONFIG_MAPS)
    owned = manager.cache(SECRETS, indexes={"owner": lambda obj: [r["uid"] for r in obj["metadata"].get("ownerReferences") or ()]})

    async def reconcile(request: Request) -> None:
        owner = wanted.get(request.name, request.namespace)
        if owner is None:
            for orphan in owned.list(request.namespace):
                if orphan["metadata"]["name"].startswith(f"{request.name}-"):
                    await delete(manager, orphan["metadata"]["name"], request.namespace)
            return
        names = [f"{request.name}-{number}" for number in range(int(owner["data"]["count"]))]
        there = {secret["metadata"]["name"]: secret for secret in owned.by_index("owner", owner["metadata"]["uid"])}
        for name in names:
            if name not in there:
                body = {"metadata": {"name": name, "ownerReferences": [owner_reference(owner)]}, "stringData": {}}
                await manager.client.create(SECRETS, body, request.namespace)
        for name in there:
            if name not in names:
                await delete(manager, name, request.namespace)

    return Controller("toy", CONFIG_MAPS, reconcile, watches=[Watch(SECRETS, owner_requests("ConfigMap"))], workers=3)


async def scenario(world: SimWorld) -> None:
    store, goal = MemoryStore(), {}

    async def control_main(life: Incarnation) -> None:
        registry = Registry(DurableStore(life, store), world)
        await registry.start()
        life.services["api"] = client = EmbeddedClient(registry)
        manager = Manager(client, world)
        manager.add(toy(manager))
        await manager.run()

    control = Component(world, "control", control_main, crash_rate=0.02)

    async def user_main(life: Incarnation) -> None:
        client: Any = Connection(life, control)
        while len(goal) < OBJECTS * ROUNDS:  # what is reached is noted durably, after it was written
            number, round = len(goal) % OBJECTS, len(goal) // OBJECTS
            name, count = f"cm{number}", (number * 3 + round * 5) % 8
            try:
                if count == 0:
                    await client.delete(CONFIG_MAPS, name, "default")
                else:
                    await client.create(CONFIG_MAPS, {"metadata": {"name": name}, "data": {"count": str(count)}}, "default")
            except AlreadyExists:
                try:
                    await client.patch(CONFIG_MAPS, name, {"data": {"count": str(count)}}, "default")
                except (ApiError, OSError):
                    continue
            except NotFound:
                pass
            except (ApiError, OSError):
                await world.sleep(1)
                continue
            goal[number, round] = (name, count)
            await world.sleep(world.random.random() * 3)
        await asyncio.get_running_loop().create_future()

    Component(world, "user", user_main, crash_rate=0.05).start()
    control.start()

    def reached() -> bool:
        if len(goal) < OBJECTS * ROUNDS:
            return False
        world.crashing = False
        counts = dict(list(goal.values())[-OBJECTS:])
        expected = sorted(f"/registry/core/secrets/default/{name}-{n}" for name, count in counts.items() for n in range(count))
        return [record.key for record in store.range("/registry/core/secrets/").records] == expected

    await world.until(reached, "every config map has its secrets")


@pytest.mark.parametrize("seed", range(25))
def test_it_converges_under_crashes(seed: int) -> None:
    history = simulate(seed, scenario)
    assert history.count(b"starts") >= 2


def test_the_same_seed_gives_the_same_history_byte_for_byte() -> None:
    assert simulate(3, scenario) == simulate(3, scenario)
    assert simulate(3, scenario) != simulate(4, scenario)
