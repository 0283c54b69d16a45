"""Nobody gives what he hasn't got: the same decisions, the same words."""

from __future__ import annotations

from typing import Any

import pytest

from .both import RBAC, As, Both, group, rule, user

pytestmark = pytest.mark.real

MANAGE = rule("create update patch get delete", "roles rolebindings clusterroles clusterrolebindings", "rbac.authorization.k8s.io")
JANE = As("jane", ("crew",))


@pytest.fixture
async def manager(pair: Both, namespace: str) -> As:
    """May write roles and bindings, read pods here, and list nodes everywhere."""
    await pair.grant([MANAGE, rule("list", "nodes"), {"verbs": ["get"], "nonResourceURLs": ["/logs/*"]}], user("jane"))
    held = [
        rule("get list", "pods pods/log"),
        rule("get", "secrets", names="a b"),
        rule("*", "leases", "coordination.k8s.io"),
        rule("get", "*/scale", "apps"),
    ]
    await pair.grant(held, group("crew"), namespace=namespace)
    await pair.settled(namespace)
    return JANE


GIVEN: list[list[Any]] = [
    [rule("get", "pods")],
    [rule("get list", "pods pods/log")],
    [rule("watch", "pods")],
    [rule("get watch", "pods services")],
    [rule("*", "pods")],
    [rule("get", "*")],
    [rule("get", "pods", "*")],
    [rule("get", "secrets", names="a")],
    [rule("get", "secrets", names="a c")],
    [rule("get", "secrets")],
    [rule("get", "pods", names="x y")],
    [rule("create", "leases", "coordination.k8s.io")],
    [rule("*", "leases", "coordination.k8s.io")],
    [rule("get", "deployments/scale", "apps")],
    [rule("get", "*/scale", "apps")],
    [rule("get", "deployments", "apps")],
    [rule("list", "nodes")],
    [rule("watch", "pods"), rule("delete", "pods"), rule("delete create", "services configmaps", "core apps", "n m")],
    [rule("list", "pods/*")],
    [],
    [rule("watch", "pods"), rule("watch", "pods")],
    [rule("get", "pods", "core apps")],
    [rule("delete patch", "a b", "x y")],
]


@pytest.mark.parametrize("rules", GIVEN, ids=str)
async def test_a_role_gives_only_what_its_writer_has(pair: Both, namespace: str, manager: As, rules: list[Any]) -> None:
    path = f"{RBAC}/namespaces/{namespace}/roles"
    await pair.same("POST", path, {"metadata": {"name": "made"}, "rules": rules}, manager)


async def test_a_cluster_role_too(pair: Both, namespace: str, manager: As) -> None:
    cases: list[Any] = [
        *GIVEN[:3],
        [rule("list", "nodes")],
        [{"verbs": ["get"], "nonResourceURLs": ["/logs/x"]}],
        [{"verbs": ["get"], "nonResourceURLs": ["/logs/*"]}],
        [{"verbs": ["get", "post"], "nonResourceURLs": ["/logs/x", "/logs"]}],
        [{"verbs": ["get"], "nonResourceURLs": ["*"]}],
    ]
    for number, rules in enumerate(cases):
        name = f"{pair.name}-made-{number}"
        await pair.same("POST", f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules}, manager)
        await pair.ask("DELETE", f"{RBAC}/clusterroles/{name}")
    selector = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    aggregated = {"metadata": {"name": f"{pair.name}-gathered"}, "aggregationRule": selector, "rules": []}
    assert (await pair.same("POST", f"{RBAC}/clusterroles", aggregated, manager)).code == 403


async def test_changing_a_role_is_giving_too(pair: Both, namespace: str, manager: As) -> None:
    name = await pair.grant([rule("watch", "pods")], namespace=namespace)
    path, metadata = f"{RBAC}/namespaces/{namespace}/roles/{name}", {"name": name}
    for body in (
        {"metadata": metadata, "rules": [rule("get", "pods")]},
        {"metadata": {**metadata, "labels": {"a": "b"}}, "rules": [rule("watch", "pods")]},
        {"metadata": metadata, "rules": [rule("watch", "services")]},
    ):
        await pair.same("PUT", path, body, manager)
        await pair.ask("PUT", path, {"metadata": metadata, "rules": [rule("watch", "pods")]})
    patches = {
        "application/merge-patch+json": {"metadata": {"annotations": {"x": "y"}}},
        "application/json-patch+json": [{"op": "remove", "path": "/rules/0"}],
    }
    for type, patch in patches.items():
        await pair.same("PATCH", path, patch, manager, Content_Type=type)
        await pair.ask("PUT", path, {"metadata": metadata, "rules": [rule("watch", "pods")]})
    ending = {"metadata": {"finalizers": ["example.org/x"]}}
    await pair.same("PATCH", path, ending, manager, Content_Type="application/merge-patch+json")
    await pair.ask("PUT", path, {"metadata": metadata, "rules": []})


async def test_a_binding_gives_what_its_role_has(pair: Both, namespace: str, manager: As) -> None:
    held = await pair.grant([rule("get", "pods")], namespace=namespace)
    more = await pair.grant([rule("watch", "pods"), rule("get", "pods")], namespace=namespace)
    everywhere = await pair.grant([rule("list", "nodes")])
    for kind, name in (
        ("Role", held),
        ("Role", more),
        ("ClusterRole", everywhere),
        ("ClusterRole", "cluster-admin"),
        ("Role", "missing"),
        ("ClusterRole", "missing"),
    ):
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
        body = {"metadata": {"name": f"{pair.name}-b"}, "roleRef": reference, "subjects": [user("friend")]}
        for path in (f"{RBAC}/namespaces/{namespace}/rolebindings", f"{RBAC}/clusterrolebindings"):
            if kind == "ClusterRole" or "namespaces" in path:
                await pair.same("POST", path, body, manager)
                await pair.ask("DELETE", f"{path}/{pair.name}-b")


async def test_a_binding_that_stays_gives_again(pair: Both, namespace: str, manager: As) -> None:
    name = await pair.grant([rule("watch", "pods")], user("friend"), namespace=namespace)
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    path = f"{RBAC}/namespaces/{namespace}/rolebindings/{name}"
    for change in ({"labels": {"a": "b"}}, {"finalizers": ["example.org/x"]}, {"finalizers": None}):
        await pair.same("PATCH", path, {"metadata": change}, manager, Content_Type="application/merge-patch+json")
    body = {"metadata": {"name": name}, "roleRef": reference, "subjects": [user("friend"), user("jane")]}
    await pair.same("PUT", path, body, manager)


async def test_escalate_and_bind_are_rights_of_their_own(pair: Both, namespace: str, manager: As) -> None:
    more = await pair.grant([rule("watch", "pods")], namespace=namespace)
    other = await pair.grant([rule("watch", "services")], namespace=namespace)
    group_ = "rbac.authorization.k8s.io"
    await pair.grant([rule("escalate", "roles", group_)], user("escalator"), namespace=namespace)
    await pair.grant([rule("escalate", "roles", group_, "made")], user("named-escalator"), namespace=namespace)
    await pair.grant([rule("bind", "roles", group_, more)], user("binder"), namespace=namespace)
    everywhere = await pair.grant([rule("watch", "pods")])
    await pair.grant([rule("bind", "clusterroles", group_, everywhere)], user("binder"))
    for name in ("escalator", "named-escalator", "binder"):
        await pair.grant([MANAGE], user(name))
    await pair.settled(namespace)
    roles, bindings = f"{RBAC}/namespaces/{namespace}/roles", f"{RBAC}/namespaces/{namespace}/rolebindings"
    for name in ("escalator", "named-escalator", "binder"):
        who = As(name)
        await pair.same("POST", roles, {"metadata": {"name": "made"}, "rules": [rule("watch", "pods")]}, who)
        await pair.ask("POST", roles, {"metadata": {"name": "made"}, "rules": []})
        await pair.same("PUT", f"{roles}/made", {"metadata": {"name": "made"}, "rules": [rule("watch", "secrets")]}, who)
        await pair.same(
            "POST", f"{RBAC}/clusterroles", {"metadata": {"name": f"{pair.name}-e"}, "rules": [rule("watch", "pods")]}, who
        )
        await pair.ask("DELETE", f"{roles}/made")
        for kind, role in (("Role", more), ("Role", other), ("ClusterRole", everywhere)):
            body = {"metadata": {"name": "b"}, "roleRef": {"apiGroup": group_, "kind": kind, "name": role}, "subjects": [user("x")]}
            told, judged = await pair.ask("POST", bindings, body, who)
            assert (told.code, told.body.get("reason")) == (judged.code, judged.body.get("reason")), (name, role, told, judged)
            await pair.ask("DELETE", f"{bindings}/b")
