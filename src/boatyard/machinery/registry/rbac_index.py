"""Roles and bindings as they are stored, by what an authorizer asks: which rules does this subject have here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from boatyard.machinery.meta.core import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.selectors import LabelSelector
from boatyard.machinery.registry import documents, keys
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.rbac_rules import Rule

DEEPEST_AGGREGATION = 5


class Binding(NamedTuple):
    """A role given to a subject. ``namespace`` is empty when it counts everywhere."""

    kind: str
    namespace: str
    name: str
    role_kind: str
    role: str


class RbacIndex:
    """Kept true by every change that goes through the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        # namespace (empty: everywhere) -> subject -> key of the binding -> binding, and how the subject is called in it
        self._bindings: dict[str, dict[str, dict[str, tuple[Binding, str]]]] = {"": {}}
        self._subjects: dict[str, list[str]] = {}  # key of a binding -> its subjects
        self._rules: dict[str, list[Rule]] = {}  # key of a role -> its rules, made when asked for
        for resource, changed in (
            (ROLES, self._role_changed), (CLUSTER_ROLES, self._cluster_role_changed),
            (ROLE_BINDINGS, self._binding_changed), (CLUSTER_ROLE_BINDINGS, self._binding_changed),
        ):  # fmt: skip
            ledger.listen(resource, changed)
            for record in ledger.store.range(keys.prefix(resource)).records:
                changed(record.key)

    def rules(self, caller: Caller, namespace: str) -> Iterator[tuple[Rule, Binding, str]]:
        """Every rule that a caller has in a namespace (empty: in the whole cluster), with where it comes from: first what counts
        everywhere, then what counts there only, as Kubernetes looks."""
        for binding, subject in self._held(caller, namespace):
            for rule in self.role(binding.role_kind, binding.namespace, binding.role):
                yield rule, binding, subject

    def missing(self, caller: Caller, namespace: str) -> list[str]:
        """What Kubernetes tells of the caller's bindings whose role isn't there."""
        told: list[str] = []
        for binding, _ in self._held(caller, namespace):
            if not self.exists(binding.role_kind, binding.namespace, binding.role):
                told.append(f'{binding.role_kind.lower()}.rbac.authorization.k8s.io "{binding.role}" not found')
        return list(dict.fromkeys(told))

    def _held(self, caller: Caller, namespace: str) -> Iterator[tuple[Binding, str]]:
        subjects = (f"User:{caller.name}", *(f"Group:{group}" for group in caller.groups))
        for place in (self._bindings[""], self._bindings.get(namespace)) if namespace else (self._bindings[""],):
            if place:
                for subject in subjects:
                    yield from place.get(subject, _NONE).values()

    def exists(self, kind: str, namespace: str, name: str) -> bool:
        """Whether the role is there."""
        return self._ledger.store.get(_key(kind, namespace, name)) is not None

    def role(self, kind: str, namespace: str, name: str) -> list[Rule]:
        """The rules of a role; none when it isn't there."""
        key = _key(kind, namespace, name)
        found = self._rules.get(key)
        if found is None:
            found = self._rules[key] = [Rule.of(rule) for rule in self._raw(key, DEEPEST_AGGREGATION)]
        return found

    def _raw(self, key: str, depth: int) -> list[Object]:
        record = self._ledger.store.get(key)
        if record is None:
            return []
        role = documents.parted(record.value, record.modified)[1]
        aggregation = role.get("aggregationRule")
        if not aggregation or not depth:
            return role.get("rules") or []
        selectors = [LabelSelector.from_object(selector) for selector in aggregation.get("clusterRoleSelectors") or ()]
        rules: list[Object] = []
        for other in self._ledger.store.range(keys.prefix(CLUSTER_ROLES)).records:
            if other.key != key and any(selector.matches(documents.labels(other.value)) for selector in selectors):
                rules += self._raw(other.key, depth - 1)
        return rules

    def _role_changed(self, key: str) -> None:
        self._rules.pop(key, None)

    def _cluster_role_changed(self, key: str) -> None:
        # Any of them may be part of others.
        self._rules = {role: rules for role, rules in self._rules.items() if not role.startswith(keys.prefix(CLUSTER_ROLES))}

    def _binding_changed(self, key: str) -> None:
        namespace, name = keys.place(key)
        place = self._bindings.setdefault(namespace, {})
        for subject in self._subjects.pop(key, ()):
            del place[subject][key]
            if not place[subject]:
                del place[subject]
        record = self._ledger.store.get(key)
        if record is None:
            if namespace and not place:
                del self._bindings[namespace]
            return
        obj = documents.parted(record.value, record.modified)[1]
        role = obj.get("roleRef") or {}
        binding = Binding(obj["kind"], namespace, name, role.get("kind", ""), role.get("name", ""))
        self._subjects[key] = []
        for subject, called in _subjects(obj, namespace):
            if key not in place.setdefault(subject, {}):
                self._subjects[key].append(subject)
                place[subject][key] = (binding, called)


_NONE: dict[str, tuple[Binding, str]] = {}


def _key(kind: str, namespace: str, name: str) -> str:
    return keys.key(ROLES, namespace, name) if kind == "Role" else keys.key(CLUSTER_ROLES, None, name)


def _subjects(binding: Object, namespace: str) -> Iterator[tuple[str, str]]:
    """Whom a binding is for, and how Kubernetes calls each in the reason that it gives."""
    for subject in binding.get("subjects") or ():
        kind, name = subject.get("kind"), subject.get("name")
        if kind == "ServiceAccount":
            where = subject.get("namespace") or namespace
            if where:
                yield f"User:system:serviceaccount:{where}:{name}", f'ServiceAccount "{name}/{where}"'
        else:
            yield f"{kind}:{name}", f'{kind} "{name}"'
