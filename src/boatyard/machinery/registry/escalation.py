"""Nobody gives away rights that he hasn't got (``pkg/registry/rbac/escalation_check.go``).

Who writes a role must hold every right in it, or the verb ``escalate`` on roles; who binds one must hold every right of the role,
or the verb ``bind`` on it.
"""

from __future__ import annotations

from collections.abc import Iterable

from boatyard.machinery.meta.core import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from boatyard.machinery.meta.errors import Forbidden
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.caller import MASTERS, Caller
from boatyard.machinery.registry.rbac_index import RbacIndex
from boatyard.machinery.registry.rbac_rules import Rule


def check(index: RbacIndex, caller: Caller, resource: Resource, namespace: str, obj: Object) -> None:
    """Raises Forbidden with the rights that are missing."""
    if MASTERS in caller.groups:
        return
    if resource in (ROLES, CLUSTER_ROLES):
        given, verb, about, name = _rules(obj.get("rules")), "escalate", resource, (obj.get("metadata") or {}).get("name") or ""
    elif resource in (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS):
        reference = obj.get("roleRef") or {}
        name = reference.get("name") or ""
        about = ROLES if reference.get("kind") == "Role" else CLUSTER_ROLES
        given, verb = index.role(reference.get("kind") or "", namespace, name), "bind"
    else:
        return
    held = [rule for rule, _, _ in index.rules(caller, namespace)]
    if any(rule.allows(verb, about.group, about.plural, "", name) for rule in held):
        return
    missing = [told for rule in given for told in _missing(rule, held)]
    if missing or (resource == CLUSTER_ROLES and obj.get("aggregationRule") and not _everything(held)):
        raise Forbidden(
            f'{resource.group_resource} "{(obj.get("metadata") or {}).get("name") or ""}" is forbidden: user "{caller.name}" '
            f"is attempting to grant RBAC permissions not currently held: {'; '.join(missing) or 'those of an aggregation'}"
        )


def _rules(rules: Iterable[Object] | None) -> list[Rule]:
    return [Rule.of(rule) for rule in rules or ()]


def _everything(held: list[Rule]) -> bool:
    return any("*" in rule.verbs and "*" in rule.groups and "*" in rule.resources and not rule.names for rule in held)


def _missing(given: Rule, held: list[Rule]) -> list[str]:
    """The single rights of a rule that no rule held covers."""
    missing: list[str] = []
    for verb in sorted(given.verbs):
        for path in given.paths:
            if not any(_covers_path(rule, verb, path) for rule in held):
                missing.append(f"{verb} {path}")
        for group in sorted(given.groups):
            for resource in sorted(given.resources):
                for name in sorted(given.names) or [""]:
                    if not any(_covers(rule, verb, group, resource, name) for rule in held):
                        missing.append(f"{verb} {resource}.{group}" + (f" {name}" if name else ""))
    return missing


def _covers(rule: Rule, verb: str, group: str, resource: str, name: str) -> bool:
    """A right for every name, resource, group or verb is covered only by another such."""
    if not (verb in rule.verbs or "*" in rule.verbs) or not (group in rule.groups or "*" in rule.groups):
        return False
    if rule.names and name not in rule.names:
        return False
    if "*" in rule.resources or resource in rule.resources:
        return True
    return "/" in resource and f"*/{resource.partition('/')[2]}" in rule.resources


def _covers_path(rule: Rule, verb: str, path: str) -> bool:
    if not (verb in rule.verbs or "*" in rule.verbs):
        return False
    return any(own in ("*", path) or (own.endswith("*") and path.rstrip("*").startswith(own[:-1])) for own in rule.paths)
