"""What Kubernetes' own roles `admin`, `edit` and `view` may do with our kinds: roles that are aggregated into them."""

from __future__ import annotations

from collections.abc import Iterable

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CLUSTER_ROLES
from boatyard.machinery.meta.objects import Object

READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete", "deletecollection")


async def install_roles(client: Client, groups: Iterable[str]) -> None:
    """Declare the roles for API groups of ours. Unchanged ones are left as they are."""
    for role in roles(sorted(set(groups))):
        await client.apply(CLUSTER_ROLES, role, field_manager="boatyard")


def roles(groups: list[str]) -> list[Object]:
    """Who may see everything sees our kinds; who may edit or administer a namespace may edit them there."""
    made: list[Object] = []
    for name, verbs, into in (("view", READ, ("view",)), ("edit", (*READ, *WRITE), ("edit", "admin"))):
        labels = {f"rbac.authorization.k8s.io/aggregate-to-{role}": "true" for role in into}
        made.append(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                "metadata": {"name": f"boatyard:{name}", "labels": labels},
                "rules": [{"apiGroups": groups, "resources": ["*"], "verbs": list(verbs)}],
            }
        )  # fmt: skip
    return made
