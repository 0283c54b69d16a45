"""What is accepted quickly is right: nothing to prune, nothing wrong, and in Kubernetes' own form where that is asked."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from boatyard.machinery.meta.core import EVENTS, NODES, PODS, SERVICES
from boatyard.machinery.registry.core.normal import normalize
from boatyard.machinery.registry.core.types import core_schema
from boatyard.machinery.schema.structural import Structural
from boatyard.machinery.schema.validation import validate

POD = {
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": "p", "namespace": "default", "labels": {"a": "b"}, "creationTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {
        "containers": [
            {
                "name": "main", "image": "x", "command": ["sh"], "resources": {"requests": {"cpu": "500m", "memory": "64Mi"}},
                "ports": [{"containerPort": 80, "protocol": "TCP"}], "env": [{"name": "A", "value": "b"}],
                "livenessProbe": {"httpGet": {"port": "http", "path": "/"}, "periodSeconds": 5},
            },
        ],
        "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}], "terminationGracePeriodSeconds": 30, "hostNetwork": True,
    },
    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
}  # fmt: skip
SERVICE = {
    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
    "spec": {"selector": {"a": "b"}, "ports": [{"port": 80, "targetPort": "http"}, {"port": 81, "targetPort": 81}]},
}  # fmt: skip
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "4"}}}
EVENT = {
    "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "involvedObject": {"kind": "Pod"}, "count": 1,
    "eventTime": "2026-01-01T00:00:00.000000Z",
}  # fmt: skip
DOCUMENTS = [(PODS, POD), (SERVICES, SERVICE), (NODES, NODE), (EVENTS, EVENT)]
STRANGE: list[Any] = [None, "", "x", 0, -1, 1.5, 3.0, 2**40, True, [], {}, ["x"], {"x": "y"}, [None], {"x": None}, "1000m", "???"]


@pytest.mark.parametrize(("resource", "document"), DOCUMENTS)
def test_right_documents_are_accepted(resource: Any, document: Any) -> None:
    assert core_schema(resource).accepts(document)
    assert core_schema(resource).accepts(document, normal=True)


def test_what_go_leaves_out_is_not_in_normal_form() -> None:
    document = {**POD, "spec": {**POD["spec"], "hostNetwork": False}}
    assert core_schema(PODS).accepts(document) and not core_schema(PODS).accepts(document, normal=True)


def places(document: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a document."""
    found: list[tuple[Any, Any]] = []
    pairs = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for key, value in pairs:
        found.append((document, key))
        found += places(value)
    return found


@pytest.mark.parametrize(("resource", "document"), DOCUMENTS)
def test_whatever_is_changed_in_them_nothing_wrong_is_accepted(resource: Any, document: Any) -> None:
    chance = random.Random(1)
    node, accepted = core_schema(resource), 0
    for _ in range(4000):
        mutant = copy.deepcopy(document)
        for _ in range(chance.randint(1, 2)):
            holder, key = chance.choice(places(mutant))
            change = chance.randrange(4)
            if change == 0 and isinstance(holder, dict):
                del holder[key]
            elif change == 1 and isinstance(holder, dict):
                holder[f"{key}x"] = copy.deepcopy(chance.choice(STRANGE))
            elif change == 2 and isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            else:
                holder[key] = copy.deepcopy(chance.choice(STRANGE))
        if node.accepts(mutant):
            accepted += 1
            assert validate(node, mutant) == []
            assert node.prune(copy.deepcopy(mutant)) == []
        if node.accepts(mutant, normal=True):
            kept = copy.deepcopy(mutant)
            normalize(resource, kept)
            assert repr(kept) == repr(mutant)
    assert accepted > 100  # the promise is not kept by refusing everything


CONSTRAINED: dict[str, Any] = {
    "type": "object", "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
        "size": {"type": "integer", "minimum": 1, "maximum": 9, "format": "int32"},
        "ratio": {"type": "number"},
        "mode": {"type": "string", "enum": ["on", "off"]},
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set", "maxItems": 2},
        "steps": {
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"],
            "items": {"type": "object", "properties": {"id": {"type": "string"}}},
        },
        "ports": {
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"],
            "items": {"type": "object", "properties": {"id": {"type": "string", "default": "1"}}},
        },
        "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "map": {"type": "object", "additionalProperties": {"type": "boolean"}},
        "either": {"anyOf": [{"minimum": 3}], "type": "integer"},
        "fixed": {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf"}]},
    },
    "allOf": [{"properties": {"name": {"maxLength": 3}}}],
}  # fmt: skip

ROWS = [
    ({"name": "ab"}, True),
    ({"name": "a"}, False), ({"name": "abcd"}, False), ({"name": "AB"}, False), ({}, False),
    ({"name": "ab", "size": 9, "ratio": 1.5, "mode": "on"}, True),
    ({"name": "ab", "size": 0}, False), ({"name": "ab", "size": True}, False), ({"name": "ab", "mode": "maybe"}, False),
    ({"name": "ab", "tags": ["x", "y"]}, True),
    ({"name": "ab", "tags": ["x", "x"]}, False), ({"name": "ab", "tags": ["x", "y", "z"]}, False),
    ({"name": "ab", "steps": [{"id": "1"}, {"id": "2"}]}, True), ({"name": "ab", "steps": [{"id": "1"}, {"id": "1"}]}, False),
    ({"name": "ab", "ports": []}, True),
    ({"name": "ab", "ports": [{}, {"id": "1"}]}, False),  # the same, with their defaults
    ({"name": "ab", "open": {"anything": [None]}}, True),
    ({"name": "ab", "map": {"x": True}}, True), ({"name": "ab", "map": {"x": "y"}}, False),
    ({"name": "ab", "either": 5}, False),  # the long way says yes
    ({"name": "ab", "typo": 1}, False),
]  # fmt: skip


@pytest.mark.parametrize(("document", "accepted"), ROWS)
def test_constraints(document: Any, accepted: bool) -> None:
    assert Structural(CONSTRAINED).accepts(document) is accepted


def test_rules_that_compare_with_the_stored_document_take_the_long_way() -> None:
    document = {"name": "ab", "fixed": "x"}
    assert Structural(CONSTRAINED).accepts(document)
    assert not Structural(CONSTRAINED).accepts(document, stored=True)
    assert Structural(CONSTRAINED).validate({**document, "fixed": "y"}, document)


def test_of_a_part_only_the_fields_that_are_there_are_looked_at() -> None:
    nested = Structural({"type": "object", "properties": {"inner": CONSTRAINED}})
    assert nested.accepts({}, partial=True)
    assert Structural(CONSTRAINED).accepts({"size": 9}, partial=True)
    assert not Structural(CONSTRAINED).accepts({"size": 0}, partial=True)
    assert not Structural(CONSTRAINED).accepts({"typo": 1}, partial=True)
    assert not nested.accepts({"inner": {"size": 9}}, partial=True), "what is below is whole"
