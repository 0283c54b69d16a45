"""Fields that a body has twice."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.server.duplicates import duplicates

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ('{"a":1,"a":2}', ["a"]), ('{"a":{"b":1,"b" : 2,"b":3}}', ["a.b", "a.b"]), ('{"a":[{"b":1},{"b":1,"b":2}]}', ["a[1].b"]),
        ('{"a":{"x":1},"a":{"y":1,"y":1}}', ["a", "a.y"]), ('{"a":"\\"b\\": \\":","c":1}', []), ('{"a":{"b":1},"c":{"b":1}}', []),
        ('{"a":"\\": \\":", "a" : 1}', ["a"]), ("{}", []), ("[[]]", []),
    ],
)  # fmt: skip
def test_they_are_told_with_their_path(body: str, paths: list[str]) -> None:
    assert duplicates(body.encode(), json.loads(body)) == paths


@given(document=st.dictionaries(st.text(), DOCUMENTS), indent=st.sampled_from([None, 1]))
def test_documents_whose_fields_are_there_once(document: dict[str, Any], indent: int | None) -> None:
    assert duplicates(json.dumps(document, indent=indent).encode(), document) == []
    assert duplicates(msgspec.json.encode(document), document) == []
