"""Our server with RBAC and a real kube-apiserver, side by side."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from boatyard.machinery.client.credentials import Credentials
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.registry.rbac import RbacAuthorizer
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from boatyard.server.auth.pki import Pki
from boatyard.server.server import ApiServer
from parts import need

from .both import Both, Server


@pytest.fixture(scope="session")
def pki_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pki")


@pytest.fixture
async def pair(pki_directory: Path) -> AsyncIterator[Both]:
    """Both servers, as their administrators."""
    path = os.environ.get("KUBECONFIG_JUDGE", "")
    need(bool(path), "set KUBECONFIG_JUDGE to the kubeconfig of a real cluster")
    world = RealWorld()
    registry = Registry(MemoryStore(), world)
    registry.authorizer = RbacAuthorizer(registry)
    await registry.start()
    pki = Pki(pki_directory, world)
    server = ApiServer(registry, pki=pki, world=world)
    await server.start()
    cert, key = pki.admin()
    tls = Credentials(ca_file=str(pki.ca), cert_file=str(cert), key_file=str(key)).tls()
    judge = from_kubeconfig(path)
    theirs = judge._transport
    open_tls = Credentials(ca_file=str(pki.ca)).tls()
    async with (
        aiohttp.ClientSession(server.address, connector=aiohttp.TCPConnector(ssl=tls)) as ours,
        aiohttp.ClientSession(server.address, connector=aiohttp.TCPConnector(ssl=open_tls)) as ours_open,
        aiohttp.ClientSession(theirs.address, connector=aiohttp.TCPConnector(ssl=theirs._credentials.tls())) as real,
    ):
        both = Both(Server(ours, ours_open), Server(real, real, theirs._credentials.token), f"suite-{uuid.uuid4().hex[:8]}")
        yield both
        await both.clean()
    await judge.close()
    await server.stop()


@pytest.fixture
async def namespace(pair: Both) -> str:
    """A namespace of the test's own, of the same name on both sides."""
    await pair.make("/api/v1/namespaces", {"metadata": {"name": pair.name}})
    return pair.name
