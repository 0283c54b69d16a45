"""Patterns are read as Go reads them, whom a kube-apiserver asks."""

from __future__ import annotations

import pytest

from boatyard.machinery.schema import go_regexp
from boatyard.machinery.schema.structural import Structural


@pytest.mark.parametrize(
    ("pattern", "fit", "unfit"),
    [
        ("^[a-z]+$", ["a"], ["a\n", "A"]),  # the end of the text is not before its last line's end
        ("(?m)^a$", ["a\nb", "b\na"], ["ab"]),
        ("^(?i)(stop|go)?$", ["", "STOP", "Go"], ["no"]),
        ("^(?:a(?i)b|c)d$", ["aBd", "abd", "Cd"], ["Abd", "aBD"]),
        ("^(?i:a)b$", ["Ab"], ["AB"]),
        (r"^\d+$", ["12"], ["٣"]),
        (r"^\w$", ["a"], ["é"]),
        (r"^[\s]$", [" "], ["\v"]),
        ("^[[:alpha:]-]+$", ["a-b"], ["1"]),
        (r"^[]a[]+\z", ["[]"], ["b", "a\n"]),
        (r"^\Qa.b\E+$", ["a.bb"], ["axb"]),
        (r"^\x{41}\x42\103\/$", ["ABC/"], ["ABC"]),
        ("^(?<x>a)(?P<y>b)$", ["ab"], ["a"]),
        ("^a{,2}$", ["a{,2}"], ["aa"]),
        ("^a{2,3}?$", ["aa"], ["aaaa"]),
        (r"^\p{Greek}+$", ["αβ"], ["ab"]),
        ("^.$", ["é", "\ud800"], ["ab"]),
    ],
)
def test_what_fits(pattern: str, fit: list[str], unfit: list[str]) -> None:
    found = go_regexp.finder(pattern)
    assert [text for text in fit if not found(text)] == []
    assert [text for text in unfit if found(text)] == []


def test_no_text_takes_more_than_its_length() -> None:
    assert not go_regexp.finder("^(a+)+$")("a" * 5000 + "b")


def test_a_definition_that_is_stored_already_may_have_one_that_is_none() -> None:
    schema = Structural({"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)"}}})
    assert not schema.accepts({"a": "x"})
    (wrong,) = schema.validate({"a": "x"})
    assert wrong.path == "a" and "should match '(?=x), but pattern is invalid: invalid perl operator: (?='" in wrong.message


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)", "(?!a)", "(?<=a)b", r"(a)\1", "(?>a)", "a++", "a{2}+", "a{1001}", r"\y", r"\Z", r"[\z]", "(", "a)", "[a",
        "[[:no:]]", r"\x{110000}", "a\\", "(?P=x)",
    ],
)  # fmt: skip
def test_what_go_does_not_take(pattern: str) -> None:
    with pytest.raises(ValueError):
        go_regexp.finder(pattern)
