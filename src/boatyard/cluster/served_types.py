"""Which types of objects there are: Kubernetes' own that are stored, and those that definitions add."""

from __future__ import annotations

from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS, STORED
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.runtime.manager import Manager


def resource_of(definition: Object) -> Resource:
    """The type that a CustomResourceDefinition adds, in the version that is stored."""
    spec = definition["spec"]
    version = next(version["name"] for version in spec["versions"] if version.get("storage"))
    return Resource(spec["group"], version, spec["names"]["plural"], spec["names"]["kind"], spec["scope"] == "Namespaced")


class ServedTypes:
    """Follows the definitions."""

    def __init__(self, manager: Manager) -> None:
        self._by_definition: dict[str, Resource] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {(r.group, r.kind): r for r in STORED}
        self._definitions = manager.cache(CUSTOM_RESOURCE_DEFINITIONS)
        self._definitions.on_change(self._changed)

    async def synced(self) -> None:
        """Wait until the definitions are known."""
        await self._definitions.synced()

    def all(self) -> list[Resource]:
        """Every type, sorted."""
        return sorted((*STORED, *self._by_definition.values()))

    def namespaced(self) -> list[Resource]:
        """Every type whose objects lie in namespaces, sorted."""
        return [resource for resource in self.all() if resource.namespaced]

    def of(self, api_version: str, kind: str) -> Resource | None:
        """The type of an ``apiVersion`` (of whatever version) and a ``kind``, or None."""
        group, _, _ = api_version.rpartition("/")
        return self._by_kind.get((group, kind))

    def _changed(self, old: Object | None, new: Object | None) -> None:
        name = (new or old or {})["metadata"]["name"]
        before = self._by_definition.pop(name, None)
        if before is not None:
            self._by_kind.pop((before.group, before.kind), None)
        if new is not None:
            resource = self._by_definition[name] = resource_of(new)
            self._by_kind[resource.group, resource.kind] = resource
