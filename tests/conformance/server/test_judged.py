"""What our server says of itself, against a real kube-apiserver: the columns of kubectl get, and discovery."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta.core import STORED
from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from boatyard.server.auth.pki import Pki
from boatyard.server.server import ApiServer
from parts import need

pytestmark = pytest.mark.real

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
GROUPS = sorted({resource.api_version for resource in STORED})

OTHER_SUBRESOURCES = {"pods": {"proxy", "ephemeralcontainers", "resize"}, "nodes": {"proxy"}, "services": {"proxy"}}
"""What a kube-apiserver has beyond ours, on kinds that we serve."""


@pytest.fixture
async def judge() -> AsyncIterator[HttpClient]:
    path = os.environ.get("KUBECONFIG_JUDGE", "")
    need(bool(path), "set KUBECONFIG_JUDGE to the kubeconfig of a real cluster")
    client = from_kubeconfig(path)
    yield client
    await client.close()


@pytest.fixture
async def ours(tmp_path: Path) -> AsyncIterator[HttpClient]:
    world = RealWorld()
    registry = Registry(MemoryStore(), world)
    await registry.start()
    pki = Pki(tmp_path / "pki", world)
    server = ApiServer(registry, pki=pki, world=world)
    await server.start()
    cert, key = pki.admin()
    client = HttpClient(server.address, ca_file=str(pki.ca), cert_file=str(cert), key_file=str(key))
    yield client
    await client.close()
    await server.stop()


async def columns(client: HttpClient, path: str) -> list[tuple[Any, ...]]:
    table = await client._transport.request("GET", path, accept=TABLE)
    return [(c["name"], c["type"], c["format"], c["priority"]) for c in table["columnDefinitions"]]


async def test_kubectl_get_has_the_same_columns(ours: HttpClient, judge: HttpClient) -> None:
    for resource in STORED:
        assert await columns(ours, resource.path()) == await columns(judge, resource.path()), resource.plural


@pytest.mark.parametrize("group", GROUPS)
async def test_discovery_tells_the_same_of_what_both_serve(ours: HttpClient, judge: HttpClient, group: str) -> None:
    path = f"/apis/{group}" if "/" in group else f"/api/{group}"
    told, expected = await types(ours, path), await types(judge, path)
    served = {resource.plural for resource in STORED if resource.api_version == group}
    for name, entry in expected.items():
        plural, _, subresource = name.partition("/")
        if plural in served and subresource not in OTHER_SUBRESOURCES.get(plural, ()):
            assert told.get(name) == entry, name
    assert set(told) <= set(expected)


async def types(client: HttpClient, path: str) -> dict[str, Any]:
    """Each type of a group without what is only a hash."""
    answer = await client.request("GET", path)
    found: dict[str, Any] = {}
    for entry in answer["resources"]:
        entry.pop("storageVersionHash", None)
        found[entry["name"]] = {key: sorted(value) if isinstance(value, list) else value for key, value in entry.items()}
    return found


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/pods/x", None), ("GET", "/api/v1/namespaces/default/pods/nope", None), ("GET", "/api/v1/nosuch", None),
        ("POST", "/api/v1/configmaps", {"metadata": {"name": "x"}}), ("PUT", "/api/v1/namespaces/default/configmaps", {}),
        ("GET", "/api/v1/namespaces/default/configmaps/x/status", None), ("GET", "/api/v1/namespaces/default/nodes", None),
        ("GET", "/api/v1/namespaces/default/pods/x/log", None), ("DELETE", "/api/v1/namespaces/default/configmaps/nope", None),
        ("POST", "/api/v1/namespaces/default/configmaps?dryRun=Some", {"metadata": {"name": "x"}}),
        ("POST", "/api/v1/namespaces/default/configmaps?fieldValidation=x", {"metadata": {"name": "x"}}),
        ("DELETE", "/api/v1/namespaces/default/configmaps/x", {"propagationPolicy": "x"}),
        ("GET", "/api/v1/configmaps?resourceVersionMatch=x", None), ("GET", "/api/v1/configmaps?limit=x", None),
        ("GET", "/api/v1/configmaps?labelSelector=a+in+(", None), ("GET", "/api/v1/configmaps?continue=xx", None),
        ("DELETE", "/api/v1/namespaces", None),
    ],
)  # fmt: skip
async def test_refusals_have_the_same_code_and_reason(
    ours: HttpClient, judge: HttpClient, method: str, path: str, body: Any
) -> None:
    assert await refusal(ours, method, path, body) == await refusal(judge, method, path, body)


async def refusal(client: HttpClient, method: str, path: str, body: Any) -> tuple[int, str]:
    try:
        await client.request(method, path, body=body)
    except ApiError as error:
        return error.code, error.reason
    raise AssertionError(f"{method} {path} was not refused")
