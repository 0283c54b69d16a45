"""Strategic merge patch. What a kube-apiserver makes of every directive: ``tests/conformance/patch``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.objects import copied
from boatyard.machinery.patch.strategic_patch import strategic_patch
from boatyard.machinery.schema.structural import Structural

TYPES = Structural(
    {
        "type": "object",
        "properties": {
            "named": {
                "type": "array",
                "x-kubernetes-patch-merge-key": "name",
                "x-kubernetes-patch-strategy": "merge",
                "items": {"type": "object", "properties": {"name": {"type": "string"}, "v": {"type": "integer"}}},
            },
            "words": {"type": "array", "x-kubernetes-patch-strategy": "merge", "items": {"type": "string"}},
            "plain": {"type": "array", "items": {"type": "string"}},
            "box": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
            "swap": {"type": "object", "x-kubernetes-patch-strategy": "replace"},
            "nokey": {"type": "array", "x-kubernetes-patch-strategy": "merge", "items": {"type": "object"}},
        },
    }
)
LIVE = {
    "named": [{"name": "a", "v": 1}, {"name": "b", "v": 2}, {"name": "c", "v": 3}],
    "words": ["x", "y"],
    "plain": ["p"],
    "box": {"a": 1, "b": 2},
    "swap": {"a": 1},
    "nokey": [{"a": 1}],
}


@pytest.mark.parametrize(
    ("patch", "field", "result"),
    [
        ({"box": {"a": 9}}, "box", {"a": 9, "b": 2}),
        ({"box": {"a": None}}, "box", {"b": 2}),
        ({"box": {"$patch": "replace", "a": 9}}, "box", {"a": 9}),
        ({"box": {"$patch": "delete"}}, "box", {}),
        ({"box": {"$retainKeys": ["a"], "a": 9}}, "box", {"a": 9}),
        ({"box": None}, "box", None),
        ({"swap": {"b": 2}}, "swap", {"b": 2}),
        ({"plain": ["q"]}, "plain", ["q"]),
        ({"words": ["z", "x"]}, "words", ["z", "x", "y"]),
        ({"$deleteFromPrimitiveList/words": ["x"]}, "words", ["y"]),
        ({"$deleteFromPrimitiveList/none": ["x"]}, "none", None),
        ({"$setElementOrder/words": ["y", "x"]}, "words", ["y", "x"]),
        ({"named": [{"name": "b", "v": 9}]}, "named", [{"name": "a", "v": 1}, {"name": "b", "v": 9}, {"name": "c", "v": 3}]),
        ({"named": [{"name": "b", "$patch": "delete"}]}, "named", [{"name": "a", "v": 1}, {"name": "c", "v": 3}]),
        ({"named": [{"$patch": "replace"}, {"name": "z"}]}, "named", [{"name": "z"}]),
        ({"named": [{"name": "d", "v": None}]}, "named", [{"name": "d"}, *LIVE["named"]]),
        ({"$setElementOrder/named": [{"name": "c"}, {"name": "a"}]}, "named", [LIVE["named"][i] for i in (1, 2, 0)]),
        ({"fresh": {"$patch": "replace", "a": 1}}, "fresh", None),
        # Nothing to be carried out on: then only `$patch` isn't taken for a member.
        ({"fresh": {"$retainKeys": ["a"], "a": 1, "b": None}}, "fresh", {"$retainKeys": ["a"], "a": 1}),
        ({"fresh": {"a": None, "b": {"c": None}}}, "fresh", {"b": {}}),
    ],
)  # fmt: skip
def test_what_patches_do(patch, field, result):
    live, asked = copied(LIVE), copied(patch)
    assert strategic_patch(live, asked, TYPES).get(field) == result
    assert live == LIVE and asked == patch


@pytest.mark.parametrize(
    "patch",
    [
        [],
        {"box": {"$patch": "shuffle"}},
        {"named": [{"v": 1}]},
        {"named": ["a"]},
        {"named": [{"name": "a", "$patch": "merge"}]},
        {"nokey": [{"a": 2}]},
        {"box": {"$retainKeys": ["a"], "b": 1}},
        {"$setElementOrder/named": "a"},
    ],
)
def test_what_cannot_be_done_is_a_bad_request(patch):
    with pytest.raises(BadRequest):
        strategic_patch(LIVE, patch, TYPES)


def test_what_replaces_comes_with_its_nulls():
    """Where texts are mapped, a null is the empty text."""
    assert strategic_patch(LIVE, {"$patch": "replace", "box": {"a": None}}, TYPES) == {"box": {"a": None}}
    replaced = strategic_patch(LIVE, {"named": [{"$patch": "replace"}, {"name": "z", "v": None}]}, TYPES)
    assert replaced["named"] == [{"name": "z", "v": None}]


items = st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)


@given(items, items)
def test_setting_the_order_of_all_items_sets_it(names, others):
    live = {"named": [{"name": name} for name in names]}
    wanted = list(dict.fromkeys([*others, *names]))
    patch = {"named": [{"name": name} for name in others], "$setElementOrder/named": [{"name": name} for name in wanted]}
    result = strategic_patch(live, patch, TYPES)
    assert [item["name"] for item in result["named"]] == wanted


@given(items, items, items)
def test_no_item_is_lost_or_doubled(names, changed, ordered):
    live = {"named": [{"name": name} for name in names]}
    patch = {"named": [{"name": name, "v": 1} for name in changed], "$setElementOrder/named": [{"name": name} for name in ordered]}
    result = [item["name"] for item in strategic_patch(live, patch, TYPES)["named"]]
    assert sorted(result) == sorted({*names, *changed})
    positions = [result.index(name) for name in ordered if name in result]
    assert positions == sorted(positions)
