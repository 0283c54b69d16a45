"""A real kube-apiserver judges our definitions, and what we say of documents of custom kinds."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, Invalid, NotFound
from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry import embedded
from boatyard.machinery.registry.core.types import core_type
from boatyard.machinery.schema.crd import crd_of, discover, structural_of_crd
from boatyard.machinery.schema.definition import validate_definition

JUDGE = "KUBECONFIG_JUDGE"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not os.environ.get(JUDGE), reason=f"set {JUDGE} to the kubeconfig of a real cluster"),
]
GAUGES = Resource("judged.example.com", "v1", "gauges", "Gauge")

KEYED = {"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}, "v": {"type": "integer"}}}
FIELDS: dict[str, Object] = {
    "text": {"type": "string"},
    "whole": {"type": "integer"},
    "small": {"type": "integer", "format": "int32"},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "maybe": {"type": "string", "nullable": True},
    "word": {"type": "string", "enum": ["a", "b"]},
    "named": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 4},
    "moment": {"type": "string", "format": "date-time"},
    "from1to5": {"type": "integer", "minimum": 1, "maximum": 5},
    "between": {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 1, "exclusiveMaximum": True},
    "even": {"type": "integer", "multipleOf": 2},
    "few": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string", "minLength": 1}},
    "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
    "keyed": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": KEYED},
    "either": {"x-kubernetes-int-or-string": True},
    "map": {"type": "object", "maxProperties": 2, "additionalProperties": {"type": "integer"}},
    "box": {"type": "object", "required": ["in"],
            "properties": {"in": {"type": "string"}, "size": {"type": "integer", "default": 3}}},
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "any": {"type": "string", "anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]},
    "one": {"type": "string", "oneOf": [{"pattern": "a"}, {"pattern": "b"}]},
    "none": {"type": "string", "not": {"pattern": "a"}},
    "fixed": {"type": "object", "properties": {"x": {"type": "string", "maxLength": 9}},
              "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "it stays"}]},
    "template": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
}  # fmt: skip
DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gauges.judged.example.com"},
    "spec": {
        "group": GAUGES.group,
        "scope": "Namespaced",
        "names": {"plural": "gauges", "kind": "Gauge", "singular": "gauge", "listKind": "GaugeList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": FIELDS}}}},
            }
        ],
    },
}
BAD: list[dict[str, Any]] = [
    {"text": 1, "whole": "a", "number": "b", "flag": 0, "box": [], "few": {}},
    {"text": True, "whole": 1.5, "set": "x", "map": {"a": "b", "c": 1.5}},
    {"few": [None], "maybe": None},
    {"whole": {"a": 1}, "text": ["a"]},
    {"word": "c"},
    {"word": 5},
    {"named": "A"},
    {"named": "abcdefg"},
    {"named": ""},
    {"moment": "yesterday"},
    {"moment": "2026-01-01"},
    {"from1to5": 0},
    {"from1to5": 6},
    {"between": 0, "even": 3},
    {"between": 1},
    {"few": []},
    {"few": ["a", "b", "c"]},
    {"few": [1, ""]},
    {"set": ["a", "b", "a"]},
    {"keyed": [{"k": "a"}, {"v": 1}, {"k": "a"}]},
    {"either": {}, "map": {"a": 1, "b": 2, "c": 3}},
    {"either": 1.5},
    {"either": True},
    {"box": {"size": "x"}},
    {"box": {}},
    {"template": {"kind": "X"}},
]
GOOD: list[dict[str, Any]] = [
    {},
    {"text": None, "map": {"a": None}, "box": {"in": "x", "size": None}},
    {"text": "", "whole": 1, "number": 1, "flag": False, "maybe": None, "word": "a", "named": "abc", "either": "5%"},
    {"moment": "2026-01-01T00:00:00Z", "from1to5": 1, "between": 0.5, "even": 2, "few": ["a"], "set": ["a", "b"]},
    {
        "keyed": [{"k": "a"}, {"k": "b"}],
        "map": {"a": 1},
        "box": {"in": "x"},
        "free": {"a": {"b": [None, 1]}},
        "any": "ax",
        "one": "a",
    },
    {"either": 5, "template": {"apiVersion": "v1", "kind": "X", "extra": 1}, "whole": 2.0},
]


@pytest.fixture
async def judge() -> AsyncIterator[Client]:
    client = from_kubeconfig(os.environ[JUDGE])
    try:
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, DEFINITION)
    except AlreadyExists:
        pass
    for _ in range(1200):
        try:
            await client.list(GAUGES, "default")
            break
        except NotFound:
            await asyncio.sleep(0.05)
    yield client
    await client.close()


def gauge(spec: dict[str, Any]) -> Object:
    return {"apiVersion": "judged.example.com/v1", "kind": "Gauge", "metadata": {"name": "g"}, "spec": copied(spec)}


def ours() -> Any:
    return structural_of_crd(DEFINITION, "v1", core_type)


@pytest.mark.parametrize("spec", BAD, ids=str)
async def test_faults_are_told_as_the_judge_tells_them(judge: Client, spec: dict[str, Any]):
    with pytest.raises(Invalid) as refused:
        await judge.create(GAUGES, gauge(spec), "default", dry_run=True)
    theirs = {(cause.get("field", ""), cause["reason"], cause["message"]) for cause in refused.value.details["causes"]}
    document = gauge(spec)
    ours().default(document)
    found = ours().validate(document) + embedded.validate(ours(), document)
    mine = {(error.path, error.type, error.message) for error in found}
    # It doesn't look at expressions when the schema's rules are broken, and says so.
    theirs = {cause for cause in theirs if cause[0] not in ("<nil>", "")}
    assert mine == theirs


@pytest.mark.parametrize("spec", GOOD, ids=str)
async def test_good_documents_are_good_there_and_filled_in_alike(judge: Client, spec: dict[str, Any]):
    theirs = await judge.create(GAUGES, gauge(spec), "default", dry_run=True)
    document = gauge(spec)
    ours().default(document)
    assert ours().validate(document) == []
    assert document["spec"] == theirs["spec"]


@pytest.mark.parametrize("spec", [{"any": "c"}, {"one": "ab"}, {"one": "c"}, {"none": "a"}], ids=str)
async def test_combined_rules_are_told_in_the_same_words_and_with_a_path(judge: Client, spec: dict[str, Any]):
    with pytest.raises(Invalid) as refused:
        await judge.create(GAUGES, gauge(spec), "default", dry_run=True)
    causes = refused.value.details["causes"]
    mine = ours().validate(gauge(spec))
    assert mine[0].path in mine[0].message and {cause["message"] for cause in causes} == {error.message for error in mine}
    assert {cause["field"] for cause in causes} - {"<nil>"} == {error.path for error in mine[1:]}


async def test_immutable_fields(judge: Client):
    try:
        await judge.create(GAUGES, {**gauge({"fixed": {"x": "a"}}), "metadata": {"name": "fixed"}}, "default")
    except AlreadyExists:
        pass
    with pytest.raises(Invalid) as refused:
        await judge.patch(GAUGES, "fixed", {"spec": {"fixed": {"x": "b"}}}, "default", dry_run=True)
    (theirs,) = refused.value.details["causes"]
    (mine,) = ours().validate(gauge({"fixed": {"x": "b"}}), gauge({"fixed": {"x": "a"}}))
    assert (mine.path, mine.type, mine.message) == (theirs["field"], theirs["reason"], theirs["message"])


@pytest.mark.parametrize("model", [model for model in discover() if model.info.stored], ids=lambda model: model.__name__)
async def test_our_kinds_are_taken(judge: Client, model: Any):
    definition = crd_of(model)
    assert list(validate_definition(definition)) == []
    try:
        await judge.create(CUSTOM_RESOURCE_DEFINITIONS, definition, dry_run=True)
    except AlreadyExists:
        pass
    except ApiError as error:
        pytest.fail(str(error))
