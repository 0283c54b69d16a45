"""What isn't supported is refused by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import NODES, PODS

from .features import without
from .refusals import REFUSALS, Refusal
from .wire import Wire

KUBERNETES_HAS_IT = without("kubernetes", because="it has all this")


@pytest_asyncio.fixture(loop_scope="session")
async def pod(client: Client, namespace: str, account: None) -> AsyncIterator[None]:
    """A pod on a node whose agent is out of reach."""
    made = await client.create(NODES, {"metadata": {"generateName": "suite-node-"}})
    node = made["metadata"]["name"]
    told = {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}], "daemonEndpoints": {"kubeletEndpoint": {"Port": 1}}}
    await client.patch(NODES, node, {"status": told}, subresource="status")
    spec = {"containers": [{"name": "c", "image": "busybox"}], "nodeName": node}
    await client.create(PODS, {"metadata": {"name": "p"}, "spec": spec}, namespace)
    yield
    await client.delete(NODES, node)


@KUBERNETES_HAS_IT
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.what)
async def test_it_is_refused_by_name(wire: Wire, namespace: str, pod: None, refusal: Refusal) -> None:
    headers: dict[str, Any] = dict(refusal.headers)
    type = headers.pop("Content-Type", "application/json")
    accept = headers.pop("Accept", "application/json")
    path = refusal.path.format(namespace=namespace)
    answer = await wire(refusal.method, path, refusal.body, type=type, accept=accept, headers=headers)
    code, _, message = answer.said
    assert (code, message) == (refusal.code, refusal.message)


@KUBERNETES_HAS_IT
async def test_http_2(wire: Wire) -> None:
    address, tls = wire.transport.url("/"), wire.transport._credentials.tls()
    tls.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection(address.host, address.port, ssl=tls)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
    writer.close()
