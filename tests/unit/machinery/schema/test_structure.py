"""What a kube-apiserver says of schemas that aren't structural, all of it at once."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.schema.definition import validate_definition
from boatyard.machinery.schema.structure import schema_errors

TEXT = {"type": "string"}
KEYED = {"type": "object", "properties": {"k": TEXT}}


def told(schema: dict[str, Any], status: bool = False) -> list[str]:
    return [str(error) for error in schema_errors(schema, "$", status=status)]


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({}, ["$.properties[a].type: Required value: must not be empty for specified object fields"]),
        ({"type": "array"}, ["$.properties[a].items: Required value: must be specified"]),
        (
            {"type": "array", "items": {}},
            ["$.properties[a].items.type: Required value: must not be empty for specified array items"],
        ),
        (
            {"type": "null"},
            [
                '$.properties[a].type: Unsupported value: "null": supported values: "array", "boolean", "integer", "number", '
                '"object", "string"',
                "$.properties[a].type: Forbidden: type cannot be set to null, use nullable as an alternative",
            ],
        ),
        ({"type": "object", "properties": {"x": TEXT}, "additionalProperties": True}, []),
        (
            {"type": "object", "properties": {"x": TEXT}, "additionalProperties": TEXT},
            ["$.properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"],
        ),
        (
            {"type": "string", "x-kubernetes-embedded-resource": True},
            [
                '$.properties[a].type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true',
                "$.properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without "
                "x-kubernetes-preserve-unknown-fields",
            ],
        ),
        (
            {"type": "string", "anyOf": [{"type": "string", "nullable": True, "default": "q"}]},
            [
                "$.properties[a].anyOf[0].type: Forbidden: must be empty to be structural",
                "$.properties[a].anyOf[0].nullable: Forbidden: must be false to be structural",
                "$.properties[a].anyOf[0].default: Forbidden: must be undefined to be structural",
            ],
        ),
        ({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, TEXT]}, []),
        ({"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": [{"type": "integer"}, TEXT]}, {"maxLength": 5}]}, []),
        (
            {"x-kubernetes-int-or-string": True, "oneOf": [TEXT]},
            ["$.properties[a].oneOf[0].type: Forbidden: must be empty to be structural"],
        ),
        (
            {"type": "object", "x-kubernetes-preserve-unknown-fields": False},
            ["$.properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined"],
        ),
        (
            {"type": "string", "x-kubernetes-list-type": "set"},
            ['$.properties[a].type: Invalid value: "string": must be array if x-kubernetes-list-type is specified'],
        ),
        (
            {"type": "array", "items": TEXT, "x-kubernetes-list-map-keys": ["k"]},
            ["$.properties[a].x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty"],
        ),
        (
            {"type": "array", "items": KEYED, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "k"]},
            ['$.properties[a].x-kubernetes-list-map-keys: Invalid value: ["k","k"]: must not contain duplicate entries']
            + [
                "$.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so "
                "it must have a default or be a required property"
            ]
            * 2,
        ),
        (
            {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "set"},
            [
                "$.properties[a].items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with "
                "x-kubernetes-list-type=set"
            ],
        ),
        (
            {"type": "string", "default": 5},
            ['$.properties[a].default: Invalid value: "integer":  in body must be of type string: "integer"'],
        ),
        (
            {"type": "object", "default": {"x": 1}, "properties": {"b": TEXT}},
            ['$.properties[a].default: Invalid value: {"x":1}: must not have unknown fields'],
        ),
        (
            {"type": "object", "default": {}, "required": ["b"], "properties": {"b": TEXT}},
            ["$.properties[a].default.b: Required value"],
        ),
    ],
)
def test_a_field_that_isnt_structural(schema: dict[str, Any], why: list[str]) -> None:
    assert told({"type": "object", "properties": {"a": schema}}) == why


@pytest.mark.parametrize("keyword", ["id", "dependencies", "patternProperties", "definitions", "additionalItems", "$ref"])
def test_what_isnt_supported_hides_whether_the_rest_is_structural(keyword: str) -> None:
    fields = {"a": {"type": "string", keyword: {"a": TEXT}}, "b": {}}
    assert told({"type": "object", "properties": fields}) == [f"$.properties[a].{keyword}: Forbidden: {keyword} is not supported"]


def test_the_root_is_an_object_like_any_other() -> None:
    assert told({"type": ""}) == ["$.type: Required value: must not be empty at the root"]
    assert told({"type": "object", "nullable": True}) == ["$.nullable: Forbidden: nullable cannot be true at the root"]
    assert told({"type": "object", "additionalProperties": TEXT}) == [
        "$.additionalProperties: Forbidden: must not be used at the root"
    ]
    fields = {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}, "kind": {"type": "integer"}}
    assert told({"type": "object", "properties": fields}) == [
        '$.properties[kind].type: Invalid value: "integer": must be string',
        "$.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly "
        "specified",
    ]
    (only,) = told({"type": "object", "minProperties": 1}, status=True)
    assert "fields are allowed at the root of the schema if the status subresource is enabled" in only


def test_all_that_is_wrong_with_a_definition_is_told() -> None:
    version = {
        "name": "A_", "deprecationWarning": "x", "subresources": {"scale": {"specReplicasPath": "x", "labelSelectorPath": ".y"}},
        "additionalPrinterColumns": [{"type": "x", "format": "x", "jsonPath": "x"}],
        "selectableFields": [{"jsonPath": ".spec.nope"}, {"jsonPath": ""}, {"jsonPath": ".spec"}, {"jsonPath": ".spec"}],
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "default": {}}}}},
    }  # fmt: skip
    kinds = {"plural": "A_", "kind": "a b", "singular": "x", "listKind": "a b", "shortNames": ["A_"], "categories": ["A_"]}
    spec = {
        "group": "a", "scope": "x", "names": kinds, "versions": [version], "preserveUnknownFields": True,
        "conversion": {"strategy": "Nope"},
    }  # fmt: skip
    paths = [error.path.removeprefix("spec.") for error in validate_definition({"metadata": {"name": "x"}, "spec": spec})]
    assert sorted(paths) == sorted(
        [
            "metadata.name", "group", "scope", "preserveUnknownFields", "preserveUnknownFields", "names.plural", "names.kind",
            "conversion.strategy", "conversion.strategy",
            "names.listKind", "names.listKind", "names.shortNames[0]", "names.categories[0]", "versions", "versions[0].name",
            "versions[0].deprecationWarning", "versions[0].subresources.scale.specReplicasPath",
            "versions[0].subresources.scale.statusReplicasPath", "versions[0].subresources.scale.labelSelectorPath",
            "versions[0].additionalPrinterColumns[0].name", "versions[0].additionalPrinterColumns[0].type",
            "versions[0].additionalPrinterColumns[0].format", "versions[0].additionalPrinterColumns[0].JSONPath",
            "versions[0].selectableFields[0].jsonPath", "versions[0].selectableFields[1].jsonPath",
            "versions[0].selectableFields[2].jsonPath", "versions[0].selectableFields[3].jsonPath",
            "versions[0].selectableFields[3].jsonPath",
        ]
    )  # fmt: skip


def test_fields_to_select_by_need_a_schema() -> None:
    versions = [{"name": "v1", "served": True, "storage": True, "selectableFields": [{"jsonPath": ".spec.nope"}]}]
    spec = {"group": "a.b", "scope": "Cluster", "names": {"plural": "as", "singular": "a", "kind": "A", "listKind": "As"}}
    found = validate_definition({"metadata": {"name": "as.a.b"}, "spec": {**spec, "versions": versions}})
    assert [(error.path, error.message) for error in found] == [
        ("spec.versions[0].schema.openAPIV3Schema", "Required value"),
        ("spec.versions[0].selectableFields", 'Invalid value: "": may only be set when validations.schema is included'),
    ]
