"""Who takes the suite: the registry in this process, the embedded server over TLS, and a real kube-apiserver that judges both."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import aiohttp

from boatyard.machinery.client.client import Client
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.registry.rbac import RbacAuthorizer
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Store
from boatyard.server.auth.pki import Pki
from boatyard.server.server import ApiServer
from parts import need

from .wire import Wire

JUDGE = "KUBECONFIG_JUDGE"
"""Names a kubeconfig of a real cluster in which the suite may make and delete namespaces and definitions of its own."""
ETCD = "ETCD_JUDGE"
"""The client address of that cluster's etcd, whose history the suite compacts."""


class Subject(NamedTuple):
    """One server of the API, and the ways to it."""

    name: str
    client: Client
    wire: Wire | None
    """Plain HTTP, for what a Client doesn't say. None where there is no HTTP."""
    forgotten: Callable[[int], Awaitable[int]]
    """Forget the history up to a revision: gives an older one whose state can't be told any more."""


async def embedded(stack: AsyncExitStack, path: Path) -> Subject:
    """The registry over SQLite, without HTTP."""
    store = await SqliteStore.open(path / "store.db")
    stack.push_async_callback(store.close)
    return Subject("embedded", EmbeddedClient(await _registry(store)), None, _compacting(store))


async def served(stack: AsyncExitStack, path: Path) -> Subject:
    """The embedded server over TLS."""
    store, world = MemoryStore(), RealWorld()
    registry = await _registry(store)
    pki = Pki(path / "pki", world)
    server = ApiServer(registry, pki=pki, world=world)
    await server.start()
    stack.push_async_callback(server.stop)
    cert, key = pki.admin()
    client = HttpClient(server.address, ca_file=str(pki.ca), cert_file=str(cert), key_file=str(key))
    stack.push_async_callback(client.close)
    return Subject("served", client, Wire(client), _compacting(store))


async def kubernetes(stack: AsyncExitStack, path: Path) -> Subject:
    """A real kube-apiserver."""
    config = os.environ.get(JUDGE, "")
    need(bool(config), f"set {JUDGE} to the kubeconfig of a real cluster")
    client = from_kubeconfig(config)
    stack.push_async_callback(client.close)
    return Subject("kubernetes", client, Wire(client), _compact_etcd)


SUBJECTS = {"embedded": embedded, "served": served, "kubernetes": kubernetes}


async def _registry(store: Store) -> Registry:
    registry = Registry(store, RealWorld())
    registry.authorizer = RbacAuthorizer(registry)
    await registry.start()
    return registry


def _compacting(store: Store) -> Callable[[int], Awaitable[int]]:
    async def compact(revision: int) -> int:
        await store.compact(revision)
        return revision - 1

    return compact


async def _compact_etcd(revision: int) -> int:
    """Only the first revisions: a kube-apiserver keeps what it has seen itself for a while after etcd has forgotten it."""
    address = os.environ.get(ETCD, "")
    need(bool(address), f"set {ETCD} to the address of the etcd of the cluster that {JUDGE} names")
    async with aiohttp.ClientSession(address) as session:
        async with session.post("/v3/kv/compaction", json={"revision": "10", "physical": True}) as response:
            told = await response.text()
            assert response.status == 200 or "has been compacted" in told, told
    return 2
