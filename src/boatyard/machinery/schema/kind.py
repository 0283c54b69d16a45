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
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar, dataclass_transform

import msgspec

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource

Spec = TypeVar("Spec")
Status = TypeVar("Status")
Declared = TypeVar("Declared", bound="type[Model[Any, Any]]")


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


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class _ViewMeta(type(msgspec.Struct)):
    """Makes every view frozen, its fields keyword-only and camelCase in JSON, so that no subclass has to say so again."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> Any:
        settled = {"frozen": True, "rename": "camel", "kw_only": True, "omit_defaults": True, **config}
        return super().__new__(cls, name, bases, namespace, **settled)


class View(msgspec.Struct, metaclass=_ViewMeta):
    """Base of every struct inside a model: frozen, camelCase in JSON, unknown fields ignored; no default: required."""


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


class Model(msgspec.Struct, Generic[Spec, Status], metaclass=_ViewMeta):
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


def doc(
    text: str, *, map_keys: tuple[str, ...] = (), set_list: bool = False, core: str = "", format: str = "", **rules: Any
) -> msgspec.Meta:
    """A field's description and its constraints (``ge``, ``le``, ``gt``, ``lt``, ``min_length``, ``max_length``, ``pattern``).

    ``map_keys``: server-side apply merges the list by these fields of its items, and no two items may have the same (else a list is
    replaced whole). ``set_list``: a list of scalars merged as a set. ``core``: the field, a ``dict[str, Any]``, holds
    Kubernetes' own type of that name (``v1.PodTemplateSpec``), and is validated as such where Boatyard serves the API.
    ``format`` is OpenAPI's.
    """
    extra: dict[str, Any] = {}
    if map_keys:
        extra["x-kubernetes-list-type"] = "map"
        extra["x-kubernetes-list-map-keys"] = list(map_keys)
    if set_list:
        extra["x-kubernetes-list-type"] = "set"
    if core:
        extra[CORE] = core
    if format:
        extra["format"] = format
    return msgspec.Meta(description=text, extra_json_schema=extra or None, **rules)


CORE = "x-boatyard-core"
"""Marks, inside a model's schema, a field that holds a type of Kubernetes' own."""


def kind(
    *, group: str, version: str, plural: str, short_names: tuple[str, ...] = (), categories: tuple[str, ...] = ("boatyard",),
    columns: tuple[Column, ...] = (), namespaced: bool = True, immutable_spec: bool = False, stored: bool = True,
) -> Callable[[Declared], Declared]:  # fmt: skip
    """Declare a :class:`Model` subclass as a resource kind named after the class."""

    def declare(cls: Declared) -> Declared:
        cls.resource = Resource(group, version, plural, cls.__name__, namespaced)
        cls.info = KindInfo(cls.resource, short_names, categories, columns, immutable_spec, stored)
        KINDS.append(cls)
        return cls

    return declare
