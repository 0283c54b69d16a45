"""Patterns mean what people expect, and take no time whatever they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.ci.steps.glob import name_pattern, path_pattern


@pytest.mark.parametrize(
    ("glob", "fits", "fails"),
    [
        ("a.xml", ["a.xml"], ["b/a.xml", "a.xmlx", "xa.xml"]),
        ("*.xml", ["a.xml", ".xml"], ["b/a.xml"]),
        ("**/*.xml", ["a.xml", "b/a.xml", "b/c/a.xml"], ["a.xml/b"]),
        ("**/x.py", ["x.py", "a/x.py"], ["ax.py", "a/bx.py"]),
        ("src/**", ["src/a", "src/a/b"], ["src", "xsrc/a"]),
        ("src/", ["src/a/b"], ["src"]),
        ("./dist/*", ["dist/a"], ["dist/a/b"]),
        ("**/target/**/T-*.xml", ["target/T-1.xml", "m/target/a/b/T-.xml"], ["m/target/a/xT-1.xml", "T-1.xml"]),
        ("a?c", ["abc"], ["a/c", "ac"]),
        ("**", ["a", "a/b"], [""]),
        ("a*b*c", ["abc", "axbxbxc"], ["abcx", "ab/c"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_paths(glob, fits, fails):
    pattern = path_pattern(glob)
    assert [path for path in fits if not pattern.fullmatch(path)] == []
    assert [path for path in fails if pattern.fullmatch(path)] == []


def test_names():
    assert name_pattern("release/*").fullmatch("release/a/b")
    assert not name_pattern("release/*").fullmatch("xrelease/a")
    assert name_pattern("*a*b").fullmatch("xaxaxbxb")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("glob", ["*a" * 50 + "b", "**/" * 50 + "b", "**/*a*/" * 20 + "b", "?" * 200 + "*" * 200 + "b"])
def test_no_pattern_takes_long(glob):
    for text in ("a" * 3000, "a/" * 300 + "a"):
        assert not path_pattern(glob).fullmatch(text)
        assert not name_pattern(glob).fullmatch(text)


def plainly(glob: str, text: str) -> bool:
    """The meaning of a name pattern, without any cleverness."""
    if not glob:
        return not text
    if glob[0] == "*":
        return any(plainly(glob[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and glob[0] in ("?", text[0]) and plainly(glob[1:], text[1:])


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_it_means_what_the_plain_definition_means(glob, text):
    assert bool(name_pattern(glob).fullmatch(text)) == plainly(glob, text)
