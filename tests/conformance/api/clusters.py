"""Who takes the tests of what controllers do: the registry with Boatyard's own, and a real control plane that judges them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from boatyard.cluster import (
    claim_controller,
    endpoints_controller,
    garbage_controller,
    namespace_controller,
    root_certificate_controller,
    service_account_controller,
)
from boatyard.machinery.client.client import Client
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from parts import kubernetes

CLUSTER = "KUBECONFIG_CLUSTER"
"""Names a kubeconfig of a real cluster with its controllers, in which the suite may make and delete namespaces of its own.
Without it one is started."""
CONTROLLERS = (
    claim_controller, endpoints_controller, garbage_controller, namespace_controller, root_certificate_controller,
    service_account_controller,
)  # fmt: skip


async def ours(stack: AsyncExitStack, path: Path) -> Client:
    """The registry and the controllers of ``boatyard.cluster`` over it."""
    world = RealWorld()
    registry = Registry(MemoryStore(), world)
    await registry.start()
    client = EmbeddedClient(registry)
    manager = Manager(client, world)
    settings = Settings(object_store=MemoryObjects(), api_ca_pem="PEM")
    for module in CONTROLLERS:
        manager.add(module.controller(manager, settings))
    running = asyncio.create_task(manager.run())
    stack.push_async_callback(_end, running)
    await manager.ready()
    return client


async def _end(running: asyncio.Task[None]) -> None:
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def real(stack: AsyncExitStack, path: Path) -> Client:
    """A kube-apiserver with its kube-controller-manager."""
    config = os.environ.get(CLUSTER) or stack.enter_context(kubernetes(path, "control"))
    client = from_kubeconfig(str(config))
    stack.push_async_callback(client.close)
    return client


CLUSTERS: dict[str, Callable[[AsyncExitStack, Path], Awaitable[Client]]] = {"controllers": ours, "kube-controller-manager": real}
