"""JSONPath of printer columns."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.server.jsonpath import JsonPathError, compiled

OBJECT: dict[str, Any] = {
    "a": {"b": [{"n": 1, "s": "x"}, {"n": 2, "s": "y"}, {"n": 3}]}, "dotted.key": {"c": True}, "l": [10, 20, 30, 40],
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".a.b[0].n", [1]), ("$.a.b[0].n", [1]), ("{.a.b[0].n}", [1]), (".a.b[-1].n", [3]), (".a.b[9].n", []), (".a.none.n", []),
        (".a.b[*].n", [1, 2, 3]), (".l[1:3]", [20, 30]), (".l[:2]", [10, 20]), (".l[-2:]", [30, 40]), (".l[::2]", [10, 30]),
        (".l[0,2]", [10, 30]), (r".dotted\.key.c", [True]), ("['dotted.key'].c", [True]), ('.["dotted.key"]["c"]', [True]),
        ('.a.b[?(@.s=="x")].n', [1]), (".a.b[?(@.s == 'y')].n", [2]), (".a.b[?(@.n>1)].n", [2, 3]), (".a.b[?(@.s)].n", [1, 2]),
        ('.a.b[?(@.n!=2)].n', [1, 3]), ('.a.b[?(@.s>1)].n', []), (".a.b['n']", []), ("..s", ["x", "y"]),
        (".a.b[0]['n','s']", [1, "x"]),
        (".", [OBJECT]), ("", [OBJECT]),
    ],
)  # fmt: skip
def test_paths_lead_somewhere(path: str, found: list[Any]) -> None:
    assert compiled(path).find(OBJECT) == found


@pytest.mark.parametrize("path", [".a[", ".a[x]", ".a[?(@.n==x)]", "a]b", ".a[::0]", ".a..[", '.a["b]'])
def test_what_is_no_path_is_told(path: str) -> None:
    with pytest.raises(JsonPathError):
        compiled(path)
