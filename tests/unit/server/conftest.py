"""A server over a memory store, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from boatyard.machinery.client.credentials import Credentials
from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from boatyard.server.auth.pki import Pki
from boatyard.server.server import ApiServer
from unit.server.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki", RealWorld())


@pytest.fixture
async def registry() -> Registry:
    registry = Registry(MemoryStore(), RealWorld())
    await registry.start()
    return registry


@pytest.fixture
async def server(registry: Registry, pki: Pki) -> AsyncIterator[ApiServer]:
    server = ApiServer(registry, pki=pki, world=RealWorld())
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: ApiServer, pki: Pki) -> AsyncIterator[HttpClient]:
    """The administrator's."""
    cert, key = pki.admin()
    client = HttpClient(server.address, ca_file=str(pki.ca), cert_file=str(cert), key_file=str(key))
    yield client
    await client.close()


@pytest.fixture
async def http(server: ApiServer, pki: Pki) -> AsyncIterator[aiohttp.ClientSession]:
    """The administrator's plain HTTP session, for what a Client doesn't say."""
    cert, key = pki.admin()
    tls = Credentials(ca_file=str(pki.ca), cert_file=str(cert), key_file=str(key)).tls()
    async with aiohttp.ClientSession(server.address, connector=aiohttp.TCPConnector(ssl=tls)) as session:
        yield session
