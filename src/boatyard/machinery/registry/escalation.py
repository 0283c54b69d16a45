"""Nobody gives away rights that he hasn't got (``pkg/registry/rbac``: ``escalation_check.go``, ``validation/policy_compact.go`` and
the ``policybased`` storages, whose words these are).

Who writes a role must hold every right in it, or the verb ``escalate`` on roles; who binds one must hold every right of the role,
or the verb ``bind`` on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from boatyard.machinery.meta.core import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from boatyard.machinery.meta.errors import Forbidden, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quoting import quoted
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.caller import MASTERS, Caller
from boatyard.machinery.registry.rbac_index import RbacIndex
from boatyard.machinery.registry.rbac_rules import Rule

_EVERYTHING = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)


class Right(NamedTuple):
    """One verb on one thing: what rules are made of. ``name`` None means every name; ``path`` excludes the others."""

    verb: str
    group: str = ""
    resource: str = ""
    name: str | None = None
    path: str | None = None


def check(index: RbacIndex, caller: Caller, resource: Resource, namespace: str, obj: Object, *, asked_name: str = "") -> None:
    """Raises Forbidden with the rights that are missing, NotFound when a role is bound that isn't there."""
    if MASTERS in caller.groups or resource not in (ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS):
        return
    held = [rule for rule, _, _ in index.rules(caller, namespace)]
    if resource in (ROLES, CLUSTER_ROLES):
        if any(rule.allows("escalate", resource.group, resource.plural, "", asked_name) for rule in held):
            return
        given = [Rule.of(rule) for rule in obj.get("rules") or ()]
    else:
        reference = obj.get("roleRef") or {}
        kind, name = reference.get("kind") or "", reference.get("name") or ""
        about = ROLES if kind == "Role" else CLUSTER_ROLES
        if any(rule.allows("bind", about.group, about.plural, "", name) for rule in held):
            return
        if not index.exists(kind, namespace, name):
            raise not_found(resource.group_resource, name)
        given = index.role(kind, namespace, name)
    if missing := list(_missing(given, held)):
        groups = " ".join(quoted(group) for group in caller.groups)
        told = f"user {quoted(caller.name)} (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n"
        raise _refused(resource, obj, told + "\n".join(sorted(set(_compact(missing)))))
    if obj.get("aggregationRule") and any(_missing([Rule.of(rule) for rule in _EVERYTHING], held)):
        raise _refused(resource, obj, "must have cluster-admin privileges to use the aggregationRule")


def _refused(resource: Resource, obj: Object, why: str) -> Forbidden:
    name = (obj.get("metadata") or {}).get("name") or ""
    details = {**({"name": name} if name else {}), "group": resource.group, "kind": resource.plural}
    return Forbidden(f'{resource.group_resource} "{name}" is forbidden: {why}', details)


def _rights(rule: Object) -> Iterator[Right]:
    """Every single right of a rule, in the order in which Kubernetes takes it apart."""
    verbs = rule.get("verbs") or ()
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                for name in rule.get("resourceNames") or (None,):
                    yield Right(verb, group, resource, name)
    for path in rule.get("nonResourceURLs") or ():
        for verb in verbs:
            yield Right(verb, path=path)


def _missing(given: Iterable[Rule], held: Sequence[Rule]) -> Iterator[Right]:
    """The single rights that no rule held covers."""
    for rule in given:
        for right in _rights(rule.raw):
            if not any(_covers(own, right) for own in held):
                yield right


def _covers(rule: Rule, right: Right) -> bool:
    """A right for every name, resource, group or verb is covered only by another such."""
    if right.verb not in rule.verbs and "*" not in rule.verbs:
        return False
    if right.path is not None:
        path = right.path
        return any(own == path or (own.endswith("*") and path.startswith(own.rstrip("*"))) for own in rule.paths)
    if right.group not in rule.groups and "*" not in rule.groups:
        return False
    if rule.names and (right.name is None or right.name not in rule.names):
        return False
    if "*" in rule.resources or right.resource in rule.resources:
        return True
    return "/" in right.resource and f"*/{right.resource.partition('/')[2]}" in rule.resources


def _compact(missing: Iterable[Right]) -> Iterator[str]:
    """Rights as Kubernetes shows them: those that differ only in their verb together."""
    verbs: dict[Right, list[str]] = {}
    for right in missing:
        if right.path is not None:
            yield f"{{NonResourceURLs:[{quoted(right.path)}], Verbs:[{quoted(right.verb)}]}}"
        else:
            verbs.setdefault(right._replace(verb=""), []).append(right.verb)
    for right, several in verbs.items():
        parts = [f"APIGroups:[{quoted(right.group)}]", f"Resources:[{quoted(right.resource)}]"]
        if right.name is not None:
            parts.append(f"ResourceNames:[{quoted(right.name)}]")
        parts.append(f"Verbs:[{' '.join(quoted(verb) for verb in several)}]")
        yield "{" + ", ".join(parts) + "}"
