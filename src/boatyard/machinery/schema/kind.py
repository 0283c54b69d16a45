"""How a resource kind of ours is declared: a frozen msgspec model of ``spec`` and ``status``, and what the API server serves.

    @kind(group="ci.boatyard.dev", version="v1alpha1", plural="builds", short_names=("bld",),
          columns=(Column("Phase", ".status.phase"), Column("Age", ".metadata.creationTimestamp", type="date")))
    class Build(Model[BuildSpec, BuildStatus]):
        \"\"\"One run of a repository's steps, in a pod of its own.\"\"\"

Models are views: :meth:`Model.read` decodes what it knows of a JSON object and ignores the rest; nothing is ever written back by
encoding a model. A field's description (``kubectl explain``) is ``Annotated[type, doc("…")]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

import msgspec

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource

Spec = TypeVar("Spec")
Status = TypeVar("Status")


class Column(NamedTuple):
    """A printer column: what ``kubectl get`` shows."""

    name: str
    path: str
    """JSONPath below the object, e.g. ``.status.phase``."""
    type: str = "string"
    """string, integer, number, boolean or date."""
    priority: int = 0
    """0 is shown always, above 0 only with ``-o wide``."""


class KindInfo(NamedTuple):
    """Everything about a kind that isn't in its model."""

    resource: Resource
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    columns: tuple[Column, ...]
    immutable_spec: bool
    """The spec may not change after creation."""
    stored: bool
    """False for kinds that are only a schema (Pipeline)."""


class View(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """Base of every struct inside a model: camelCase in JSON, unknown fields ignored, every field with a default unless required."""


class Metadata(View):
    """The part of ``metadata`` that controllers read."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: tuple[str, ...] = ()
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None


class Condition(View):
    """A standard condition (``metav1.Condition``)."""

    type: str
    status: str
    """True, False or Unknown."""
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int = 0


class Model(msgspec.Struct, Generic[Spec, Status], frozen=True, rename="camel", kw_only=True):
    """A typed view of one object. Subclasses are made by :func:`kind`."""

    info: ClassVar[KindInfo]
    resource: ClassVar[Resource]

    metadata: Metadata
    spec: Spec
    status: Status | None = None

    @classmethod
    def read(cls, obj: Object) -> Self:
        """The view of a JSON object. Raises msgspec.ValidationError, with the path, when it doesn't fit the schema."""
        return msgspec.convert(obj, cls)


KINDS: list[type[Model[Any, Any]]] = []
"""Every kind declared so far, in the order of import. ``schema.discover`` imports the ``kinds.py`` of every room first."""


def doc(text: str, **rules: Any) -> msgspec.Meta:
    """A field's description and its constraints (``ge``, ``le``, ``min_length``, ``max_length``, ``pattern``)."""
    return msgspec.Meta(description=text, **rules)


def kind(
    *, group: str, version: str, plural: str, short_names: tuple[str, ...] = (), categories: tuple[str, ...] = ("boatyard",),
    columns: tuple[Column, ...] = (), namespaced: bool = True, immutable_spec: bool = False, stored: bool = True,
) -> Callable[[type[Any]], type[Any]]:  # fmt: skip
    """Declare a :class:`Model` subclass as a resource kind named after the class."""

    def declare(cls: type[Any]) -> type[Any]:
        cls.resource = Resource(group, version, plural, cls.__name__, namespaced)
        cls.info = KindInfo(cls.resource, short_names, categories, columns, immutable_spec, stored)
        KINDS.append(cls)
        return cls

    return declare
