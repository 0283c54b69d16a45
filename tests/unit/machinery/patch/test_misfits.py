"""What can't be merged at all: only what has no place in the schema, not what is merely wrong."""

import pytest

from boatyard.machinery.patch.misfits import misfits
from boatyard.machinery.schema.structural import Structural

SCHEMA = Structural(
    {
        "type": "object",
        "properties": {
            "text": {"type": "string", "maxLength": 1},
            "time": {"type": "string", "format": "date-time"},
            "bytes": {"type": "string", "format": "byte"},
            "number": {"type": "integer", "minimum": 5},
            "flag": {"type": "boolean"},
            "either": {"x-kubernetes-int-or-string": True},
            "inside": {"type": "object", "properties": {"a": {"type": "string"}}},
            "free": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": True,
                "properties": {"known": {"type": "object", "properties": {"a": {"type": "string"}}}},
            },
            "map": {"type": "object", "additionalProperties": {"type": "integer"}},
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "whole": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}},
        },
    }
)  # fmt: skip


@pytest.mark.parametrize(
    "field",
    [
        {"text": "too long"}, {"text": None}, {"time": 5}, {"time": "never"}, {"number": 1}, {"number": 1.5}, {"either": [1]},
        {"either": {"a": {"b": 1}}}, {"free": {"x": [1], "known": {"y": 1}}}, {"map": {"a": None}}, {"map": {}}, {"set": ["a"]},
        {"whole": {"kind": "K", "apiVersion": "v1", "metadata": {}, "spec": {"x": 1}}},
    ],
)  # fmt: skip
def test_what_has_a_place_is_taken_right_or_wrong(field):
    assert not misfits(SCHEMA, field)


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"unknown": 1}, ".unknown: field not declared in schema"),
        ({"inside": {"x": 1}}, ".inside.x: field not declared in schema"),
        ({"text": 1}, ".text: expected a text, got 1"),
        ({"bytes": 1}, ".bytes: expected a text, got 1"),
        ({"text": {"a": 1}}, ".text: expected a text, got a map"),
        ({"number": True}, ".number: expected integer, got True"),
        ({"flag": 1}, ".flag: expected boolean, got 1"),
        ({"inside": "x"}, ".inside: expected a map, got 'x'"),
        ({"map": {"a": "x"}}, ".map.a: expected integer, got 'x'"),
        ({"set": [None]}, ".set[0]: a set has scalars only"),
        ({"set": {"a": 1}}, ".set: expected a list, got a map"),
    ],
)
def test_what_has_none_is_named(field, told):
    assert misfits(SCHEMA, field) == [told]
