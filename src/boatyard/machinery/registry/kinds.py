"""The kinds that are served: the core ones, and custom ones as their definitions come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.core_kinds import CORE_KINDS
from boatyard.machinery.registry.kind import Kind


class Kinds:
    """A table by (group, version, plural)."""

    def __init__(self, kinds: Iterable[Kind] = CORE_KINDS) -> None:
        self._kinds: dict[tuple[str, str, str], Kind] = {}
        self.generation = 0
        """Moves with every change: what is derived from the table (discovery, OpenAPI) is true of one generation."""
        self._on_removal: list[Callable[[Resource], None]] = []
        for kind in kinds:
            self.add(kind)

    def of(self, resource: Resource) -> Kind:
        """The kind. Raises NotFound, worded as Kubernetes does, when it isn't served."""
        kind = self._kinds.get((resource.group, resource.version, resource.plural))
        if kind is None:
            raise NotFound("the server could not find the requested resource", {"group": resource.group, "kind": resource.plural})
        return kind

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind at a path, or None."""
        return self._kinds.get((group, version, plural))

    def of_kind(self, api_version: str, kind: str) -> Kind | None:
        """The kind that documents with this apiVersion and kind are of, or None."""
        return next((k for k in self._kinds.values() if k.resource.kind == kind and k.resource.api_version == api_version), None)

    def all(self) -> list[Kind]:
        """Every kind, in order of group, version and plural."""
        return [self._kinds[key] for key in sorted(self._kinds)]

    def add(self, kind: Kind) -> None:
        """Serve a kind, in place of one of the same name."""
        resource = kind.resource
        self._kinds[resource.group, resource.version, resource.plural] = kind
        self.generation += 1

    def remove(self, resource: Resource) -> None:
        """Serve it no longer."""
        if self._kinds.pop((resource.group, resource.version, resource.plural), None):
            self.generation += 1
            for tell in self._on_removal:
                tell(resource)

    def on_removal(self, tell: Callable[[Resource], None]) -> None:
        """Have ``tell`` called with what is no longer served."""
        self._on_removal.append(tell)
