"""Everything the verbs know of one served resource type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from boatyard.machinery.meta import names
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.strategy import Strategy
from boatyard.machinery.schema.structural import Structural

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


def _no_schema() -> Structural | None:
    return None


@dataclass(frozen=True, slots=True)
class Kind:
    """One served type: core (a table) or custom (from its CustomResourceDefinition)."""

    resource: Resource
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    singular: str = ""
    """Empty: the kind in lower case."""
    list_kind: str = ""
    """Empty: the kind and ``List``."""
    subresources: tuple[str, ...] = ()
    """Of ``status``, ``scale``, ``binding``, ``eviction``, ``token``, ``finalize``, ``approval``, ``log``, …"""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Field selectors beyond metadata.name and metadata.namespace: what a caller writes -> path in the object."""
    generation: bool = False
    """Whether metadata.generation counts changes of what is wanted."""
    generation_of_labels: bool = False
    """Whether a change of labels counts too."""
    conditional: bool = False
    """Whether a replacement must name the resourceVersion that it replaces."""
    made_by_update: bool = False
    """Whether a replacement of an object that isn't there makes it."""
    collected: bool = True
    """Whether the garbage collector looks after its dependents; where not, the propagation asked for means nothing."""
    returns_deleted: bool = False
    """Whether delete answers with the object rather than with a Status."""
    check_name: Callable[[str], list[str]] = names.dns1123_subdomain
    strategy: Strategy = field(default_factory=Strategy)
    stored: bool = True
    """False: create answers and forgets (reviews)."""
    schema: Callable[[], Structural | None] = _no_schema
    """The schema of its documents, loaded when it is first asked for."""
    custom: Object | None = None
    """For a custom kind, its entry of ``spec.versions`` in the CustomResourceDefinition."""
    deprecation: str = ""
    """What whoever asks for it is warned of, whatever he asks; empty: nothing."""
    terminating: bool = False
    """Its definition is being deleted: no new objects."""

    @property
    def has_status(self) -> bool:
        """Whether status is written only through its own subresource."""
        return "status" in self.subresources

    @property
    def verbs(self) -> tuple[str, ...]:
        """What discovery says can be done with it."""
        return VERBS if self.stored else ("create",)
