"""Validation: every fault at once, in the words of a kube-apiserver."""

import pytest

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.schema.structural import Structural


def faults(schema, value, old=None):
    whole = Structural({"type": "object", "properties": {"x": schema}})
    return [str(error) for error in whole.validate({"x": value}, None if old is None else {"x": old})]


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        ({"type": "string"}, 1, 'x: Invalid value: "integer": x in body must be of type string: "integer"'),
        ({"type": "integer"}, "a", 'x: Invalid value: "string": x in body must be of type integer: "string"'),
        ({"type": "integer"}, 1.5, 'x: Invalid value: "number": x in body must be of type integer: "number"'),
        ({"type": "integer"}, True, 'x: Invalid value: "boolean": x in body must be of type integer: "boolean"'),
        ({"type": "string"}, None, 'x: Invalid value: "null": x in body must be of type string: "null"'),
        (
            {"type": "array", "items": {"type": "string"}},
            {},
            'x: Invalid value: "object": x in body must be of type array: "object"',
        ),
        (
            {"type": "array", "items": {"type": "string"}},
            ["a", 1],
            'x[1]: Invalid value: "integer": x[1] in body must be of type string: "integer"',
        ),
        ({"type": "string", "enum": ["a", "b"]}, "c", 'x: Unsupported value: "c": supported values: "a", "b"'),
        ({"type": "string", "pattern": "^a+$"}, "b", "x: Invalid value: \"b\": x in body should match '^a+$'"),
        ({"type": "string", "minLength": 2}, "b", 'x: Invalid value: "b": x in body should be at least 2 chars long'),
        ({"type": "string", "maxLength": 2}, "bbb", "x: Too long: may not be more than 2 bytes"),
        ({"type": "string", "format": "date-time"}, "now", 'x: Invalid value: "now": x in body must be of type date-time: "now"'),
        ({"type": "integer", "minimum": 1}, 0, "x: Invalid value: 0: x in body should be greater than or equal to 1"),
        ({"type": "integer", "maximum": 1}, 2, "x: Invalid value: 2: x in body should be less than or equal to 1"),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 1, "x: Invalid value: 1: x in body should be greater than 1"),
        ({"type": "number", "maximum": 1, "exclusiveMaximum": True}, 1, "x: Invalid value: 1: x in body should be less than 1"),
        ({"type": "integer", "multipleOf": 3}, 2**40, "x: Invalid value: 1099511627776: x in body should be a multiple of 3"),
        ({"type": "integer", "multipleOf": 2}, 3, "x: Invalid value: 3: x in body should be a multiple of 2"),
        ({"type": "integer", "format": "int32"}, 2**70, 'x: Invalid value: "number": x in body must be of type integer: "number"'),
        ({"type": "array", "maxItems": 1, "items": {"type": "string"}}, ["a", "b"], "x: Too many: 2: must have at most 1 item"),
        (
            {"type": "array", "minItems": 1, "items": {"type": "string"}},
            [],
            "x: Invalid value: 0: x in body should have at least 1 items",
        ),
        ({"type": "object", "required": ["y"]}, {}, "x.y: Required value"),
        (
            {"x-kubernetes-int-or-string": True},
            {},
            'x: Invalid value: "object": x in body must be of type integer,string: "object"',
        ),
        (
            {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            ["a", "b", "a"],
            'x[2]: Duplicate value: "a"',
        ),
        (
            {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["k"],
                "items": {"type": "object", "properties": {"k": {"type": "string"}}},
            },
            [{"k": "a", "v": 1}, {"k": "a"}],
            'x[1]: Duplicate value: {"k":"a"}',
        ),
        (
            {"type": "string", "oneOf": [{"pattern": "a"}, {"pattern": "b"}]},
            "ab",
            'x: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives',
        ),
        ({"type": "integer", "enum": [1, 2]}, 3, 'x: Unsupported value: 3: supported values: "1", "2"'),
        ({"type": "string", "enum": ["a"]}, "\0", 'x: Unsupported value: "\\x00": supported values: "a"'),
        ({"type": "string", "format": "date"}, 0, 'x: Invalid value: "int64": x in body must be of type date: "int64"'),
        ({"type": "string", "format": "date"}, 2**70, 'x: Invalid value: "float64": x in body must be of type date: "float64"'),
        ({"type": "string", "format": "date"}, {}, 'x: Invalid value: "": x in body must be of type date: ""'),
        ({"type": "string", "format": "unheard-of"}, 0, 'x: Invalid value: "integer": x in body must be of type string: "integer"'),
        ({"type": "number", "multipleOf": 2}, 1e21, "x: Invalid value: 1e+21: x in body should be a multiple of 2"),
        ({"type": "number", "multipleOf": 2}, 1e300, "x: Invalid value: 1e+300: x in body should be a multiple of 2"),
        ({"type": "string", "not": {"pattern": "a"}}, "a", 'x: Invalid value: "": "x" must not validate the schema (not)'),
    ],
)
def test_a_fault_and_its_words(schema, value, told):
    (found,) = faults(schema, value)
    assert found == told


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        (
            {"type": "integer", "maximum": 1}, 2.5,
            ['"number": x in body must be of type integer: "number"', "2.5: x in body should be less than or equal to 1"],
        ),
        (
            {"type": "string", "anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]}, "c",
            ['"": "x" must validate at least one schema (anyOf)', "\"c\": x in body should match '^a'"],
        ),
        (
            {"type": "string", "oneOf": [{"pattern": "^a"}, {"pattern": "^b"}]}, "c",
            ['"": "x" must validate one and only one schema (oneOf). Found none valid', "\"c\": x in body should match '^a'"],
        ),
        (
            {"type": "string", "allOf": [{"minLength": 2}]}, "a",
            ['"a": x in body should be at least 2 chars long', '"": "x" must validate all the schemas (allOf). None validated'],
        ),
        (
            {"type": "string", "allOf": [{"minLength": 2}, {"pattern": "a"}]}, "a",
            ['"a": x in body should be at least 2 chars long', '"": "x" must validate all the schemas (allOf)'],
        ),
    ],
)  # fmt: skip
def test_faults_that_come_together(schema, value, told):
    assert faults(schema, value) == [f"x: Invalid value: {each}" for each in told]


KEYED = {
    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
    "items": {"type": "object", "properties": {"k": {"type": "string"}}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        (KEYED, [{"k": "a"}] * 3, ['x[1]: Duplicate value: {"k":"a"}']),
        (
            KEYED, ["a"],
            ['x[0]: Invalid value: "string": x[0] in body must be of type object: "string"',
             'x[0]: Invalid value: "a": must be an object for an array of list-type map'],
        ),
        (  # of the first that is no object alone, and then of none that are the same
            KEYED, [{"k": "a"}, {"k": "a"}, 1, 2],
            ['x[2]: Invalid value: "integer": x[2] in body must be of type object: "integer"',
             'x[3]: Invalid value: "integer": x[3] in body must be of type object: "integer"',
             'x[2]: Invalid value: 1: must be an object for an array of list-type map'],
        ),
        (
            {"type": "string", "enum": ["a"]}, ["x"],
            ['x: Invalid value: "array": x in body must be of type string: "array"',
             'x: Unsupported value: ["x"]: supported values: "a"'],
        ),
        (
            {"type": "integer", "enum": [1]}, True,
            ['x: Invalid value: "boolean": x in body must be of type integer: "boolean"',
             'x: Unsupported value: true: supported values: "1"'],
        ),
        # Go asks whether the whole part is allowed, or the character of that number.
        ({"type": "integer", "enum": [1]}, 1.5, ['x: Invalid value: "number": x in body must be of type integer: "number"']),
        ({"type": "string", "enum": ["a"]}, 97, ['x: Invalid value: "integer": x in body must be of type string: "integer"']),
    ],
)  # fmt: skip
def test_faults_of_lists_and_choices(schema, value, told):
    assert faults(schema, value) == told


def test_in_lists_below_maps_keys_stand_in_brackets():
    schema = {"type": "object", "additionalProperties": KEYED}
    assert [error.partition(": ")[0] for error in faults(schema, {"k": [{"k": "a"}, 5]})] == ["x.k[1]", "x[k][1]"]
    assert [error.partition(": ")[0] for error in faults(schema, {"k": [{"k": "a"}, {"k": "a"}]})] == ["x[k][1]"]


def test_of_several_that_should_fit_the_best_tells_its_faults():
    parts = [{"required": ["a"]}, {"properties": {"b": {"minimum": 5}}}]
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "oneOf": parts}
    assert faults(schema, {"b": 1})[1:] == ["x.b: Invalid value: 1: x.b in body should be greater than or equal to 5"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "nullable": True}, None),
        ({"type": "number"}, 1),
        ({"type": "integer"}, 2.0),
        ({"x-kubernetes-int-or-string": True}, "50%"),
        ({"x-kubernetes-int-or-string": True}, 5),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, {"a": None}),
        ({"x-kubernetes-preserve-unknown-fields": True}, None),
        ({"type": "string", "format": "unheard-of"}, "x"),
        ({"type": "array", "items": {"type": "string"}}, ["a", "a"]),
    ],
)
def test_what_is_fine(schema, value):
    assert faults(schema, value) == []


def test_all_faults_are_told_at_once_with_paths_and_reasons():
    schema = Structural(
        {
            "type": "object",
            "properties": {
                "spec": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "steps": {
                            "type": "array",
                            "items": {"type": "object", "required": ["run"], "properties": {"run": {"type": "string"}}},
                        },
                        "env": {"type": "object", "additionalProperties": {"type": "string"}},
                    },
                }
            },
        }
    )
    errors = schema.validate({"spec": {"steps": [{"run": 1}, {}], "env": {"A": 5}}})
    assert {(error.path, error.type) for error in errors} == {
        ("spec.name", "FieldValueRequired"),
        ("spec.steps[0].run", "FieldValueTypeInvalid"),
        ("spec.steps[1].run", "FieldValueRequired"),
        ("spec.env.A", "FieldValueTypeInvalid"),
    }


def test_immutable_fields_may_be_set_but_not_changed():
    schema = {"type": "object", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "it stays"}]}
    assert faults(schema, {"a": 1}) == []
    assert faults(schema, {"a": 1}, {"a": 1}) == []
    assert faults(schema, {"a": 2}, {"a": 1}) == ['x: Invalid value: "object": it stays']


def test_an_error_is_a_value():
    assert Structural({"type": "object", "required": ["a"]}).validate({}) == [
        FieldError("a", "FieldValueRequired", "Required value")
    ]
