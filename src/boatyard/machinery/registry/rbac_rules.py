"""One RBAC rule: what it allows (``pkg/registry/rbac/validation/rule.go``, ``VerbMatches`` and its like)."""

from __future__ import annotations

from dataclasses import dataclass

from boatyard.machinery.meta.objects import Object


@dataclass(frozen=True, slots=True)
class Rule:
    """A PolicyRule, ready to be matched. Sets are for membership only."""

    verbs: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    names: frozenset[str]
    """Empty: any name."""
    paths: tuple[str, ...]
    raw: Object

    @classmethod
    def of(cls, rule: Object) -> Rule:
        def members(field: str) -> frozenset[str]:
            return frozenset(rule.get(field) or ())

        paths = tuple(rule.get("nonResourceURLs") or ())
        return cls(members("verbs"), members("apiGroups"), members("resources"), members("resourceNames"), paths, rule)

    def allows(self, verb: str, group: str, plural: str, subresource: str, name: str) -> bool:
        """Whether it allows the verb on the resource. A rule for names allows nothing where no name is known."""
        if verb not in self.verbs and "*" not in self.verbs:
            return False
        if group not in self.groups and "*" not in self.groups:
            return False
        if self.names and name not in self.names:
            return False
        resources = self.resources
        if "*" in resources:
            return True
        if not subresource:
            return plural in resources
        return f"{plural}/{subresource}" in resources or f"*/{subresource}" in resources

    def allows_path(self, verb: str, path: str) -> bool:
        """Whether it allows the verb on an address that is no resource. A ``*`` may end a path."""
        if verb not in self.verbs and "*" not in self.verbs:
            return False
        return any(own == path or (own.endswith("*") and path.startswith(own.rstrip("*"))) for own in self.paths)
