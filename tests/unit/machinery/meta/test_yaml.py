"""YAML: typed for Kubernetes, and safe against what people send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.machinery.meta.yaml import YamlError, documents_of, dump, dump_all, first, load, load_all


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("n", "n"),
        ("22:22", "22:22"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("Null", None),
        ("1", 1),
        ("-1", -1),
        ("0644", 420),
        ("0o644", 420),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("1e3", 1000),
        ("3.0", 3),
        ("08", 8),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 1", "1"),
        ("!!int 1", 1),
        ("! 1", "1"),
        ("1.2.3", "1.2.3"),
        ("1Gi", "1Gi"),
        ("-", [None]),
        ("=", "="),
        (".", "."),
        ("+", "+"),
        ("1e999", "1e999"),
        ("|\n a\n b\n", "a\nb\n"),
        ("0x", "0x"),
        ("1-2", "1-2"),
    ],
)
def test_scalars(text, value):
    found = load(text)
    assert found == value and type(found) is type(value)


def test_keys_become_strings():
    assert load("on: 1\n1: a\ntrue: b\n1.5: c") == {"on": 1, "1": "a", "true": "b", "1.5": "c"}


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("a: 1\nb: 2\na: 3", "the key 'a' is there twice, first in line 1", 3),
        ("a: [1, {b: 1, b: 2}]", "the key 'b' is there twice", 1),
        ("a:\n  - b\n c: d", "did not find expected", 3),
        ("a: .nan", "can't be said in JSON", 1),
        ("a: -.inf", "can't be said in JSON", 1),
        ("a: !!python/object:os.system x", "not supported", 1),
        ("a: !!timestamp 2026-01-01", "not supported", 1),
        ("a: !!int x", "not of the type", 1),
        ("? [a]\n: b", "a key must be a string", 1),
        ("~: b", "must not be null", 1),
        ("a: *b", "not defined before", 1),
        ("a: &b [*b]", "contains itself", 1),
        ("a: &x 1\n*x : 2", "not an alias", 2),
        ("a\n---\nb", "one document was expected", 3),
        ("[" * 300 + "]" * 300, "nested deeper than 200", 1),
        ("a: 'x", "quoted scalar", 1),
        ("a: \t\x07b", "control characters", 1),
    ],
)
def test_errors_name_problem_and_line(text, problem, line):
    with pytest.raises(YamlError, match=problem) as caught:
        load(text)
    assert caught.value.line == line or "control" in problem or "quoted" in problem


def test_bytes_that_are_no_text_are_an_error():
    with pytest.raises(YamlError):
        load(b"a: \xff\xfe\xff")


def test_deep_documents_do_not_crash():
    with pytest.raises(YamlError):
        load("{a: " * 100_000)


def test_aliases_are_copies():
    value = load("a: &x {b: [1]}\nc: *x")
    assert value == {"a": {"b": [1]}, "c": {"b": [1]}}
    value["c"]["b"].append(2)
    assert value["a"] == {"b": [1]}


def test_aliases_that_multiply_are_refused():
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9))
    with pytest.raises(YamlError, match="aliases stand for more than"):
        load(bomb)


def test_merge_keys():
    assert load("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}")["y"] == {"b": 3, "a": 1}
    assert load("x: [&x {a: 1}, &y {a: 2, c: 3}]\nz: {<<: [*x, *y]}")["z"] == {"a": 1, "c": 3}
    with pytest.raises(YamlError, match="must be a mapping"):
        load("a: {<<: 1}")


def test_a_kube_apiserver_reads_booleans_of_yaml_1_1_and_numbers_of_64_bits():
    assert first("a: yes\nb: Off\nc: 'on'\nd: oN\non: [y, N]\n", []) == {
        "a": True, "b": False, "c": "on", "d": "oN", "true": [True, False]
    }  # fmt: skip
    assert first("a: 18446744073709551615\nb: 18446744073709551616\n", []) == {"a": 2**64 - 1, "b": 2.0**64}
    assert load("a: yes\non: 1\n") == {"a": "yes", "on": 1}


def test_the_first_document_is_read_without_the_rest():
    repeated = []
    assert first('{"a": 1}x', repeated) == {"a": 1} and first("a: 1\n---\n{", repeated) == {"a": 1}
    assert first("---\n---\na: 1\n", repeated) is None and first("", repeated) is None
    assert repeated == []


def test_of_keys_that_are_there_twice_the_last_counts_where_that_is_asked_for():
    repeated = []
    assert first("a: {b: 1}\na:\n  b: 2\nc: [{d: 1, d: 2}]\n", repeated) == {"a": {"b": 2}, "c": [{"d": 2}]}
    assert repeated == ['line 2: key "a" already set in map', 'line 4: key "d" already set in map']


def test_streams_skip_empty_documents_and_know_their_lines():
    assert load_all("# nothing\n---\na: 1\n---\n---\n# x\nb: 2\n") == [({"a": 1}, 3), ({"b": 2}, 7)]
    assert load("") is None and load_all("---\n") == []


def test_fields_know_their_lines():
    (document,) = documents_of("spec:\n  steps:\n  - name: a\n    run: b\n  - name: c\n")
    assert document.line_of("spec.steps[1].name") == 5
    assert document.line_of("spec.steps[0].run") == 4
    assert document.line_of("spec.steps[0].missing") == 3
    assert document.line_of("elsewhere") == 1


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not x.is_integer())
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_what_is_dumped_reads_back(value):
    assert load(dump(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "1e3",
        "0o17",
        "08",
        "",
        "a\nb\n",
        " x",
        "#x",
        "<<",
        "=",
        "2026-01-01",
        "0x",
        "y",
        "null",
        "1_0",
        "a\n b",
        "a \nb",
        "\n",
    ],
)
def test_tricky_texts_stay_texts(text):
    assert load(dump({"a": text, text: 1})) == {"a": text, text: 1}


def test_streams_are_dumped():
    assert load_all(dump_all([{"a": 1}, {"b": 2}])) == [({"a": 1}, 1), ({"b": 2}, 3)]
