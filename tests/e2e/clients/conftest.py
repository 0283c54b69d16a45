"""Clients of Kubernetes that nobody here wrote, against our server over TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from boatyard.machinery.meta.core import PODS, ROLE_BINDINGS, ROLES, SERVICE_ACCOUNTS
from e2e.yard import Yard, yard_in


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    async with yard_in(tmp_path) as made:
        yield made


@pytest.fixture
async def pod(yard: Yard) -> dict[str, Any]:
    """A pod on the node, whose container echoes what it is told to run."""
    spec = {"nodeName": "n1", "containers": [{"name": "main", "image": "boatyard.dev/host"}]}
    return await yard.client.create(PODS, {"metadata": {"name": "p", "namespace": "default"}, "spec": spec})


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
