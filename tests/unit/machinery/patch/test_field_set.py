"""Sets of fields behave as sets, and read and write FieldsV1."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.machinery.patch.field_set import FieldSet, told

steps = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"'])
paths = st.lists(steps, min_size=1, max_size=3).map(tuple)
sets = st.sets(paths, max_size=6)


def members(fields: FieldSet) -> set[tuple[str, ...]]:
    return set(fields.paths())


@given(sets, sets)
def test_union_intersection_and_difference(left, right):
    one, two = FieldSet.of(*left), FieldSet.of(*right)
    assert members(one | two) == left | right
    assert members(one & two) == left & right
    assert members(one - two) == left - right
    assert bool(one) == bool(left)
    assert (one == two) == (left == right)


@given(sets)
def test_v1_is_lossless(paths):
    fields = FieldSet.of(*paths)
    assert members(FieldSet.from_v1(fields.tree)) == paths


@given(sets)
def test_a_stored_set_is_the_same_set(paths):
    fields = FieldSet.of(*paths)
    stored = FieldSet.stored(msgspec.json.encode(fields.tree))
    assert bool(stored) == bool(paths) and stored == fields


@given(sets, sets)
def test_what_nothing_changes_is_the_very_same_set(left, right):
    one, two = FieldSet.of(*left), FieldSet.of(*right)
    assert ((one | two) is one) == (right <= left)
    assert ((one - two) is one) == (not left & right)


@pytest.mark.parametrize("wrong", [{"f:a": 1}, {"x": {}}, {"f:a": []}])
def test_fields_of_anybody_may_be_none(wrong):
    with pytest.raises(ValueError):
        FieldSet.from_v1(wrong)


def test_fields_of_anybody_are_brought_into_one_form():
    assert FieldSet.from_v1({".": {}, "f:a": {".": {}}}) == FieldSet.of(("f:a",))


def test_signs_of_html_are_told_by_their_numbers():
    """Whoever wrote them as they are means the same."""
    fields = FieldSet.from_v1({"f:a": {'k:{"n":"<"}': {}, 'v:"&"': {}}})
    assert fields == FieldSet.of(("f:a", r'k:{"n":"\u003c"}'), ("f:a", r'v:"\u0026"'))
    assert [told(path) for path in fields.paths()] == ['.a[n="<"]', '.a[="&"]']


@given(sets, paths)
def test_without_takes_all_below(all_paths, gone):
    left = members(FieldSet.of(*all_paths).without(gone))
    assert left == {path for path in all_paths if path[: len(gone)] != gone}


def test_v1_as_kubernetes_writes_it():
    fields = FieldSet.of(("f:a", 'k:{"n":1}'), ("f:a", 'k:{"n":1}', "f:b"), ("f:c",))
    assert fields.tree == {"f:a": {'k:{"n":1}': {".": {}, "f:b": {}}}, "f:c": {}}


def test_paths_are_told_as_conflicts_name_them():
    assert told(("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:name")) == '.spec.ports[port=80,protocol="TCP"].name'
    assert told(("f:finalizers", 'v:"x"')) == '.finalizers[="x"]'
