"""What an applier gives up: what goes with it, and what stays because somebody else owns it."""

import pytest

from boatyard.machinery.patch.field_set import FieldSet
from boatyard.machinery.patch.removal import pruned
from boatyard.machinery.schema.structural import Structural

KEYED = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"]}
SCHEMA = Structural(
    {
        "type": "object",
        "properties": {
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "spec": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
            "list": {**KEYED, "items": {"type": "object", "properties": {"n": {"type": "string"}, "v": {"type": "string"}}}},
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        },
    }
)
LABEL, A, ITEM = ("f:labels", "f:l"), ("f:spec", "f:a"), ("f:list", 'k:{"n":"x"}')
OTHER = ("f:list", 'k:{"n":"y"}')
NOTHING = FieldSet()


@pytest.mark.parametrize(
    ("before", "last", "owned", "after"),
    [
        ({"labels": {"l": "1", "m": "1"}}, FieldSet.of(LABEL), NOTHING, {}),
        ({"labels": {"l": "1"}}, FieldSet.of(LABEL), FieldSet.of(("f:labels",)), {"labels": None}),
        ({"labels": {"l": "1", "m": "1"}}, FieldSet.of(LABEL), FieldSet.of(("f:labels", "f:m")), {"labels": {"m": "1"}}),
        ({"spec": {"a": "1", "b": "by default"}}, FieldSet.of(A), NOTHING, {}),
        ({"spec": {"a": "1", "b": "1"}}, FieldSet.of(A), FieldSet.of(("f:spec", "f:b")), {"spec": {"b": "1"}}),
        ({"list": [{"n": "x", "v": "1"}]}, FieldSet.of(ITEM, (*ITEM, "f:n")), FieldSet.of(("f:list",)), {"list": None}),
        ({"list": [{"n": "x", "v": "1"}, {"n": "y"}]}, FieldSet.of(ITEM), FieldSet.of(OTHER), {"list": [{"n": "y"}]}),
        ({"set": ["p", "q"]}, FieldSet.of(("f:set", 'v:"p"')), FieldSet.of(("f:set", 'v:"q"')), {"set": ["q"]}),
    ],
    ids=["undeclared beside it", "its map is another's", "a label is another's", "defaults", "a field is another's",
         "its list is another's", "an item is another's", "set"],
)  # fmt: skip
def test_what_nobody_owns_any_more_goes(before, last, owned, after):
    kept = dict(before)
    assert pruned(SCHEMA, {"kind": "K", **before}, last, owned | FieldSet.of(("f:kind",))) == {"kind": "K", **after}
    assert before == kept


def test_where_nothing_goes_the_object_is_the_same():
    obj = {"labels": {"l": "1"}}
    assert pruned(SCHEMA, obj, FieldSet.of(LABEL), FieldSet.of(LABEL)) is obj


def test_items_that_are_there_twice_are_no_obstacle():
    obj = {"kind": "K", "list": [{"n": "x"}, {"n": "x"}], "spec": {"a": "1"}}
    owned = FieldSet.of(("f:list", 'k:{"n":"x"}'), ("f:kind",))
    assert pruned(SCHEMA, obj, FieldSet.of(A), owned) == {"kind": "K", "list": [{"n": "x"}, {"n": "x"}]}
