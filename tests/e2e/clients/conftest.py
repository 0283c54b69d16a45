"""Clients of Kubernetes that nobody here wrote, against our server over TLS; in the long tier against a kube-apiserver too, which
judges the tests themselves: those that take ``yard`` look into our server and are for it alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from boatyard.ci.kinds import Build, CiConfig
from boatyard.machinery.client.client import Client
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta.core import (
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    LEASES,
    NODES,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SERVICE_ACCOUNTS,
)
from boatyard.machinery.meta.errors import AlreadyExists
from boatyard.machinery.schema.crd import crd_of
from e2e.yard import Yard, yard_in
from parts import kubernetes


@dataclass
class Server:
    """What the clients talk to."""

    config: Path
    """An administrator's kubeconfig."""
    client: Client
    user: str
    """Who the administrator is."""
    yard: Yard | None = None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        judged = [pytest.param("kube-apiserver", marks=[pytest.mark.real, pytest.mark.long])]
        metafunc.parametrize("server", ["ours", *([] if "yard" in metafunc.fixturenames else judged)], indirect=True)


@pytest.fixture
def yard(server: Server) -> Yard:
    assert server.yard is not None
    return server.yard


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A kube-apiserver of these tests' own: they want the namespace "default" to themselves."""
    with kubernetes(tmp_path_factory.mktemp("judge"), "api") as config:
        yield config


@pytest.fixture
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    """One with a node, a service account and our kinds, and nothing else in "default"."""
    if request.param == "ours":
        async with yard_in(tmp_path) as made:
            yield Server(made.config, made.client, "boatyard-admin", made)
        return
    config = request.getfixturevalue("judge")
    client = from_kubeconfig(str(config))
    for model in (CiConfig, Build):
        await client.apply(CUSTOM_RESOURCE_DEFINITIONS, crd_of(model), field_manager="boatyard")
    for resource, body in (
        (NODES, {"metadata": {"name": "n1"}}),
        (SERVICE_ACCOUNTS, {"metadata": {"name": "default", "namespace": "default"}}),
    ):
        with suppress(AlreadyExists):
            await client.create(resource, body)
    yield Server(config, client, "admin")
    for resource in (CONFIG_MAPS, LEASES, PODS, CiConfig.resource):
        for item in (await client.list(resource, "default")).items:
            await client.delete(resource, item["metadata"]["name"], "default", grace_period_seconds=0)
    await client.close()


@pytest.fixture
async def pod(server: Server) -> dict[str, Any]:
    """A pod on the node, whose container echoes what it is told to run."""
    spec = {"nodeName": "n1", "containers": [{"name": "main", "image": "boatyard.dev/host"}]}
    return await server.client.create(PODS, {"metadata": {"name": "p", "namespace": "default"}, "spec": spec})


@pytest.fixture
async def inside(yard: Yard, tmp_path: Path) -> dict[str, str]:
    """The environment of a pod whose account may read config maps, and the folder with its token (``TOKENS``)."""
    client = yard.client
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "robot", "namespace": "default"}})
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]
    await client.create(ROLES, {"metadata": {"name": "reader", "namespace": "default"}, "rules": rules})
    subject = {"kind": "ServiceAccount", "name": "robot", "namespace": "default"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    await client.create(
        ROLE_BINDINGS, {"metadata": {"name": "robot-reads", "namespace": "default"}, "subjects": [subject], "roleRef": role}
    )
    asked = await client.create(SERVICE_ACCOUNTS, {"spec": {}}, "default", name="robot", subresource="token")
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text(asked["status"]["token"])
    (folder / "ca.crt").write_text(yard.ca.read_text())
    (folder / "namespace").write_text("default")
    return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(yard.server.port), "TOKENS": str(folder)}
