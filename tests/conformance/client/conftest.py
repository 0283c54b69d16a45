"""Every Client passes this suite; a real kube-apiserver is the judge of what it says."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES
from boatyard.machinery.meta.errors import AlreadyExists
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from boatyard.machinery.store.sqlite import SqliteStore

from .widgets import WIDGETS, definition, served

JUDGE = "KUBECONFIG_JUDGE"
"""Names a kubeconfig of a real cluster in which the suite may make and delete namespaces and a definition of its own."""


async def _memory(stack: AsyncExitStack, path: Path) -> Client:
    return await _embedded(stack, MemoryStore())


async def _sqlite(stack: AsyncExitStack, path: Path) -> Client:
    return await _embedded(stack, await SqliteStore.open(path / "store.db"))


async def _embedded(stack: AsyncExitStack, store: Any) -> Client:
    stack.push_async_callback(store.close)
    registry = Registry(store, RealWorld())
    await registry.start()
    return EmbeddedClient(registry)


async def _http(stack: AsyncExitStack, path: Path) -> Client:
    from boatyard.machinery.client.http import HttpClient
    from boatyard.server.auth.pki import Pki
    from boatyard.server.server import ApiServer

    world = RealWorld()
    registry = Registry(MemoryStore(), world)
    await registry.start()
    pki = Pki(path / "pki", world)
    server = ApiServer(registry, pki=pki, world=world)
    await server.start()
    stack.push_async_callback(server.stop)
    cert, key = pki.admin()
    client = HttpClient(server.address, ca_file=str(pki.ca), cert_file=str(cert), key_file=str(key))
    stack.push_async_callback(client.close)
    return client


async def _kubernetes(stack: AsyncExitStack, path: Path) -> Client:
    from boatyard.machinery.client.kubeconfig import from_kubeconfig

    client = from_kubeconfig(os.environ[JUDGE])
    stack.push_async_callback(client.close)
    return client


SUBJECTS = {"memory": _memory, "sqlite": _sqlite, "http": _http, "kubernetes": _kubernetes}


def _marked(name: str) -> Any:
    missing = name == "kubernetes" and not os.environ.get(JUDGE)
    marks = [pytest.mark.real] if name == "kubernetes" else []
    if missing:
        marks.append(pytest.mark.skip(reason=f"set {JUDGE} to the kubeconfig of a real cluster"))
    return pytest.param(name, marks=marks)


@pytest.fixture(params=[_marked(name) for name in SUBJECTS])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    async with AsyncExitStack() as stack:
        yield await SUBJECTS[request.param](stack, tmp_path)


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    """A namespace of the test's own, with the service account that pods need."""
    made = await client.create(NAMESPACES, {"metadata": {"generateName": "suite-"}})
    yield made["metadata"]["name"]
    await client.delete(NAMESPACES, made["metadata"]["name"])


@pytest.fixture
async def widgets(client: Client) -> Resource:
    """A custom kind, established and served."""
    try:
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition())
    except AlreadyExists:
        pass
    await served(client, WIDGETS)
    return WIDGETS
