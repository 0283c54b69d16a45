"""JSON Merge Patch: the examples of RFC 7386, and that a diff makes what it was made from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.machinery.patch.merge_patch import diff, merge_patch


@pytest.mark.parametrize(
    ("doc", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": [1]}, {"a": [None, {"b": None, "c": [{"d": None}]}]}, {"a": [None, {"c": [{}]}]}),
        ({"a": {}}, {"a": [{"b": None}]}, {"a": [{"b": None}]}),
    ],
)
def test_the_examples_of_the_rfc(doc, patch, result):
    assert merge_patch(doc, patch) == result


def test_keys_keep_their_order_and_inputs_are_not_shared():
    doc, patch = {"a": {"x": 1}, "b": {"y": 1}}, {"a": {"z": []}}
    result = merge_patch(doc, patch)
    assert list(result) == ["a", "b"]
    result["b"]["y"] = 2
    result["a"]["z"].append(1)
    assert doc["b"]["y"] == 1 and patch["a"]["z"] == []


leaves = st.booleans() | st.integers(0, 3) | st.text(max_size=2)
objects = st.recursive(
    st.dictionaries(st.sampled_from("abc"), leaves, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), leaves | inner | st.lists(inner, max_size=2), max_size=3),
    max_leaves=20,
)


@given(objects, objects)
def test_a_diff_leads_from_one_to_the_other(before, after):
    patch = diff(before, after)
    assert merge_patch(before, patch) == after
    assert bool(patch) == (before != after)
