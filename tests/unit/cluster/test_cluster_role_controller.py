"""Rules of cluster roles that gather others'."""

from __future__ import annotations

from typing import Any

from boatyard.cluster import cluster_role_controller
from boatyard.machinery.meta.core import CLUSTER_ROLES


def rule(resource: str) -> dict[str, Any]:
    return {"apiGroups": ["x.example"], "resources": [resource], "verbs": ["get"]}


async def rules(cluster: Any, name: str) -> list[str]:
    """The resources that its rules name, in our group."""
    role = await cluster.client.get(CLUSTER_ROLES, name)
    return [each["resources"][0] for each in role.get("rules") or () if each.get("apiGroups") == ["x.example"]]


def role(name: str, *resources: str, to: str = "", gathers: str = "") -> dict[str, Any]:
    labels = {f"to-{to}": "true"} if to else {}
    made: dict[str, Any] = {"metadata": {"name": name, "labels": labels}, "rules": [rule(resource) for resource in resources]}
    if gathers:
        made["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {f"to-{gathers}": "true"}}]}
    return made


def test_they_are_written_and_follow_what_is_gathered(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        view = await cluster.client.get(CLUSTER_ROLES, "view")
        assert {"pods", "configmaps"} <= set(view["rules"][0]["resources"])
        await cluster.client.create(CLUSTER_ROLES, role("all", gathers="all"))
        await cluster.client.create(CLUSTER_ROLES, role("b", "berths", to="all"))
        await cluster.client.create(CLUSTER_ROLES, role("a", "anchors", "berths", to="all"))
        await cluster.settle()
        assert await rules(cluster, "all") == ["anchors", "berths"]
        await cluster.client.patch(CLUSTER_ROLES, "a", {"rules": [rule("cranes")]})
        await cluster.client.patch(CLUSTER_ROLES, "all", {"rules": [rule("mine")]})
        await cluster.settle()
        assert await rules(cluster, "all") == ["cranes", "berths"], "what others write there doesn't last"
        await cluster.client.delete(CLUSTER_ROLES, "b")
        await cluster.client.patch(CLUSTER_ROLES, "a", {"metadata": {"labels": {"to-all": None}}})
        await cluster.settle()
        assert await rules(cluster, "all") == []
        cluster.quiet()
        await cluster.settle(60)
        assert cluster.quiet(), "nothing is written when nothing changed"

    in_cluster(body, cluster_role_controller)


def test_gathered_from_what_is_gathered_and_after_a_restart(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.client.create(CLUSTER_ROLES, role("top", gathers="top"))
        await cluster.client.create(CLUSTER_ROLES, role("middle", to="top", gathers="middle"))
        await cluster.restart()
        await cluster.client.create(CLUSTER_ROLES, role("leaf", "anchors", to="middle"))
        await cluster.settle()
        assert await rules(cluster, "top") == await rules(cluster, "middle") == ["anchors"]

    in_cluster(body, cluster_role_controller)
