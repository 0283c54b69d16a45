"""Label and field selectors mean what Kubernetes means by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.selectors import FieldRequirement, FieldSelector, LabelSelector

LABELS = {"app": "web", "tier": "front", "n": "5", "empty": ""}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "app",
        "!none",
        "app=web",
        "app==web",
        "app!=db",
        "none!=x",
        "app in (web,db)",
        "tier notin (back)",
        "none notin (x)",
        "n>4",
        "n<6",
        "app=web,tier=front",
        " app = web , n ",
        "empty=",
        "empty in ()",
        "app in (db, web)",
    ],
)
def test_matching(text):
    assert LabelSelector.parse(text).matches(LABELS)


@pytest.mark.parametrize(
    "text", ["none", "!app", "app=db", "app!=web", "app in (db)", "app notin (web)", "n>5", "n<5", "app>1", "app=web,none"]
)
def test_not_matching(text):
    assert not LabelSelector.parse(text).matches(LABELS)


@pytest.mark.parametrize(
    "text", ["a b", "a=b=c", "a in b", "a in (b", ",", "a,", "=b", "a/b/c=d", "a=-", "a>x", "a in (b c)", "!", "a (b)"]
)
def test_nonsense_is_a_bad_request(text):
    with pytest.raises(BadRequest, match=r"unable to parse requirement|expected: "):
        LabelSelector.parse(text)


def test_selector_objects():
    selector = LabelSelector.from_object(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front", "x"]},
                {"key": "z", "operator": "DoesNotExist"},
            ],
        }
    )
    assert selector.matches(LABELS)
    assert not selector.matches({**LABELS, "z": ""})


def test_no_selector_object_selects_nothing_and_an_empty_one_everything():
    assert not LabelSelector.from_object(None).matches(LABELS)
    assert LabelSelector.from_object({}).matches({})


def test_a_plain_map_without_entries_selects_nothing():
    assert not LabelSelector.from_map({}).matches(LABELS)
    assert LabelSelector.from_map({"app": "web"}).matches(LABELS)


@pytest.mark.parametrize(
    ("selector", "told"),
    [
        ("=b", "found '=', expected: !, identifier, or 'end of string'"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a,=b", "found '=', expected: identifier after ','"),
        ("a,", "found '', expected: identifier after ','"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("!,b", "unable to parse requirement: found ',', expected: identifier"),
        ("a>(b", "unable to parse requirement: found '(', expected: identifier"),
        ("a in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier"),
        ("a in (,,)", "unable to parse requirement: found ')', expected: ',', or identifier"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
    ],
)
def test_what_cannot_be_read_is_told_where(selector: str, told: str):
    with pytest.raises(BadRequest) as refused:
        LabelSelector.parse(selector)
    assert str(refused.value) == told


def test_each_value_that_no_label_has_is_told():
    with pytest.raises(BadRequest, match=r"values\[1\]\[a\]: .*, values\[2\]\[a\]: "):
        LabelSelector.parse("a in (z_, y_, b)")


def test_an_empty_value_is_one_of_several():
    (requirement,) = LabelSelector.parse("a in (,b,,c)").requirements
    assert set(requirement.values) == {"", "b", "c"}


def test_an_unknown_operator_is_refused():
    with pytest.raises(BadRequest, match='"Like" is not a valid label selector operator'):
        LabelSelector.from_object({"matchExpressions": [{"key": "a", "operator": "Like"}]})


keys = st.sampled_from(["a", "b.c/d", "e-f"])
values = st.sampled_from(["", "x", "y-1", "Z.z"])
terms = st.one_of(
    st.builds("{}={}".format, keys, values),
    st.builds("{}!={}".format, keys, values),
    keys,
    keys.map("!{}".format),
    st.builds("{} in ({},{})".format, keys, values, values),
    st.builds("{} notin ({})".format, keys, values),
    st.builds("{}>{}".format, keys, st.integers(0, 9)),
)


@given(st.lists(terms, max_size=4), st.dictionaries(keys, values))
def test_its_own_text_means_the_same(parts, labels):
    selector = LabelSelector.parse(",".join(parts))
    assert LabelSelector.parse(str(selector)).matches(labels) == selector.matches(labels)


POD = {"metadata": {"name": "p", "namespace": "d"}, "spec": {"hostNetwork": True, "nodeName": "n1"}, "status": {"phase": "Running"}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "metadata.name=p",
        "metadata.name==p,spec.nodeName!=n2",
        "spec.hostNetwork=true",
        "status.podIP=",
        "spec.x!=y",
        "spec.nodeName!=",
    ],
)
def test_fields_match(text):
    assert FieldSelector.parse(text).matches(POD)


@pytest.mark.parametrize("text", ["metadata.name=q", "status.phase!=Running", "status=x", "spec.nodeName="])
def test_fields_do_not_match(text):
    assert not FieldSelector.parse(text).matches(POD)


def test_field_values_may_hold_escaped_commas():
    selector = FieldSelector.parse(r"a.b=x\,y\=z\\,c=d")
    assert selector.requirements == (FieldRequirement("a.b", r"x,y=z" + "\\"), FieldRequirement("c", "d"))
    assert FieldSelector.parse(str(selector)) == selector


def test_neither_field_nor_value_is_no_requirement_and_spaces_are_part_of_a_field():
    assert not FieldSelector.parse("=") and not FieldSelector.parse(",!=,==")
    assert FieldSelector.parse("=x, a =b").requirements == (FieldRequirement("", "x"), FieldRequirement(" a ", "b"))


@pytest.mark.parametrize("text", ["metadata.name", "a=b=c", r"a=\x", " "])
def test_bad_field_selectors(text):
    with pytest.raises(BadRequest):
        FieldSelector.parse(text)


def test_an_exact_requirement_is_exposed():
    selector = FieldSelector.parse("metadata.name=p,status.phase!=Failed")
    assert selector.exactly("metadata.name") == "p"
    assert selector.exactly("status.phase") is None
