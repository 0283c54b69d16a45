"""Fields that a body has twice."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.machinery.schema.structural import Structural
from boatyard.server.duplicates import duplicates, merged

PRESERVING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
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


def test_with_a_schema_only_what_it_knows_is_told() -> None:
    keyed = {"type": "object", "properties": {"b": {"type": "string"}}}
    schema = Structural({"type": "object", "properties": {"a": {"type": "array", "items": keyed}, "open": PRESERVING}})
    text = '{"a":[{"b":1,"b":1,"c":1,"c":1}],"x":1,"x":{"y":1,"y":1},"open":{"z":1,"z":1},"open":1}'
    assert duplicates(text.encode(), json.loads(text), schema) == ["a[0].b", "open"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"a": {"b": 1, "c": {"d": 1}}, "a": {"c": {"e": 2}}}', {"a": {"b": 1, "c": {"d": 1, "e": 2}}}),
        ('{"a": {"b": 1}, "a": null}', {"a": {"b": 1}}), ('{"a": {"b": 1, "b": null}}', {"a": {"b": None}}),
        ('{"map": {"x": {"b": 1}}, "map": {"x": {"c": {}}, "y": {}}}', {"map": {"x": {"c": {}}, "y": {}}}),
        ('{"map": {"x": {}}, "map": null}', {"map": None}),
        ('{"list": [{"b": 1}, {"b": 2}], "list": [{"c": {}}]}', {"list": [{"b": 1, "c": {}}]}),
        ('{"list": [], "list": [{"b": 1}]}', {"list": [{"b": 1}]}), ('{"x": {"b": 1}, "x": {"c": 1}}', {"x": {"c": 1}}),
    ],
)  # fmt: skip
def test_go_reads_one_after_the_other_into_the_same_place(text: str, read: dict[str, Any]) -> None:
    item = {"type": "object", "properties": {"b": {"type": "integer"}, "c": {"type": "object", "properties": {}}}}
    item["properties"]["c"]["properties"] = {"d": {"type": "integer"}, "e": {"type": "integer"}}
    lists = {"type": "array", "items": item}
    parts = {"a": item, "map": {"type": "object", "additionalProperties": item}, "list": lists}
    assert json.loads(merged(text.encode(), Structural({"type": "object", "properties": parts}))) == read


@given(document=st.dictionaries(st.text(), DOCUMENTS, max_size=4), indent=st.sampled_from([None, 1]))
def test_documents_whose_fields_are_there_once(document: dict[str, Any], indent: int | None) -> None:
    assert duplicates(json.dumps(document, indent=indent).encode(), document) == []
    assert duplicates(msgspec.json.encode(document), document) == []
