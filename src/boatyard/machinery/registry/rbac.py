"""Role-based access control as Kubernetes evaluates it, and what a node may do besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry import escalation
from boatyard.machinery.registry.authorizer import Decision
from boatyard.machinery.registry.caller import MASTERS, Caller
from boatyard.machinery.registry.node_access import NodeAccess, node_of
from boatyard.machinery.registry.rbac_index import Binding, RbacIndex

if TYPE_CHECKING:
    from boatyard.machinery.registry.registry import Registry


class RbacAuthorizer:
    """An :class:`~boatyard.machinery.registry.authorizer.Authorizer` over the roles and bindings in a registry."""

    def __init__(self, registry: Registry) -> None:
        self.index = RbacIndex(registry.ledger)
        self._nodes = NodeAccess(registry.ledger)

    def allows(
        self, caller: Caller, verb: str, resource: Resource, subresource: str = "", namespace: str = "", name: str = "",
        node: str = "",
    ) -> Decision:  # fmt: skip
        if MASTERS in caller.groups:
            return Decision(True)
        group, plural = resource.group, resource.plural
        if self._nodes.allows(caller, verb, group, plural, subresource, namespace, name, node):
            return Decision(True, "the node's own")
        for rule, binding, subject in self.index.rules(caller, namespace):
            if rule.allows(verb, group, plural, subresource, name):
                return Decision(True, _because(binding, subject))
        return Decision(False, self._denied(caller, namespace))

    def allows_path(self, caller: Caller, verb: str, path: str) -> Decision:
        if MASTERS in caller.groups:
            return Decision(True)
        for rule, binding, subject in self.index.rules(caller, ""):
            if rule.allows_path(verb, path):
                return Decision(True, _because(binding, subject))
        return Decision(False, self._denied(caller, ""))

    def _denied(self, caller: Caller, namespace: str) -> str:
        told = _told(self.index.missing(caller, namespace))
        return f"RBAC: {told}" if told else ""

    def rules_of(self, caller: Caller, namespace: str) -> tuple[list[Object], list[Object], str]:
        resources: list[Object] = []
        paths: list[Object] = []
        if MASTERS in caller.groups:
            resources.append({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})
            paths.append({"verbs": ["*"], "nonResourceURLs": ["*"]})
        for rule, _, _ in self.index.rules(caller, namespace):
            if rule.resources:
                fields = ("verbs", "apiGroups", "resources", "resourceNames")
                resources.append({field: rule.raw[field] for field in fields if rule.raw.get(field)})
            if rule.paths:
                paths.append({"verbs": rule.raw["verbs"], "nonResourceURLs": list(rule.paths)})
        why = "node authorizer does not support user rule resolution" if node_of(caller) else ""
        return resources, paths, "; ".join(filter(None, (why, _told(self.index.missing(caller, namespace)))))

    def check_grant(self, caller: Caller, resource: Resource, namespace: str, obj: Object, *, asked_name: str = "") -> None:
        escalation.check(self.index, caller, resource, namespace, obj, asked_name=asked_name)


def _because(binding: Binding, subject: str) -> str:
    where = f'{binding.kind} "{binding.name}/{binding.namespace}"' if binding.namespace else f'{binding.kind} "{binding.name}"'
    return f'RBAC: allowed by {where} of {binding.role_kind} "{binding.role}" to {subject}'


def _told(missing: list[str]) -> str:
    """Several errors as Kubernetes joins them."""
    return missing[0] if len(missing) == 1 else f"[{', '.join(missing)}]" if missing else ""
