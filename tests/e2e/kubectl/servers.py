"""The two servers a story is told to: ours and a real kube-apiserver, with the same namespace, account, node and kinds."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from boatyard.machinery.client.client import Client
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.client.kubeconfig import from_kubeconfig, kubeconfig
from boatyard.machinery.meta import yaml
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, NODES, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.rbac import RbacAuthorizer
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.schema.crd import crd_of, discover
from boatyard.machinery.store.memory import MemoryStore
from boatyard.server.auth.pki import Pki
from boatyard.server.server import ApiServer
from conformance.api.waiting import until
from parts import need

from .programs import program
from .session import Side

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@asynccontextmanager
async def both(directory: Path, version: str) -> AsyncIterator[tuple[Side, Side, str]]:
    """Ours, the judge, and the name that is the story's own on both: its namespace, and a prefix for what has none."""
    path = os.environ.get("KUBECONFIG_JUDGE", "")
    need(bool(path), "set KUBECONFIG_JUDGE to the kubeconfig of a real cluster")
    kubectl = program(version)
    need(kubectl is not None, f"kubectl {version} isn't here: put kubectl.{version} on the PATH")
    assert kubectl is not None
    own = f"story-{secrets.token_hex(3)}"
    async with AsyncExitStack() as stack:
        world = RealWorld()
        registry = Registry(MemoryStore(), world)
        registry.authorizer = RbacAuthorizer(registry)
        await registry.start()
        pki = Pki(directory / "pki", world)
        server = ApiServer(registry, pki=pki, world=world)
        await server.start()
        stack.push_async_callback(server.stop)
        cert, key = pki.admin()
        text = kubeconfig(server.address, ca=pki.ca_pem(), cert=cert.read_text(), key=key.read_text())
        ours = Side(directory / "ours", kubectl, server.address)
        ours.prepare(in_namespace(yaml.load(text.encode()), own, Path()))
        config: Any = yaml.load(Path(path).read_bytes())
        judge = Side(directory / "judge", kubectl, config["clusters"][0]["cluster"]["server"])
        judge.prepare(in_namespace(config, own, Path(path).resolve().parent))
        real = from_kubeconfig(path)
        stack.push_async_callback(real.close)
        for client in (EmbeddedClient(registry), real):
            await _furnish(client, own)
        for model in discover():
            await until(partial(_told, real, model.resource))
        stack.push_async_callback(_clear, real, own)
        yield ours, judge, own


async def _furnish(client: Client, own: str) -> None:
    for model in discover():
        await client.apply(CUSTOM_RESOURCE_DEFINITIONS, crd_of(model), field_manager="boatyard")
    await client.create(NAMESPACES, {"metadata": {"name": own}})
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default", "namespace": own}})
    await client.create(NODES, {"metadata": {"name": own}})


async def _told(client: HttpClient, resource: Resource) -> bool:
    """Whether a server tells of a kind in discovery and in OpenAPI, which a kube-apiserver does a moment after it serves it.

    A kubectl reads the aggregated document (from 1.27 on), or that of the group, which aren't renewed together.
    """
    try:
        aggregated = await client._transport.request("GET", "/apis", accept=_AGGREGATED)
        listed = await client.request("GET", f"/apis/{resource.api_version}")
        described = await client.request("GET", f"/openapi/v3/apis/{resource.api_version}")
    except NotFound:
        return False
    schemas = described["components"]["schemas"].values()
    kinds = [kind["kind"] for schema in schemas for kind in schema.get("x-kubernetes-group-version-kind", ())]
    plurals = [
        one["resource"]
        for group in aggregated["items"]
        if group["metadata"]["name"] == resource.group
        for version in group.get("versions", ())
        if version["version"] == resource.version
        for one in version.get("resources", ())
    ]
    return resource.plural in plurals and resource.plural in [one["name"] for one in listed["resources"]] and resource.kind in kinds


async def _clear(client: Client, own: str) -> None:
    """A server without controllers marks a namespace, which is enough: names are never used again."""
    await client.delete(NODES, own)
    await client.delete(NAMESPACES, own)


def in_namespace(config: Any, namespace: str, directory: Path) -> str:
    """The kubeconfig with its first context in a namespace, its files by their whole paths."""
    config["contexts"][0]["context"]["namespace"] = namespace
    cluster = config["clusters"][0]["cluster"]
    if "certificate-authority" in cluster:
        cluster["certificate-authority"] = str(directory / cluster["certificate-authority"])
    return msgspec.json.encode(config).decode()
