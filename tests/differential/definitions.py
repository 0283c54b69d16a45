"""Random definitions of kinds, mostly with several things wrong; they are only ever asked about, never made."""

from __future__ import annotations

from typing import Any

from .call import Call, changed
from .documents import Draw
from .draw import chance, of
from .kinds import Fuzzed, definition
from .schemas import fields

PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_SPEC: tuple[tuple[tuple[Any, ...], Any], ...] = (
    (("group",), "a"),
    (("group",), "A_.b"),
    (("group",), None),
    (("scope",), "Nope"),
    (("scope",), None),
    (("names", "plural"), "A_"),
    (("names", "kind"), "a b"),
    (("names", "kind"), None),
    (("names", "singular"), "A_"),
    (("names", "listKind"), "Thing"),
    (("names", "shortNames"), ["A_", "ok"]),
    (("names", "categories"), ["", "ok"]),
    (("versions",), None),
    (("versions", 0, "name"), "A_"),
    (("versions", 0, "storage"), False),
    (("versions", 0, "schema"), None),
    (("versions", 0, "deprecationWarning"), "x"),
    (("preserveUnknownFields",), True),
    (("conversion",), {"strategy": "Nope"}),
    (("versions", 0, "subresources"), {"scale": {}}),
    (("versions", 0, "subresources"), {"status": {}}),
    (
        ("versions", 0, "subresources"),
        {"scale": {"specReplicasPath": "x", "statusReplicasPath": ".spec.x", "labelSelectorPath": ".y"}},
    ),
    (
        ("versions", 0, "additionalPrinterColumns"),
        [{"name": "", "type": "", "jsonPath": ""}, {"name": "a", "type": "x", "jsonPath": "x"}],
    ),
    (("versions", 0, "additionalPrinterColumns"), [{"name": "a", "type": "string", "format": "x", "jsonPath": ".a"}]),
    (
        ("versions", 0, "selectableFields"),
        [{"jsonPath": ".spec.nope"}, {"jsonPath": ""}, {"jsonPath": ".spec"}, {"jsonPath": ".spec"}],
    ),
)
_ROOT: tuple[dict[str, Any], ...] = (
    {"nullable": True},
    {"type": "string"},
    {"type": ""},
    {"additionalProperties": {"type": "string"}},
    {"minProperties": 1},
    {"x-kubernetes-preserve-unknown-fields": True},
)
_TEXT = {"type": "string"}
_FAULTS: tuple[dict[str, Any], ...] = (
    {"type": "array"},
    {},
    {"type": "array", "items": {}},
    {"type": "object", "additionalProperties": {}},
    {"type": "string", "default": 5},
    {"type": "object", "default": {"x": 1}, "properties": {"b": _TEXT}},
    {"type": "object", "properties": {"x": _TEXT}, "additionalProperties": _TEXT},
    {"type": "object", "x-kubernetes-embedded-resource": True},
    {"type": "string", "x-kubernetes-embedded-resource": True},
    {"type": "string", "anyOf": [{"type": "string", "title": "x", "nullable": True, "default": "q"}]},
    {"type": "object", "allOf": [{"additionalProperties": _TEXT, "x-kubernetes-preserve-unknown-fields": True}]},
    {"type": "object", "oneOf": [{"properties": {"metadata": {}, "x": {"type": "string"}}}]},
    {"type": "string", "not": {"description": "x"}},
    {"type": "object", "x-kubernetes-preserve-unknown-fields": False},
    {"type": "string", "x-kubernetes-list-type": "set"},
    {"type": "array", "items": _TEXT, "x-kubernetes-list-type": "nope"},
    {"type": "array", "items": _TEXT, "x-kubernetes-list-map-keys": ["a"]},
    {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"},
    {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]},
    {
        "type": "array",
        "items": {"type": "object", "properties": {"k": _TEXT}},
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k", "k", "z"],
    },
    {
        "type": "array",
        "items": {"type": "object", "nullable": True, "required": ["k"], "properties": {"k": {"type": "object"}}},
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k"],
    },
    {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "set"},
    {"type": "array", "items": {"type": "string", "nullable": True}, "x-kubernetes-list-type": "set"},
    {"type": "object", "x-kubernetes-map-type": "nope"},
    {"type": "string", "x-kubernetes-map-type": "atomic"},
    {"type": "null"},
    {"type": "nope"},
    {"type": "array", "items": [_TEXT]},
    {"type": "array", "items": _TEXT, "uniqueItems": True},
    {"$ref": "#/x"},
    {"type": "string", "id": "x"},
    {"type": "object", "dependencies": {"a": ["b"]}},
    {"type": "object", "patternProperties": {"a": _TEXT}},
    {"x-kubernetes-int-or-string": True, "oneOf": [{"type": "integer"}, {"type": "string"}]},
    {"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"maxLength": 5}]},
)


def define(draw: Draw, kind: Fuzzed, name: str) -> Call:
    """Ask whether a definition would be taken."""
    root: dict[str, Any] = {"type": "object", "properties": {"spec": fields(draw, 1)}}
    for _ in range(draw.randint(0, 3)):
        where = of(draw, ("spec", "spec", "more", "metadata", "kind"))
        fault = dict(of(draw, _FAULTS))
        if where == "spec":
            root["properties"]["spec"]["properties"][of(draw, ("alpha", "x", "y"))] = fault
        elif where == "more":
            root["properties"]["more"] = {"type": "array", "items": fault}
        else:
            root["properties"][where] = of(
                draw, (_TEXT, {"type": "object", "properties": {"name": _TEXT}}, {"type": "array", "items": _TEXT})
            )
    if chance(draw, 15):
        root |= of(draw, _ROOT)
    document = definition("Thing", "fuzz.example.com", "Namespaced", {"schema": {"openAPIV3Schema": root}})
    edits = [(("spec", *way), wanted) for way, wanted in draw.sample(_SPEC, draw.choice((0, 0, 1, 2)))]
    return Call("define", "POST", PATH, (("dryRun", "All"),), changed(document, tuple(edits)))
