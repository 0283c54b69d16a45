"""What a caller is told of an object that is taken."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.meta import core
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.advice import advice
from boatyard.machinery.registry.kind import Kind

BOATS = Kind(Resource("yard.example.com", "v1", "boats", "Boat"), custom={})
SLICES, SECRETS = Kind(core.ENDPOINT_SLICES), Kind(core.SECRETS)
UNQUALIFIED = 'metadata.finalizers: "{}": prefer a domain-qualified finalizer name to avoid accidental conflicts with other'


def held(*finalizers: str) -> dict[str, Any]:
    return {"metadata": {"finalizers": list(finalizers)}}


@pytest.mark.parametrize(
    ("new", "old", "named"),
    [
        (held("b", "example.com/f", "a", "orphan"), None, ["a", "b"]), (held("a", "b"), held("a"), ["b"]),
        (held("a"), held("a"), []),
        ({"metadata": {}}, None, []), (held("a"), {"metadata": {}}, ["a"]),
    ],
)  # fmt: skip
def test_finalizers_of_custom_objects_had_better_say_whose_they_are(new: Any, old: Any, named: list[str]) -> None:
    told = list(advice(BOATS, new, old))
    assert [each.startswith(UNQUALIFIED.format(name)) for each, name in zip(told, named, strict=True)] == [True] * len(named)


def test_slices_of_names_go_out_of_use() -> None:
    named = {"metadata": {}, "addressType": "FQDN"}
    assert list(advice(SLICES, named)) == ["spec.addressType: FQDN endpoints are deprecated"]
    assert list(advice(SLICES, named, named)) == list(advice(SLICES, {"metadata": {}, "addressType": "IPv4"})) == []


def test_secrets_that_wait_for_a_token() -> None:
    (told,) = advice(SECRETS, {"metadata": {}, "type": "kubernetes.io/service-account-token"})
    assert "get no token here" in told
