"""Roles and bindings: who may do what, from the moment they are stored."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    NODES,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
)
from boatyard.machinery.meta.errors import Forbidden
from boatyard.machinery.registry.rbac import RbacAuthorizer
from boatyard.machinery.registry.registry import Registry

GROUP = "rbac.authorization.k8s.io"


def rule(verbs: str, resources: str, groups: str = "", **more: Any) -> dict[str, Any]:
    return {"verbs": verbs.split(","), "resources": resources.split(","), "apiGroups": groups.split(","), **more}


def binding(role: str, subject: dict[str, Any], kind: str = "Role", name: str = "b") -> dict[str, Any]:
    return {"metadata": {"name": name}, "roleRef": {"apiGroup": GROUP, "kind": kind, "name": role}, "subjects": [subject]}


ANN = {"kind": "User", "apiGroup": GROUP, "name": "ann"}


@pytest.fixture
def authorizer(registry: Registry) -> RbacAuthorizer:
    registry.authorizer = RbacAuthorizer(registry)
    return registry.authorizer


async def test_nobody_may_anything_by_default(authorizer: RbacAuthorizer, user: Any) -> None:
    assert not authorizer.allows(user("ann"), "get", PODS, "", "default", "p").allowed


async def test_masters_may_everything(authorizer: RbacAuthorizer, user: Any) -> None:
    assert authorizer.allows(user("root", "system:masters"), "delete", NODES, "", "", "n").allowed
    assert authorizer.allows_path(user("root", "system:masters"), "get", "/metrics").allowed


async def test_a_role_counts_in_its_namespace(authorizer: RbacAuthorizer, client: EmbeddedClient, user: Any) -> None:
    await client.create(ROLES, {"metadata": {"name": "r"}, "rules": [rule("get,list", "pods,pods/log")]}, "default")
    await client.create(ROLE_BINDINGS, binding("r", ANN), "default")
    ann = user("ann")
    decision = authorizer.allows(ann, "get", PODS, "", "default", "p")
    assert decision.allowed and decision.reason == 'RBAC: allowed by RoleBinding "b/default" of Role "r" to User "ann"'
    assert authorizer.allows(ann, "get", PODS, "log", "default", "p").allowed
    for refused in (
        ("delete", PODS, "", "default"),
        ("get", PODS, "exec", "default"),
        ("get", PODS, "", "kube-system"),
        ("list", PODS, "", ""),
    ):
        assert not authorizer.allows(ann, *refused).allowed


async def test_a_cluster_role_bound_in_a_namespace_counts_there(
    authorizer: RbacAuthorizer, client: EmbeddedClient, user: Any
) -> None:
    await client.create(
        ROLE_BINDINGS, binding("view", {"kind": "Group", "apiGroup": GROUP, "name": "team"}, "ClusterRole"), "default"
    )
    member = user("bob", "team")
    assert authorizer.allows(member, "list", PODS, "", "default").allowed
    assert not authorizer.allows(member, "list", PODS, "", "kube-system").allowed
    assert not authorizer.allows(member, "list", SECRETS, "", "default").allowed
    assert not authorizer.allows(member, "create", PODS, "", "default").allowed


async def test_service_accounts_are_subjects(authorizer: RbacAuthorizer, client: EmbeddedClient, user: Any) -> None:
    await client.create(CLUSTER_ROLES, {"metadata": {"name": "r"}, "rules": [rule("*", "*", "*")]})
    await client.create(
        CLUSTER_ROLE_BINDINGS, binding("r", {"kind": "ServiceAccount", "namespace": "default", "name": "robot"}, "ClusterRole")
    )
    assert authorizer.allows(user("system:serviceaccount:default:robot"), "delete", NODES, "", "", "n").allowed
    assert not authorizer.allows(user("system:serviceaccount:other:robot"), "delete", NODES, "", "", "n").allowed


async def test_resource_names(authorizer: RbacAuthorizer, client: EmbeddedClient, user: Any) -> None:
    rules = [rule("get,list,watch", "secrets", resourceNames=["mine"])]
    await client.create(ROLES, {"metadata": {"name": "r"}, "rules": rules}, "default")
    await client.create(ROLE_BINDINGS, binding("r", ANN), "default")
    await client.create(SECRETS, {"metadata": {"name": "mine"}}, "default")
    ann = EmbeddedClient(client.registry, user("ann"))
    await ann.get(SECRETS, "mine", "default")
    with pytest.raises(Forbidden):
        await ann.get(SECRETS, "other", "default")
    with pytest.raises(Forbidden):
        await ann.list(SECRETS, "default")
    assert len((await ann.list(SECRETS, "default", field_selector="metadata.name=mine")).items) == 1


async def test_what_is_taken_back_is_gone_at_once(authorizer: RbacAuthorizer, client: EmbeddedClient, user: Any) -> None:
    await client.create(ROLES, {"metadata": {"name": "r"}, "rules": [rule("get", "pods")]}, "default")
    await client.create(ROLE_BINDINGS, binding("r", ANN), "default")
    ann = user("ann")
    assert authorizer.allows(ann, "get", PODS, "", "default", "p").allowed
    await client.patch(ROLES, "r", {"rules": [rule("get", "configmaps")]}, "default")
    assert not authorizer.allows(ann, "get", PODS, "", "default", "p").allowed
    assert authorizer.allows(ann, "get", CONFIG_MAPS, "", "default", "c").allowed
    await client.delete(ROLE_BINDINGS, "b", "default")
    assert not authorizer.allows(ann, "get", CONFIG_MAPS, "", "default", "c").allowed


async def test_cluster_roles_gather_others(authorizer: RbacAuthorizer, client: EmbeddedClient, user: Any) -> None:
    await client.create(ROLE_BINDINGS, binding("edit", ANN, "ClusterRole"), "default")
    builds = await _serve_widgets(client)
    assert not authorizer.allows(user("ann"), "get", builds, "", "default").allowed
    labels = {f"{GROUP}/aggregate-to-view": "true"}
    await client.create(
        CLUSTER_ROLES, {"metadata": {"name": "w", "labels": labels}, "rules": [rule("get", "widgets", builds.group)]}
    )
    assert authorizer.allows(user("ann"), "get", builds, "", "default").allowed, "edit gathers view, view gathers the new role"


async def _serve_widgets(client: EmbeddedClient) -> Any:
    from boatyard.machinery.meta.resource import Resource

    return Resource("suite.boatyard.dev", "v1", "widgets", "Widget")


async def test_the_refusal_says_who_and_what(authorizer: RbacAuthorizer, registry: Registry, user: Any) -> None:
    with pytest.raises(Forbidden) as told:
        await registry.get(user("ann"), PODS, "p", "default")
    message = 'pods "p" is forbidden: User "ann" cannot get resource "pods" in API group "" in the namespace "default"'
    assert str(told.value) == message


async def test_after_a_restart_roles_count_as_before(
    registry: Registry, client: EmbeddedClient, store: Any, world: Any, user: Any
) -> None:
    await client.create(ROLE_BINDINGS, binding("view", ANN, "ClusterRole"), "default")
    again = Registry(store, world)
    again.authorizer = RbacAuthorizer(again)
    await again.start()
    assert again.authorizer.allows(user("ann"), "list", PODS, "", "default").allowed


async def test_what_everybody_may_see(authorizer: RbacAuthorizer, user: Any) -> None:
    from boatyard.machinery.registry.caller import ANONYMOUS

    assert authorizer.allows_path(user("ann"), "get", "/openapi/v3").allowed
    assert authorizer.allows_path(ANONYMOUS, "get", "/readyz").allowed
    assert not authorizer.allows_path(ANONYMOUS, "get", "/openapi/v3").allowed
    assert not authorizer.allows_path(user("ann"), "get", "/metrics").allowed
