"""Fields that nobody knows, and fields that are there twice: refused, warned of, or dropped, as the caller asks."""

from __future__ import annotations

import json

import pytest

from boatyard.machinery.meta.resource import Resource

from .features import feature
from .wire import Wire

SECTION = "Field validation"
UNKNOWN = b'{"metadata":{"name":"c"},"bogus":1,"data":{"a":"1"},"other":{"x":1}}'
TOLD = ['unknown field "bogus"', 'unknown field "other"']
TWICE = b'{"metadata":{"name":"b","name":"c"},"data":{"a":"0","a":"1"}}'
TOLD_TWICE = ['duplicate field "metadata.name"', 'duplicate field "data.a"']
WIDGET = b'{"apiVersion":"suite.boatyard.dev/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"size":1,"typo":1},"other":2}'
WIDGET_TOLD = ['unknown field "other"', 'unknown field "spec.typo"']
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"


def warned(told: list[str]) -> list[str]:
    escaped = [line.replace('"', '\\"') for line in told]
    return [f'299 - "{line}"' for line in escaped]


@feature("Strict: 400 that names every field")
@pytest.mark.parametrize(("body", "told"), [(UNKNOWN, TOLD), (TWICE, TOLD_TWICE)])
async def test_strict(wire: Wire, namespace: str, body: bytes, told: list[str]) -> None:
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    why = f'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: {", ".join(told)}'
    assert (await wire("POST", f"{maps}?fieldValidation=Strict", body)).said == (400, "BadRequest", why)
    assert (await wire("GET", f"{maps}/c")).status == 404


@feature("Strict: 400 that names every field")
async def test_strict_of_what_cannot_be_read(wire: Wire, namespace: str) -> None:
    """It is told first that the document can't be read at all."""
    body = b'{"metadata":{"name":"s"},"data":{"a":"MQ=="},"data":{"a":"1"},"bogus":1}'
    answer = await wire("POST", f"/api/v1/namespaces/{namespace}/secrets?fieldValidation=Strict", body)
    assert answer.status == 400 and "strict" not in answer.json["message"]


@feature("Warn, which is the default: a Warning header for every field")
@pytest.mark.parametrize("query", ["", "?fieldValidation=Warn"])
@pytest.mark.parametrize(("body", "told"), [(UNKNOWN, TOLD), (TWICE, TOLD_TWICE)])
async def test_warn(wire: Wire, namespace: str, query: str, body: bytes, told: list[str]) -> None:
    answer = await wire("POST", f"/api/v1/namespaces/{namespace}/configmaps{query}", body)
    assert answer.status == 201 and answer.headers.getall("Warning") == warned(told)
    assert answer.json["metadata"]["name"] == "c" and answer.json["data"] == {"a": "1"} and "bogus" not in answer.json


@feature("no more warnings than a client takes")
@pytest.mark.parametrize(("length", "warnings"), [(10, 90), (200, 19), (300, 16)])
async def test_many_warnings(wire: Wire, namespace: str, length: int, warnings: int) -> None:
    """Of 4,096 characters in all; where they are more, each is cut to 256."""
    names = [f"{number:03}{'x' * length}" for number in range(90)]
    body = json.dumps({"metadata": {"name": "c"}, **dict.fromkeys(names, 1)}).encode()
    answer = await wire("POST", f"/api/v1/namespaces/{namespace}/configmaps", body)
    told = [f'unknown field "{name}"'[:256] for name in names[:warnings]]
    assert answer.status == 201 and answer.headers.getall("Warning") == warned(told)


@feature("Ignore: dropped without a word")
@pytest.mark.parametrize("body", [UNKNOWN, TWICE])
async def test_ignore(wire: Wire, namespace: str, body: bytes) -> None:
    answer = await wire("POST", f"/api/v1/namespaces/{namespace}/configmaps?fieldValidation=Ignore", body)
    assert answer.status == 201 and "Warning" not in answer.headers and "bogus" not in answer.json


@feature("the same for custom kinds")
async def test_a_custom_kind(wire: Wire, namespace: str, widgets: Resource) -> None:
    address = widgets.path(namespace)
    answer = await wire("POST", f"{address}?fieldValidation=Strict", WIDGET)
    assert answer.said[:2] == (400, "BadRequest") and all(told in answer.said[2] for told in WIDGET_TOLD)
    made = await wire("POST", address, WIDGET)
    assert made.status == 201 and sorted(made.headers.getall("Warning")) == sorted(warned(WIDGET_TOLD))
    assert made.json["spec"] == {"size": 1, "color": "red"}


@feature("the same for replacements and patches")
async def test_replacements_and_patches(wire: Wire, namespace: str) -> None:
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    await wire("POST", maps, {"metadata": {"name": "c"}})
    assert (await wire("PUT", f"{maps}/c", UNKNOWN)).headers.getall("Warning") == warned(TOLD)
    assert (await wire("PUT", f"{maps}/c?fieldValidation=Strict", UNKNOWN)).status == 400
    for type in (MERGE, STRATEGIC):
        answer = await wire("PATCH", f"{maps}/c", {"bogus": 1, "data": {"b": type}}, type=type)
        assert answer.headers.getall("Warning") == warned(TOLD[:1]) and answer.json["data"]["b"] == type
        refused = await wire("PATCH", f"{maps}/c?fieldValidation=Strict", {"bogus": 1}, type=type)
        assert refused.said[:2] == (422, "Invalid") and 'strict decoding error: unknown field "bogus"' in refused.said[2]


@feature("an apply refuses fields that nobody declared, whatever is asked")
async def test_apply(wire: Wire, namespace: str) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "bogus": 1}
    where = f"/api/v1/namespaces/{namespace}/configmaps/c?fieldManager=m&fieldValidation=Ignore"
    answer = await wire("PATCH", where, body, type="application/apply-patch+yaml")
    assert answer.status in (400, 500) and ".bogus: field not declared in schema" in answer.said[2]
