"""What a caller is told of an object that is taken."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.meta import core
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.advice import advice
from boatyard.machinery.registry.kind import Kind

BOATS = Kind(Resource("yard.example.com", "v1", "boats", "Boat"), custom={})
SLICES, SECRETS, SERVICES = Kind(core.ENDPOINT_SLICES), Kind(core.SECRETS), Kind(core.SERVICES)
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


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"type": "ClusterIP", "externalIPs": ["1.2.3.4"], "sessionAffinity": "ClientIP"}, []),
        ({"clusterIP": "None", "externalIPs": ["1.2.3.4"], "sessionAffinity": "ClientIP"}, ["externalIPs", "SessionAffinity"]),
        ({"clusterIP": "None", "loadBalancerIP": "1.2.3.4", "sessionAffinity": "None"}, ["loadBalancerIP"]),
        ({"type": "ExternalName", "externalName": "x", "externalIPs": ["1.2.3.4"]}, ["externalIPs"]),
        ({"type": "ClusterIP", "externalName": "x"}, ["externalName"]),
    ],
)  # fmt: skip
def test_what_a_service_has_no_use_for(spec: Any, named: list[str]) -> None:
    found = {"metadata": {}, "spec": spec}
    for old in (None, found):
        told = list(advice(SERVICES, found, old))
        assert [each.partition(" is ignored")[0] for each in told] == [f"spec.{name}" for name in named]
