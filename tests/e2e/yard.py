"""A server as a user's programs meet it: over TLS, with a node, a service account, our kinds, and an administrator's kubeconfig."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from boatyard.ci.kinds import Build, CiConfig
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.client.kubeconfig import kubeconfig, write_kubeconfig
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS, NODES, SERVICE_ACCOUNTS
from boatyard.machinery.registry.rbac import RbacAuthorizer
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.schema.crd import crd_of
from boatyard.machinery.store.memory import MemoryStore
from boatyard.server.auth.pki import Pki
from boatyard.server.server import ApiServer
from unit.server.fake_kubelet import FakeKubelet


@dataclass
class Yard:
    """The server, a client of its own process, and the node behind both."""

    server: ApiServer
    registry: Registry
    client: EmbeddedClient
    kubelet: FakeKubelet
    ca: Path
    config: Path
    """The kubeconfig."""


@asynccontextmanager
async def yard_in(directory: Path) -> AsyncIterator[Yard]:
    """One whose keys and kubeconfig are below ``directory``."""
    world = RealWorld()
    registry = Registry(MemoryStore(), world)
    registry.authorizer = RbacAuthorizer(registry)
    await registry.start()
    pki = Pki(directory / "pki", world)
    server = ApiServer(registry, pki=pki, world=world)
    await server.start()
    client = EmbeddedClient(registry, pod_streams=server.pods)
    kubelet = FakeKubelet(pki, "n1")
    await kubelet.start()
    await client.create(NODES, {"metadata": {"name": "n1"}})
    await client.patch(NODES, "n1", {"status": kubelet.status()}, subresource="status")
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default", "namespace": "default"}})
    for model in (CiConfig, Build):
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, crd_of(model))
    cert, key = pki.admin()
    config = directory / "home" / "config"
    config.parent.mkdir()
    write_kubeconfig(config, kubeconfig(server.address, ca=pki.ca_pem(), cert=cert.read_text(), key=key.read_text()))
    yield Yard(server, registry, client, kubelet, pki.ca, config)
    await kubelet.stop()
    await server.stop()
