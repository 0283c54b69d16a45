"""JSON Patch: all operations or none, bounded."""

import pytest

from boatyard.machinery.meta.errors import BadRequest, Invalid, RequestEntityTooLarge
from boatyard.machinery.patch.json_patch import json_patch
from boatyard.machinery.schema.structural import Structural

DOC = {"a": {"b": [1, 2, 3]}, "c": "x"}


@pytest.mark.parametrize(
    ("operations", "result"),
    [
        ([{"op": "add", "path": "/d", "value": {}}], {**DOC, "d": {}}),
        ([{"op": "add", "path": "/a/b/-", "value": 4}], {"a": {"b": [1, 2, 3, 4]}, "c": "x"}),
        ([{"op": "remove", "path": "/a/b/0"}], {"a": {"b": [2, 3]}, "c": "x"}),
        ([{"op": "replace", "path": "/c", "value": None}], {"a": {"b": [1, 2, 3]}, "c": None}),
        ([{"op": "move", "from": "/c", "path": "/a/c"}], {"a": {"b": [1, 2, 3], "c": "x"}}),
        ([{"op": "copy", "from": "/a/b", "path": "/d"}, {"op": "add", "path": "/d/0", "value": 0}], {**DOC, "d": [0, 1, 2, 3]}),
        ([{"op": "test", "path": "/c", "value": "x"}, {"op": "remove", "path": "/c"}], {"a": {"b": [1, 2, 3]}}),
        ([], DOC),
        ([{"op": "replace", "path": "/none", "value": 1}], {**DOC, "none": 1}),
        ([{"op": "add", "path": "/none"}], {**DOC, "none": None}),
        ([{"op": "copy", "from": "/none", "path": "/d"}], {**DOC, "d": None}),
        ([{"op": "test", "path": "/none", "value": None}, {"op": "test", "path": "/none"}], DOC),
        ([{"op": "replace", "path": "/a/b/-1", "value": 4}], {"a": {"b": [1, 2, 4]}, "c": "x"}),
        ([{"op": "add", "path": "/a/b/-1", "value": 4}], {"a": {"b": [1, 2, 3, 4]}, "c": "x"}),
        ([{"op": "remove", "path": "/a/b/-3"}], {"a": {"b": [2, 3]}, "c": "x"}),
        ([{"op": "add", "path": "/~2~01~1", "value": 4}], {**DOC, "~2~1/": 4}),
        ([{"op": "add", "path": "anything/d", "value": 4}], {**DOC, "d": 4}),
        ([{"op": "replace", "path": "", "value": {"e": 1}}, {"op": "add", "path": "/f", "value": 2}], {"e": 1, "f": 2}),
        ([{"op": "replace", "path": "", "value": [1]}], [1]),
        ([{"op": "replace", "path": "", "value": "x"}, {"op": "add", "path": "/d", "value": 4}], {**DOC, "d": 4}),
    ],
)
def test_operations(operations, result):
    assert json_patch(DOC, operations) == result
    assert DOC == {"a": {"b": [1, 2, 3]}, "c": "x"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/none"},
        {"op": "replace", "path": "/none/below", "value": 1},
        {"op": "test", "path": "/none/below", "value": None},
        {"op": "move", "from": "/none", "path": "/d"},
        {"op": "jump", "path": "/a"},
        {"path": "/a", "value": 1},
        {"op": "add", "value": 1},
        {"op": "add", "path": "/none/below", "value": 1},
        {"op": "add", "path": "/a/b/9", "value": 1},
        {"op": "test", "path": "/c", "value": "y"},
        {"op": "add", "path": "/c/below", "value": 1},
        {"op": "replace", "path": ""},
        {"op": "add", "path": "", "value": {}},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "/a/b/-4", "value": 1},
        {"op": "replace", "path": "/a/b/3", "value": 1},
        {"op": "replace", "path": "/a/b/-", "value": 1},
        {"op": "add", "path": "/a/b/x", "value": 1},
        {"op": "test", "path": "/a/b/0", "value": True},
        {"op": "test", "path": "/a/b/0", "value": 1.0},
        None,
    ],
)
def test_what_cannot_be_carried_out_is_invalid(operation):
    with pytest.raises(Invalid, match="the server rejected our request due to an error in our request"):
        json_patch(DOC, [{"op": "add", "path": "/e", "value": 1}, operation])


def test_no_patch_at_all_changes_nothing():
    assert json_patch(DOC, None) == DOC


@pytest.mark.parametrize("patch", [{"op": "add"}, "x", [1], [{"op": 1}], [{"op": "add", "path": {}}], [{"op": "move", "from": []}]])
def test_what_is_no_patch_is_a_bad_request(patch):
    with pytest.raises(BadRequest):
        json_patch(DOC, patch)


def test_patches_are_bounded():
    with pytest.raises(RequestEntityTooLarge):
        json_patch({}, [{"op": "test", "path": "", "value": {}}] * 10_001)
    with pytest.raises(RequestEntityTooLarge):
        json_patch({"a": "x" * 100_000}, [{"op": "copy", "from": "/a", "path": "/b"}] * 60)


ROLES = Structural(
    {
        "type": "object",
        "x-boatyard-written": {"rules": None, "spec": {}},
        "properties": {
            "rules": {"type": "array", "items": {"type": "object", "x-boatyard-written": {"verbs": None}}},
            "spec": {"type": "object", "x-boatyard-written": {"name": ""}, "properties": {"name": {"type": "string"}}},
        },
    }
)


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ({"op": "remove", "path": "/rules"}, {}),
        ({"op": "test", "path": "/spec", "value": {"name": ""}}, {}),
        ({"op": "add", "path": "/spec/name", "value": "x"}, {"spec": {"name": "x"}}),
        ({"op": "replace", "path": "/rules", "value": [{"verbs": ["get"]}]}, {"rules": [{"verbs": ["get"]}]}),
    ],
)
def test_operations_meet_the_members_that_go_writes(operation, result):
    assert json_patch({}, [operation], ROLES) == result
    with pytest.raises(Invalid):
        json_patch({}, [{"op": "remove", "path": "/other"}], ROLES)


def test_what_nobody_touches_stays_as_it_is_stored():
    assert json_patch({"rules": [{"resources": ["pods"]}], "spec": {}}, [], ROLES) == {
        "rules": [{"resources": ["pods"]}],
        "spec": {},
    }
