"""A cluster role that gathers others' rules has them written into it, as Kubernetes' aggregation controller does.

The authorizer gathers them itself, at once: this is for whoever reads the role.
"""

from __future__ import annotations

from collections.abc import Iterable

from boatyard.machinery.meta.core import CLUSTER_ROLES
from boatyard.machinery.meta.objects import Object, deleting, labels, name
from boatyard.machinery.meta.selectors import LabelSelector
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

_TYPE = {"apiVersion": CLUSTER_ROLES.api_version, "kind": CLUSTER_ROLES.kind}
FIELD_MANAGER = "clusterrole-aggregation-controller"


def controller(manager: Manager, settings: Settings) -> Controller:
    roles = manager.cache(CLUSTER_ROLES)

    async def reconcile(request: Request) -> float | None:
        role = roles.get(request.name)
        if role is None or deleting(role) or not role.get("aggregationRule"):
            return None
        rules = gathered(role, roles.list())
        if rules != (role.get("rules") or []):
            # Forced: of an aggregated role nobody else writes rules that last.
            body = {**_TYPE, "metadata": {"name": request.name}, "rules": rules}
            await manager.client.apply(CLUSTER_ROLES, body, field_manager=FIELD_MANAGER, force=True)
        return None

    def who_gathers(role: Object) -> Iterable[Request]:
        for other in roles.list():
            if other.get("aggregationRule"):
                yield Request("", name(other))

    return Controller("cluster-role", CLUSTER_ROLES, reconcile, watches=[Watch(CLUSTER_ROLES, who_gathers)])


def gathered(role: Object, roles: Iterable[Object]) -> list[Object]:
    """The rules of all roles that the selectors of ``role`` fit: selector by selector, by name, each rule once."""
    selectors = (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ()
    by_name = sorted((other for other in roles if name(other) != name(role)), key=name)
    rules: list[Object] = []
    for selector in map(LabelSelector.from_object, selectors):
        for other in by_name:
            if selector.matches(labels(other)):
                rules += [rule for rule in other.get("rules") or () if rule not in rules]
    return rules
