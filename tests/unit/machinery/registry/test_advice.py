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


def test_a_finalizer_that_begins_with_a_domain_lacks_only_its_path() -> None:
    (told,) = advice(BOATS, held("yard.example.com"), None)
    assert told.startswith('metadata.finalizers: "yard.example.com": prefer a domain-qualified finalizer name including a path (/)')


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


def test_formats_of_a_definition_that_nobody_checks_are_told_once() -> None:
    def definition(**formats: str) -> dict[str, Any]:
        fields = {name: {"type": "array", "items": {"type": "string", "format": format}} for name, format in formats.items()}
        return {"metadata": {}, "spec": {"versions": [{"schema": {"openAPIV3Schema": {"properties": fields}}}]}}

    definitions = Kind(core.CUSTOM_RESOURCE_DEFINITIONS)
    assert list(advice(definitions, definition(a="ip", b="email"))) == ['unrecognized format "ip"']
    assert list(advice(definitions, definition(a="ip", b="zip"), definition(a="ip"))) == ['unrecognized format "zip"']


@pytest.mark.parametrize(
    ("resource", "obj", "told"),
    [
        (core.SERVICES, {"spec": {"externalIPs": ["010.2.3.4"]}}, 'spec.externalIPs[0]: non-standard IP address "010.2.3.4"'),
        (core.NODES, {"spec": {"podCIDRs": ["10.0.0.1/8"]}}, 'spec.podCIDRs[0]: CIDR value "10.0.0.1/8" is ambiguous'),
        (core.PERSISTENT_VOLUMES, {"spec": {"persistentVolumeReclaimPolicy": "Recycle"}}, "spec.persistentVolumeReclaimPolicy: "),
        (core.PERSISTENT_VOLUMES, {"spec": {"storageos": {}}}, "spec.storageOS: deprecated in v1.22, non-functional in v1.25+"),
        (
            core.PERSISTENT_VOLUME_CLAIMS,
            {"spec": {"resources": {"requests": {"storage": "100m"}}}},
            'spec.resources.requests[storage]: fractional byte value "100m" is invalid',
        ),
        (
            core.POD_TEMPLATES,
            {"template": {"spec": {"terminationGracePeriodSeconds": -1}}},
            "template.spec.terminationGracePeriodSeconds: must be >= 0",
        ),
    ],
)  # fmt: skip
def test_what_is_written_oddly_is_told(resource: Resource, obj: dict[str, Any], told: str) -> None:
    (warning,) = advice(Kind(resource), {"metadata": {}, **obj})
    assert warning.startswith(told)
