"""The kinds that are fuzzed, from ``kinds.yaml``, and the definitions of the custom ones among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from boatyard.machinery.meta import yaml

from . import schemas

Way = tuple[Any, ...]


@dataclass(frozen=True)
class Fuzzed:
    """One kind."""

    name: str
    path: str
    """Of the collection."""
    base: dict[str, Any]
    """A document that is right, without metadata."""
    may: tuple[tuple[Way, Any], ...]
    bad: tuple[tuple[Way, Any], ...]
    fields: tuple[str, ...] = ()
    status: dict[str, Any] | None = None
    scale: bool = False
    skip: tuple[str, ...] = ()
    """Verbs that aren't tried."""
    admitted: str = ""
    """A finalizer that a kube-apiserver gives every new object, and ours not: both get it from us."""

    @property
    def namespaced(self) -> bool:
        return "/namespaces/@{ns}/" in self.path

    @property
    def names(self) -> tuple[str, ...]:
        """Names to meet under; those of the whole cluster are of one sequence only."""
        return ("a", "b", "c") if self.namespaced else ("@{id}-a", "@{id}-b")

    def document(self, name: str, **metadata: Any) -> dict[str, Any]:
        if self.admitted:
            metadata["finalizers"] = [*metadata.get("finalizers", ()), self.admitted]
        return {**self.base, "metadata": {"name": name, **metadata}}


def _changes(found: dict[str, list[Any]]) -> Iterator[tuple[Way, Any]]:
    for dotted, values in (found or {}).items():
        way = tuple(int(step) if step.isdigit() else step.replace("%", ".") for step in dotted.split("."))
        for value in values:
            yield way, value


def _load() -> dict[str, Fuzzed]:
    found: dict[str, Any] = yaml.load((Path(__file__).parent / "kinds.yaml").read_bytes())
    return {
        name: Fuzzed(
            name, one["path"], one["base"], tuple(_changes(one.get("may"))), tuple(_changes(one.get("bad"))),
            tuple(one.get("fields", ())), one.get("status"), one.get("scale", False),
            tuple(one.get("skip", ())), one.get("admitted", ""),
        )
        for name, one in found.items()
    }  # fmt: skip


def _random(number: int) -> tuple[Fuzzed, schemas.Schema]:
    """A kind with a random schema, the same on every run."""
    draw, name = Random(f"schema {number}"), f"Odd{number}"
    spec = schemas.fields(draw, 1)
    ways = [(("spec", field), part) for field, part in spec["properties"].items()]
    right = {field: schemas.value(draw, part) for (_, field), part in ways}
    base = {"apiVersion": "odd.fuzz.example.com/v1", "kind": name, "spec": right}
    may = [(way, schemas.value(draw, part)) for way, part in ways for _ in range(4)]
    bad = [(way, schemas.wrong(draw, part)) for way, part in ways for _ in range(6)] + [(("spec",), schemas.wrong(draw, spec))]
    path = f"/apis/odd.fuzz.example.com/v1/namespaces/@{{ns}}/{name.lower()}s"
    return Fuzzed(name, path, base, tuple(may), tuple(bad), skip=("strategic",)), {"type": "object", "properties": {"spec": spec}}


RANDOM_KINDS = tuple(_random(number) for number in range(8))
KINDS = _load() | {kind.name: kind for kind, _ in RANDOM_KINDS}
CUSTOM = ("Widget", "Gadget", *(kind.name for kind, _ in RANDOM_KINDS))

_TEXT, _WHOLE = {"type": "string"}, {"type": "integer"}
_WIDGET_SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 50},
        "color": {"type": "string", "enum": ["red", "green"], "default": "red"},
        "parts": {
            "type": "array", "maxItems": 5, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object", "required": ["name"],
                "properties": {"name": _TEXT, "count": _WHOLE, "note": {"type": "string", "default": "none"}},
            },
        },
        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string", "minLength": 1}},
        "list": {"type": "array", "items": _WHOLE},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "port": {"x-kubernetes-int-or-string": True},
        "maybe": {"type": "string", "nullable": True},
        "box": {
            "type": "object", "default": {},
            "properties": {"in": {"type": "object", "properties": {"deep": {"type": "integer", "default": 7}}}},
        },
        "map": {"type": "object", "maxProperties": 3, "additionalProperties": _WHOLE},
        "atom": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": _TEXT},
        "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 1, "maxLength": 6},
        "ratio": {"type": "number", "minimum": 0, "maximum": 1000},
        "when": {"type": "string", "format": "date-time"},
        "replicas": {"type": "integer", "minimum": 0, "format": "int32"},
        "any": {"type": "string", "anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]},
        "template": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
    },
}  # fmt: skip
_WIDGET_STATUS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "phase": _TEXT, "replicas": _WHOLE, "labelSelector": _TEXT,
        "conditions": {
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
            "items": {"type": "object", "required": ["type"], "properties": {"type": _TEXT, "status": _TEXT}},
        },
    },
}  # fmt: skip
_COLUMNS = [
    {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
    {"name": "Color", "type": "string", "jsonPath": ".spec.color", "priority": 1},
    {"name": "When", "type": "date", "jsonPath": ".spec.when"},
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="A")].status', "description": "whether"},
]


def definition(kind: str, group: str, scope: str, version: dict[str, Any]) -> dict[str, Any]:
    """A CustomResourceDefinition of one version."""
    plural = kind.lower() + "s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group, "scope": scope, "names": {"plural": plural, "kind": kind},
            "versions": [{"name": "v1", "served": True, "storage": True, **version}],
        },
    }  # fmt: skip


DEFINITIONS = (
    definition(
        "Widget", "fuzz.example.com", "Namespaced",
        {
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _WIDGET_SPEC, "status": _WIDGET_STATUS}}},
            "subresources": {
                "status": {},
                "scale": {
                    "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
                    "labelSelectorPath": ".status.labelSelector",
                },
            },
            "additionalPrinterColumns": _COLUMNS, "selectableFields": [{"jsonPath": ".spec.color"}],
        },
    ),
    definition(
        "Gadget", "fuzz.example.com", "Cluster",
        {
            "schema": {
                "openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"count": {"type": "integer"}}
                }
            },
        },
    ),
    *(
        definition(kind.name, "odd.fuzz.example.com", "Namespaced", {"schema": {"openAPIV3Schema": root}})
        for kind, root in RANDOM_KINDS
    ),
)  # fmt: skip
