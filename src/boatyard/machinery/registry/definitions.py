"""CustomResourceDefinitions as kinds: served as they are made, changed and deleted, while the program runs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from boatyard.machinery.meta import names
from boatyard.machinery.meta.conditions import condition, is_true, set_condition
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.objects import Object, deleting
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry import keys
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.schema.crd import structural_of_crd
from boatyard.machinery.schema.structural import Resolve, Structural

if TYPE_CHECKING:
    from boatyard.machinery.registry.ledger import Ledger

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""Finalizer of every definition: it goes when its last object has gone."""


class Definitions:
    """Keeps the table of kinds true to the stored definitions."""

    def __init__(self, ledger: Ledger, resolve: Resolve | None = None) -> None:
        self.ledger = ledger
        self._resolve = resolve
        self._served: dict[str, Resource] = {}
        ledger.listen(CUSTOM_RESOURCE_DEFINITIONS, self._changed)

    def load(self) -> None:
        """Serve every stored definition. Once, at the start."""
        for record in self.ledger.store.range(keys.prefix(CUSTOM_RESOURCE_DEFINITIONS)).records:
            self._changed(record.key)

    def _changed(self, key: str) -> None:
        name = keys.place(key)[1]
        definition = self.ledger.object(CUSTOM_RESOURCE_DEFINITIONS, None, name)
        kind = self._kind_of(definition) if definition and is_true(definition, "Established") else None
        before = self._served.pop(name, None)
        if before is not None and (kind is None or before != kind.resource):
            self.ledger.kinds.remove(before)
        if kind is not None:
            self._served[name] = kind.resource
            self.ledger.kinds.add(kind)

    def _kind_of(self, definition: Object) -> Kind:
        spec = definition["spec"]
        version = storage_version(spec)
        called = spec["names"]
        resource = Resource(spec["group"], version["name"], called["plural"], called["kind"], spec["scope"] == "Namespaced")

        @cache
        def schema() -> Structural:
            return structural_of_crd(definition, version["name"], self._resolve)

        return Kind(
            resource, tuple(called.get("shortNames") or ()), tuple(called.get("categories") or ()), called.get("singular", ""),
            called.get("listKind", ""), tuple(sorted(version.get("subresources") or {})),
            {field["jsonPath"].lstrip("."): field["jsonPath"].lstrip(".") for field in version.get("selectableFields") or ()},
            generation=True, conditional=True, check_name=names.dns1123_subdomain, schema=schema, custom=version,
            terminating=deleting(definition), deprecation=_deprecation(resource, version),
        )  # fmt: skip


def _deprecation(resource: Resource, version: Object) -> str:
    """What of a version that goes out of use is told: its own words, or Kubernetes'."""
    if not version.get("deprecated"):
        return ""
    return version.get("deprecationWarning") or f"{resource.api_version} {resource.kind} is deprecated"


def storage_version(spec: Object) -> Object:
    """The one version that is stored, and served."""
    return next(version for version in spec["versions"] if version.get("storage"))


def accept_names(ledger: Ledger, definition: Object) -> None:
    """Write into the status whether the names are free and the kind is served. Done at once: there is nothing to wait for."""
    spec, status = definition["spec"], definition.setdefault("status", {})
    now = ledger.world.now()
    clash = _clash(ledger, definition)
    told = (False, clash[0], clash[1]) if clash else (True, "NoConflicts", "no conflicts found")
    found = set_condition(status.get("conditions"), "NamesAccepted", *told, now)
    if not clash:
        found = set_condition(found, "Established", True, "InitialNamesAccepted", "the initial names have been accepted", now)
        status["acceptedNames"] = spec["names"]
    elif condition({"status": {"conditions": found}}, "Established") is None:
        found = set_condition(found, "Established", False, "NotAccepted", "not all names are accepted", now)
    status["conditions"] = found
    status.setdefault("acceptedNames", {"kind": "", "plural": ""})
    stored = status.setdefault("storedVersions", [])
    if (version := storage_version(spec)["name"]) not in stored:
        stored.append(version)


def _clash(ledger: Ledger, definition: Object) -> tuple[str, str] | None:
    """The first of its names that another kind of the group has: a reason and a message."""
    spec = definition["spec"]
    wanted = spec["names"]
    for kind in ledger.kinds.all():
        resource = kind.resource
        if resource.group != spec["group"] or resource.plural == wanted["plural"]:
            continue
        taken = {resource.plural, kind.singular or resource.kind.lower(), *kind.short_names}
        for field in ("plural", "singular"):
            if wanted.get(field) in taken:
                return f"{field.capitalize()}Conflict", f'"{wanted[field]}" is already in use'
        for short in wanted.get("shortNames") or ():
            if short in taken:
                return "ShortNamesConflict", f'"{short}" is already in use'
        if wanted["kind"] in (resource.kind, kind.list_kind or resource.kind + "List"):
            return "KindConflict", f'"{wanted["kind"]}" is already in use'
        if wanted.get("listKind") in (resource.kind, kind.list_kind or resource.kind + "List"):
            return "ListKindConflict", f'"{wanted["listKind"]}" is already in use'
    return None
