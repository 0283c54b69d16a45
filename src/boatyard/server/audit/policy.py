"""Which calls are told in the audit log, and how much of them: a ``Policy`` of ``audit.k8s.io/v1``, read as kube-apiserver does.

Matching follows ``pkg/audit/policy/checker.go`` of apiserver, validation ``pkg/apis/audit/validation``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from boatyard.machinery.meta import yaml

Level: TypeAlias = Literal["None", "Metadata", "Request", "RequestResponse"]
Stage: TypeAlias = Literal["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]
REMEMBERED = 2048


class PolicyError(Exception):
    """The policy can't be used; the message has every path that is wrong."""


class GroupResources(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Types of an API group (all without ``resources``), perhaps only some names of them."""

    group: str = ""
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What it applies to must fit all that is said; what isn't said fits everything."""

    level: Level
    users: tuple[str, ...] = ()
    user_groups: tuple[str, ...] = msgspec.field(default=(), name="userGroups")
    verbs: tuple[str, ...] = ()
    resources: tuple[GroupResources, ...] = ()
    namespaces: tuple[str, ...] = ()
    paths: tuple[str, ...] = msgspec.field(default=(), name="nonResourceURLs")
    omit_stages: tuple[Stage, ...] = msgspec.field(default=(), name="omitStages")
    omit_managed_fields: bool | None = msgspec.field(default=None, name="omitManagedFields")


class _Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    apiVersion: Literal["audit.k8s.io/v1"]
    kind: Literal["Policy"]
    rules: tuple[dict[str, Any], ...] = ()
    omitStages: tuple[Stage, ...] = ()
    omitManagedFields: bool = False
    metadata: dict[str, Any] = {}


class Asked(NamedTuple):
    """What a rule looks at. ``path`` is empty for a call about a resource, ``user`` for one of nobody known."""

    user: str
    groups: tuple[str, ...]
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


class Verdict(NamedTuple):
    """How much of a call is told, and when not."""

    level: Level
    omit_stages: frozenset[str] = frozenset()
    omit_managed_fields: bool = False


NOTHING = Verdict("None")


class Policy:
    """Rules in order: the first that fits decides, none tells nothing."""

    def __init__(self, rules: tuple[Rule, ...], omit_stages: tuple[str, ...] = (), omit_managed_fields: bool = False) -> None:
        self.rules = rules
        self._verdicts = [
            Verdict(
                rule.level, frozenset((*omit_stages, *rule.omit_stages)),
                omit_managed_fields if rule.omit_managed_fields is None else rule.omit_managed_fields,
            )
            for rule in rules
        ]  # fmt: skip
        self._known: dict[Asked, Verdict] = {}

    def verdict(self, asked: Asked) -> Verdict:
        """What is to be told of a call."""
        found = self._known.get(asked)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            fits = (verdict for rule, verdict in zip(self.rules, self._verdicts, strict=True) if _fits(rule, asked))
            found = self._known[asked] = next(fits, NOTHING)
        return found


def load(file: Path) -> Policy | None:
    """The policy in a file; None when there is no such file. Raises PolicyError."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PolicyError(f"{file} can't be read: {error.strerror}") from error
    try:
        return parse(yaml.load(data))
    except (yaml.YamlError, UnicodeDecodeError, PolicyError) as error:
        raise PolicyError(f"{file} is no audit policy: {error}") from error


def parse(document: Any) -> Policy:
    """Raises PolicyError with everything that is wrong."""
    try:
        whole = msgspec.convert(document, _Document)
    except msgspec.ValidationError as error:
        raise PolicyError(str(error)) from error
    wrong: list[str] = [] if whole.rules else ["rules: at least one is needed"]
    rules: list[Rule] = []
    for number, raw in enumerate(whole.rules):
        try:
            rules.append(msgspec.convert(raw, Rule))
        except msgspec.ValidationError as error:
            wrong.append(f"rules[{number}]: {error}")
            continue
        wrong += [f"rules[{number}].{told}" for told in _wrong(rules[-1])]
    if wrong:
        raise PolicyError("; ".join(wrong))
    return Policy(tuple(rules), whole.omitStages, whole.omitManagedFields)


def _wrong(rule: Rule) -> list[str]:
    wrong: list[str] = []
    if rule.paths and (rule.resources or rule.namespaces):
        wrong.append("nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs")
    for path in rule.paths:
        if path != "*" and not path.startswith("/"):
            wrong.append(f'nonResourceURLs: "{path}": non-resource URLs must begin with a "/" character')
        elif "*" in path[:-1]:
            wrong.append(f'nonResourceURLs: "{path}": the wildcard "*" must be the final character')
    for number, group in enumerate(rule.resources):
        if "/" in group.group:
            wrong.append(f'resources[{number}].group: "{group.group}" must not have a version')
        if group.resource_names and not group.resources:
            wrong.append(f"resources[{number}].resourceNames: using resourceNames requires at least one resource")
    return wrong


def _fits(rule: Rule, asked: Asked) -> bool:
    if rule.users and asked.user not in rule.users:
        return False
    if rule.user_groups and not any(group in rule.user_groups for group in asked.groups):
        return False
    if rule.verbs and asked.verb not in rule.verbs:
        return False
    if rule.namespaces or rule.resources:
        return not asked.path and _fits_resource(rule, asked)
    if rule.paths:
        return bool(asked.path) and any(_fits_path(pattern, asked.path) for pattern in rule.paths)
    return True


def _fits_path(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))


def _fits_resource(rule: Rule, asked: Asked) -> bool:
    if rule.namespaces and asked.namespace not in rule.namespaces:
        return False
    if not rule.resources:
        return True
    whole = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    for group in rule.resources:
        if group.group != asked.group:
            continue
        if not group.resources:
            return True
        if group.resource_names and asked.name not in group.resource_names:
            continue
        if "*" in group.resources or whole in group.resources or f"{asked.resource}/*" in group.resources:
            return True
        if asked.subresource and f"*/{asked.subresource}" in group.resources:
            return True
    return False
