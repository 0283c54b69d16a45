"""Structural schemas: what a document of a kind looks like, compiled from OpenAPI v3.

One tree serves defaulting, pruning, validation, the strategic merge patch and server-side apply. Nodes are made when they are first
needed, so that a large schema costs only what is used of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.objects import copied

Schema: TypeAlias = dict[str, Any]
Resolve: TypeAlias = Callable[[str], "Structural"]
"""Gives the schema that a ``$ref`` names."""

OMITTED = "x-boatyard-omitted"
"""Of a type of Kubernetes' own: its members that Go's encoder leaves out when they are empty texts, zero or false."""
WRITTEN = "x-boatyard-written"
"""A keyword of ours: members that Go's encoder writes even when nobody set them -> what it writes then."""


class Structural:
    """A node of a schema. Keywords of OpenAPI and of Kubernetes (``x-kubernetes-…``) are read from ``schema``, never written."""

    __slots__ = ("_children", "_items", "_resolve", "additional", "keyed", "listed", "quick", "ranged", "schema", "type", "types")

    def __init__(self, schema: Schema, resolve: Resolve | None = None, *, ranged: bool = False) -> None:
        self.schema = schema
        self._resolve = resolve
        self.ranged = ranged
        """Whether integers are read into as many bits as their format says, as those of Kubernetes' own kinds are."""
        self._children: dict[str, Structural] = {}
        self._items: Structural | None = None
        self.quick: dict[Any, Callable[[Any], bool]] = {}
        """Compiled checks of :mod:`~boatyard.machinery.schema.acceptance`."""
        self.types: dict[bool, Any] = {}
        """What :mod:`~boatyard.machinery.patch.typed` knows of the node."""
        self.additional: Structural | None = None
        """The schema of a map's values; None when it isn't a map."""
        self.type: str = schema.get("type", "")
        """object, array, string, integer, number, boolean; empty where anything may stand."""
        self.listed: bool = self.type == "array"
        self.keyed: bool = self.type == "object"
        values = schema.get("additionalProperties")
        if isinstance(values, dict):
            self.additional = self._make(values)
        elif values is True:
            self.additional = ANYTHING

    def _make(self, schema: Schema) -> Structural:
        if (whole := schema.get("allOf")) and len(whole) == 1 and "$ref" in whole[0]:
            schema = {**{key: value for key, value in schema.items() if key != "allOf"}, **whole[0]}
        reference = schema.get("$ref")
        if reference is None:
            return Structural(schema, self._resolve, ranged=self.ranged)
        if self._resolve is None:
            raise ValueError(f"no schema to look {reference} up in")
        target = self._resolve(reference.rpartition("/")[2])
        extra = {key: value for key, value in schema.items() if key not in ("$ref", "description")}
        return Structural({**target.schema, **extra}, target._resolve, ranged=target.ranged) if extra else target

    # --- the tree ---

    @property
    def properties(self) -> dict[str, Schema]:
        """The declared fields' raw schemas."""
        return self.schema.get("properties") or {}

    def child(self, key: str) -> Structural | None:
        """The schema of a field or of a map's value; None when the field isn't declared."""
        found = self._children.get(key)
        if found is None:
            raw = self.properties.get(key)
            if raw is None:
                return self.additional
            found = self._children[key] = self._make(raw)
        return found

    @property
    def items(self) -> Structural:
        """The schema of an array's items."""
        if self._items is None:
            self._items = self._make(self.schema.get("items") or {})
        return self._items

    def at(self, *path: str | int) -> Structural | None:
        """The node below a path of field names and indexes; None where nothing is declared."""
        node: Structural | None = self
        for step in path:
            if node is None:
                return None
            node = node.items if isinstance(step, int) else node.child(step)
        return node

    # --- what the node says of itself ---

    @property
    def preserves_unknown(self) -> bool:
        """Undeclared fields below are kept."""
        return bool(self.schema.get("x-kubernetes-preserve-unknown-fields")) or not (
            self.schema.keys() & {"type", "properties", "additionalProperties", "x-kubernetes-int-or-string", "format"}
        )

    @property
    def embedded(self) -> bool:
        """A whole object stands here, with apiVersion, kind and metadata of its own."""
        return bool(self.schema.get("x-kubernetes-embedded-resource"))

    @property
    def embedded_metadata(self) -> Structural | None:
        """The type of the metadata of the whole object that stands here."""
        return self._make({"$ref": "v1.ObjectMeta"}) if self.embedded and self._resolve is not None else None

    @property
    def foreign(self) -> bool:
        """A core type is grafted here for validation only: nothing is defaulted below."""
        return bool(self.schema.get("x-boatyard-foreign"))

    @property
    def int_or_string(self) -> bool:
        return bool(self.schema.get("x-kubernetes-int-or-string")) or self.schema.get("format") == "int-or-string"

    @property
    def list_type(self) -> str:
        """How server-side apply merges the list: ``atomic`` (the default), ``set`` or ``map``."""
        return self.schema.get("x-kubernetes-list-type", "atomic")

    @property
    def map_keys(self) -> tuple[str, ...]:
        """The fields that tell the items of a ``map`` list apart."""
        return tuple(self.schema.get("x-kubernetes-list-map-keys") or ())

    @property
    def atomic(self) -> bool:
        """Server-side apply treats the value as one."""
        if self.type == "array":
            return self.list_type == "atomic"
        return self.schema.get("x-kubernetes-map-type") == "atomic"

    def may_lack(self, key: str) -> bool:
        """Whether the form in which Kubernetes keeps its own objects has no empty list or map there: it needn't be there at all, or
        Go writes null for it."""
        return key not in self.schema.get("required", ()) or (self.schema.get(WRITTEN) or {}).get(key, key) is None

    def omits(self, key: str) -> bool:
        """Whether Kubernetes keeps no empty text, zero or false there."""
        return key in self.schema.get(OMITTED, ())

    @property
    def patch_merge_key(self) -> str:
        """The key by which a strategic merge patch merges the list; empty when it has none."""
        return self.schema.get("x-kubernetes-patch-merge-key", "")

    @property
    def patch_strategies(self) -> tuple[str, ...]:
        """``merge``, ``replace``, ``retainKeys``: what a strategic merge patch does here."""
        return tuple(part for part in self.schema.get("x-kubernetes-patch-strategy", "").split(",") if part)

    # --- what it does to a document ---

    def default(self, obj: Any, *, keep_nulls: bool = False) -> None:
        """Fill in defaults, in place. A field that is null where null isn't allowed counts as absent; with ``keep_nulls`` only one
        that has a default, or no type that it could miss."""
        self._default(obj, keep_nulls, True)

    def _default(self, obj: Any, keep_nulls: bool, fill: bool) -> None:
        if isinstance(obj, dict):
            for key in [key for key, value in obj.items() if value is None]:
                child = self.child(key)
                if child is None or child is ANYTHING or child.schema.get("nullable"):
                    continue
                if fill and child is self.additional and "default" in child.schema:
                    obj[key] = copied(child.schema["default"])
                elif not keep_nulls or "default" in child.schema or not (child.type or child.int_or_string):
                    del obj[key]
            for key, raw in self.properties.items() if fill else ():
                if "default" in raw and key not in obj:
                    obj[key] = copied(raw["default"])
            for key, value in obj.items():
                if isinstance(value, (dict, list)) and (child := self.child(key)) is not None:
                    child._default(value, keep_nulls, fill and not child.foreign)
        elif isinstance(obj, list) and "items" in self.schema:
            items = self.items
            for index, value in enumerate(obj):
                if isinstance(value, (dict, list)):
                    items._default(value, keep_nulls, fill)
                elif value is None and fill and "default" in items.schema and not items.schema.get("nullable"):
                    obj[index] = copied(items.schema["default"])

    def prune(self, obj: Any) -> list[str]:
        """Remove undeclared fields, in place, and return their paths (``spec.steps[0].typo``)."""
        removed: list[str] = []
        self._prune(obj, "", removed, self.embedded)
        return removed

    def _prune(self, obj: Any, path: str, removed: list[str], whole: bool) -> None:
        if isinstance(obj, dict):
            if self.ranged and self.type not in ("", "object"):
                return
            keep = self.preserves_unknown
            for key in list(obj):
                child = self.child(key)
                if child is not None:
                    if isinstance(obj[key], (dict, list)):
                        child._prune(obj[key], f"{path}.{key}" if path else key, removed, child.embedded)
                elif not keep and not (whole and key in ("apiVersion", "kind", "metadata")):
                    removed.append(f"{path}.{key}" if path else key)
                    del obj[key]
        elif isinstance(obj, list) and "items" in self.schema:
            items = self.items
            for index, value in enumerate(obj):
                if isinstance(value, (dict, list)):
                    items._prune(value, f"{path}[{index}]", removed, items.embedded)

    def validate(self, obj: Any, old: Any = None, at: str = "") -> list[FieldError]:
        """Everything that is wrong, worded as Kubernetes words it.

        ``old`` is the stored document on an update; ``at`` the path of this part, where it is one.
        """
        from boatyard.machinery.schema.validation import validate

        return [] if self.accepts(obj, stored=old is not None) else validate(self, obj, old, at)

    def accepts(self, obj: Any, *, stored: bool = False, normal: bool = False, partial: bool = False) -> bool:
        """Whether a document certainly needs no pruning and has no fault; False says nothing. ``stored``: there is an older one;
        ``normal``: it is also in the form in which Kubernetes keeps its own kinds; ``partial``: only the fields are there that have
        changed, and no other has gone."""
        from boatyard.machinery.schema.acceptance import accepts

        return accepts(self, obj, stored=stored, normal=normal, partial=partial)


ANYTHING = Structural({"x-kubernetes-preserve-unknown-fields": True})
"""The schema of what nobody declared."""
