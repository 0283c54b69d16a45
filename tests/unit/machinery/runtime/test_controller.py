from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from boatyard.machinery.meta.core import CONFIG_MAPS, SECRETS
from boatyard.machinery.meta.errors import Conflict
from boatyard.machinery.runtime.controller import Controller, Request, Terminal, Watch, owner_requests
from boatyard.machinery.runtime.manager import Manager
from virtual import virtual


@asynccontextmanager
async def running(manager: Manager) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(manager.run())
    try:
        await asyncio.wait_for(manager.ready(), 30)
        yield task
    finally:
        task.cancel()


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_every_object_gets_a_pass_at_the_start_and_at_every_change(client: Any, world: Any) -> None:
    passes: list[Request] = []

    async def reconcile(request: Request) -> None:
        passes.append(request)

    client.put("a")
    manager = Manager(client, world)
    manager.add(Controller("toy", CONFIG_MAPS, reconcile))
    async with running(manager):
        await settle()
        client.put("a", data={})
        client.remove("a")
        await settle()
    assert passes[0] == Request("default", "a")
    assert 2 <= len(passes) <= 3


@virtual
async def test_one_pass_at_a_time_per_object_but_several_objects_at_once(client: Any, world: Any) -> None:
    running_now: list[str] = []
    most = 0

    async def reconcile(request: Request) -> None:
        nonlocal most
        assert request.name not in running_now
        running_now.append(request.name)
        most = max(most, len(running_now))
        await asyncio.sleep(0.01)
        running_now.remove(request.name)

    for name in "abcd":
        client.put(name)
    manager = Manager(client, world)
    manager.add(Controller("toy", CONFIG_MAPS, reconcile, workers=2))
    async with running(manager):
        for _ in range(5):
            client.put("a")
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
    assert most == 2


@pytest.mark.parametrize("fault", [Conflict("moved on"), OSError("refused"), ValueError("a bug")])
async def test_a_failed_pass_is_repeated(client: Any, world: Any, fault: Exception) -> None:
    faults = [fault, fault]

    async def reconcile(request: Request) -> None:
        if faults:
            raise faults.pop()
        done.set()

    done = asyncio.Event()
    client.put("a")
    manager = Manager(client, world)
    manager.add(Controller("toy", CONFIG_MAPS, reconcile))
    async with running(manager):
        await asyncio.wait_for(done.wait(), 30)


@virtual
async def test_a_terminal_failure_waits_for_a_change(client: Any, world: Any) -> None:
    passes = 0

    async def reconcile(request: Request) -> None:
        nonlocal passes
        passes += 1
        raise Terminal("no such thing")

    client.put("a")
    manager = Manager(client, world)
    manager.add(Controller("toy", CONFIG_MAPS, reconcile))
    async with running(manager):
        await asyncio.sleep(0.2)
        assert passes == 1
        client.put("a", data={})
        await settle()
        assert passes == 2


@virtual
async def test_a_pass_may_ask_for_the_next(client: Any, world: Any) -> None:
    passes = 0

    async def reconcile(request: Request) -> float | None:
        nonlocal passes
        passes += 1
        return 0.01 if passes < 3 else None

    client.put("a")
    manager = Manager(client, world)
    manager.add(Controller("toy", CONFIG_MAPS, reconcile))
    async with running(manager):
        await asyncio.sleep(0.2)
    assert passes == 3


async def test_a_change_of_what_is_owned_concerns_the_old_and_the_new_owner(client: Any, world: Any) -> None:
    passes: list[str] = []

    async def reconcile(request: Request) -> None:
        passes.append(request.name)

    def owned_by(name: str) -> dict[str, Any]:
        owners = [{"kind": "Toy", "name": name, "controller": True}]
        return {"metadata": {"namespace": "default", "name": "x", "ownerReferences": owners}}

    manager = Manager(client, world)
    controller = Controller("toy", CONFIG_MAPS, reconcile, watches=[Watch(SECRETS, owner_requests("Toy"))])
    manager.add(controller)
    async with running(manager):
        await settle()
        for handler in manager.cache(SECRETS)._handlers:
            handler(owned_by("one"), owned_by("two"))
        await settle()
    assert passes == ["one", "two"]
    assert list(owner_requests("Other")(owned_by("one"))) == []


async def test_a_loop_that_dies_takes_the_manager_down(client: Any, world: Any) -> None:
    async def dies() -> None:
        raise RuntimeError("broken heart")

    manager = Manager(client, world)
    manager.add_loop("heartbeat", dies)
    async with running(manager) as task:
        with pytest.raises(RuntimeError, match="broken heart"):
            await asyncio.wait_for(task, 30)


async def test_a_loop_that_ends_is_a_fault_too(client: Any, world: Any) -> None:
    async def ends() -> None:
        return

    manager = Manager(client, world)
    manager.add_loop("heartbeat", ends)
    async with running(manager) as task:
        with pytest.raises(RuntimeError, match="heartbeat ended"):
            await asyncio.wait_for(task, 30)


async def test_a_cache_is_whole_when_anybody_needs_it_whole(client: Any, world: Any) -> None:
    manager = Manager(client, world)
    maps, secrets = manager.cache(CONFIG_MAPS, whole=False), manager.cache(SECRETS, whole=False)
    assert manager.cache(CONFIG_MAPS) is manager.cache(CONFIG_MAPS, whole=False) is maps
    client.put("a", data={"x": "1"})
    async with running(manager):
        await asyncio.wait_for(manager.ready(), 30)
        assert "data" in (maps.get("a", "default") or {})
        assert secrets.is_synced and not secrets.whole
        late = manager.cache(SECRETS)  # what was left out isn't there any more
        assert late is not secrets and late.whole
        await asyncio.wait_for(late.synced(), 30)
        assert manager.cache(SECRETS, whole=False) is late


async def test_caches_are_shared_and_may_come_late(client: Any, world: Any) -> None:
    manager = Manager(client, world)
    assert manager.cache(CONFIG_MAPS) is manager.cache(CONFIG_MAPS, indexes={"x": lambda obj: []})
    async with running(manager):
        client.put("a")
        late = manager.cache(SECRETS)
        await asyncio.wait_for(late.synced(), 30)
        assert late.get("a", "default")
