"""Structural schemas: defaulting and pruning."""

from boatyard.machinery.schema.structural import ANYTHING, Structural

SCHEMA = Structural(
    {
        "type": "object",
        "properties": {
            "size": {"type": "integer", "default": 3},
            "maybe": {"type": "string", "nullable": True, "default": "x"},
            "box": {"type": "object", "default": {}, "properties": {"color": {"type": "string", "default": "red"}}},
            "steps": {
                "type": "array",
                "items": {"type": "object", "properties": {"name": {"type": "string"}, "on": {"type": "boolean", "default": True}}},
            },
            "named": {
                "type": "object",
                "additionalProperties": {"type": "object", "properties": {"n": {"type": "integer", "default": 0}}},
            },
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"known": {"type": "object"}}},
            "template": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
)


def test_defaults_fill_what_is_absent_also_inside_defaults_lists_and_maps():
    obj = {"steps": [{"name": "a"}, {"on": False}], "named": {"k": {}}, "maybe": None}
    SCHEMA.default(obj)
    assert obj == {
        "steps": [{"name": "a", "on": True}, {"on": False}],
        "named": {"k": {"n": 0}},
        "maybe": None,
        "size": 3,
        "box": {"color": "red"},
    }


def test_null_counts_as_absent_where_it_is_not_allowed():
    obj = {"size": None}
    SCHEMA.default(obj)
    assert obj["size"] == 3


def test_null_counts_as_absent_in_maps_and_lists_whose_values_have_a_default():
    text, known = {"type": "string"}, {"type": "string", "default": "d"}
    parts = {"map": {"additionalProperties": text}, "known": {"additionalProperties": known}}
    parts |= {"list": {"type": "array", "items": known}, "open": {"type": "array", "items": {**known, "nullable": True}}}
    obj = {"map": {"a": None}, "known": {"a": None}, "list": ["x", None], "open": [None]}
    Structural({"type": "object", "properties": parts}).default(obj)
    assert obj == {"map": {}, "known": {"a": "d"}, "list": ["x", "d"], "open": [None]}


def test_defaults_are_never_shared_between_objects():
    one, two = {}, {}
    SCHEMA.default(one)
    SCHEMA.default(two)
    one["box"]["color"] = "blue"
    assert two["box"]["color"] == "red"


def test_defaulting_twice_changes_nothing():
    obj = {}
    SCHEMA.default(obj)
    again = dict(obj)
    SCHEMA.default(again)
    assert again == obj


def test_undeclared_fields_are_removed_and_named():
    obj = {
        "typo": 1,
        "steps": [{"name": "a"}, {"nmae": "b"}],
        "named": {"k": {"x": 1}},
        "free": {"any": {"thing": 1}, "known": {"no": 1}},
        "template": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}, "spec": {}, "extra": 1},
        "labels": {"a": "b"},
    }
    assert sorted(SCHEMA.prune(obj)) == ["free.known.no", "named.k.x", "steps[1].nmae", "template.extra", "typo"]
    assert obj["steps"] == [{"name": "a"}, {}] and obj["free"] == {"any": {"thing": 1}, "known": {}} and obj["labels"] == {"a": "b"}


def test_what_nobody_declared_is_kept():
    obj = {"a": {"b": [1]}}
    assert ANYTHING.prune(obj) == [] and obj == {"a": {"b": [1]}}


def test_the_tree_can_be_walked():
    assert SCHEMA.at("steps", 0, "name").type == "string"
    assert SCHEMA.at("named", "anything", "n").type == "integer"
    assert SCHEMA.at("nothing") is None and SCHEMA.at("nothing", "below") is None


def test_references_are_resolved_when_needed():
    known = {"Leaf": Structural({"type": "string"})}
    node = Structural(
        {"type": "object", "properties": {"a": {"allOf": [{"$ref": "#/components/schemas/Leaf"}], "default": "x"}}},
        known.__getitem__,
    )
    obj = {}
    node.default(obj)
    assert obj == {"a": "x"} and node.at("a").type == "string"
