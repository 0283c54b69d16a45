"""Rights are given by who has them."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from boatyard.machinery.meta.errors import Forbidden, NotFound
from boatyard.machinery.registry.rbac import RbacAuthorizer

GROUP = "rbac.authorization.k8s.io"
PODS_READ = {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}
NODES_DELETE = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["delete"]}


def role(*rules: dict[str, Any], name: str = "new") -> dict[str, Any]:
    return {"metadata": {"name": name}, "rules": list(rules)}


def binding(kind: str, of: str, to: str = "bob") -> dict[str, Any]:
    subjects = [{"kind": "User", "apiGroup": GROUP, "name": to}]
    return {"metadata": {"name": f"{of}-{to}"}, "roleRef": {"apiGroup": GROUP, "kind": kind, "name": of}, "subjects": subjects}


@pytest.fixture
async def ann(client: EmbeddedClient, user: Any) -> EmbeddedClient:
    """Ann is admin of ``default``."""
    client.registry.authorizer = RbacAuthorizer(client.registry)
    await client.create(ROLE_BINDINGS, binding("ClusterRole", "admin", "ann"), "default")
    return EmbeddedClient(client.registry, user("ann"))


async def test_what_she_has_she_can_give(ann: EmbeddedClient) -> None:
    await ann.create(ROLES, role(PODS_READ), "default")
    await ann.create(ROLE_BINDINGS, binding("Role", "new"), "default")
    await ann.create(ROLE_BINDINGS, binding("ClusterRole", "view"), "default")


async def test_what_she_has_not_she_cannot(ann: EmbeddedClient) -> None:
    with pytest.raises(Forbidden, match=r'not currently held:\n{APIGroups:\[""\], Resources:\["nodes"\], Verbs:'):
        await ann.create(ROLES, role(PODS_READ, NODES_DELETE), "default")
    with pytest.raises(Forbidden, match="not currently held"):
        await ann.create(ROLES, role({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}), "default")
    with pytest.raises(Forbidden):
        await ann.create(ROLE_BINDINGS, binding("ClusterRole", "cluster-admin", "ann"), "default")
    with pytest.raises(Forbidden):
        await ann.create(CLUSTER_ROLES, role(PODS_READ))
    with pytest.raises(NotFound):
        await ann.create(ROLE_BINDINGS, binding("Role", "to-come", "ann"), "default")


async def test_nor_by_changing_a_role_that_is_there(ann: EmbeddedClient, client: EmbeddedClient) -> None:
    await client.create(ROLES, role(NODES_DELETE), "default")
    await ann.patch(ROLES, "new", {"metadata": {"finalizers": ["example.org/x"]}}, "default")
    await ann.patch(ROLES, "new", {"metadata": {"finalizers": None}}, "default")
    for change in ({"rules": [PODS_READ, NODES_DELETE]}, {"metadata": {"labels": {"a": "b"}}}):
        with pytest.raises(Forbidden):
            await ann.patch(ROLES, "new", change, "default")
    await ann.patch(ROLES, "new", {"rules": [PODS_READ]}, "default")


async def test_who_may_bind_a_role_need_not_hold_it(ann: EmbeddedClient, client: EmbeddedClient) -> None:
    bind = {"apiGroups": [GROUP], "resources": ["clusterroles"], "verbs": ["bind"], "resourceNames": ["cluster-admin"]}
    await client.create(ROLES, role(bind, name="binder"), "default")
    await client.create(ROLE_BINDINGS, binding("Role", "binder", "ann"), "default")
    await ann.create(ROLE_BINDINGS, binding("ClusterRole", "cluster-admin"), "default")
