"""The structure of Kubernetes' own types, as data."""

import pytest

from boatyard.machinery.meta import core
from boatyard.machinery.registry.core.normal import normalize
from boatyard.machinery.registry.core.types import core_schema, core_type, type_errors

EMPTY = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}


@pytest.mark.parametrize("resource", core.STORED, ids=lambda resource: resource.plural)
def test_every_stored_kind_has_its_type(resource):
    schema = core_schema(resource)
    told = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    assert schema.schema["x-kubernetes-group-version-kind"] == [told]
    assert schema.at("metadata", "ownerReferences").map_keys == ("uid",)


@pytest.mark.parametrize(
    "name",
    [
        "v1.Status",
        "v1.DeleteOptions",
        "v1.Binding",
        "policy.v1.Eviction",
        "autoscaling.v1.Scale",
        "authentication.v1.TokenRequest",
        "authentication.v1.TokenReview",
        "authorization.v1.SubjectAccessReview",
        "authorization.v1.SelfSubjectAccessReview",
    ],
)
def test_so_have_the_kinds_of_calls(name):
    assert core_type(name).type == "object"


def test_every_reference_leads_somewhere():
    def walk(name, seen):
        if name in seen:
            return
        seen.add(name)
        for reference in references(core_type(name).schema):
            walk(reference, seen)

    def references(schema):
        if isinstance(schema, dict):
            if isinstance(schema.get("$ref"), str):
                yield schema["$ref"]
            for value in schema.values():
                yield from references(value)
        elif isinstance(schema, list):
            for value in schema:
                yield from references(value)

    seen: set[str] = set()
    for resource in core.STORED:
        walk(core_schema(resource).schema["x-kubernetes-group-version-kind"] and _name(resource), seen)
    assert len(seen) > 200


def _name(resource):
    from boatyard.machinery.registry.core.types import type_name

    return type_name(resource)


def test_list_types_and_merge_keys_are_known():
    ports = core_schema(core.PODS).at("spec", "containers", 0, "ports")
    assert (ports.list_type, ports.map_keys, ports.patch_merge_key) == ("map", ("containerPort", "protocol"), "containerPort")
    assert ports.items.child("protocol").schema["default"] == "TCP"
    assert core_schema(core.PODS).at("spec", "volumes").patch_strategies == ("merge", "retainKeys")
    assert core_schema(core.PODS).at("spec", "nodeSelector").atomic
    assert core_schema(core.SERVICES).at("spec", "ports").map_keys == ("port", "protocol")


def test_no_prose_is_kept():
    from boatyard.machinery.registry.core.types import raw_type

    assert "description" not in raw_type("v1.Pod") and "description" not in raw_type("v1.Container")["properties"]["image"]


def test_values_of_the_wrong_type_are_named():
    pod = {
        **EMPTY,
        "spec": {"containers": [{"name": 5, "ports": [{"containerPort": "80"}]}], "terminationGracePeriodSeconds": 2**70},
    }
    assert {error.path for error in type_errors(core.PODS, pod)} == {
        "spec.containers[0].name", "spec.containers[0].ports[0].containerPort", "spec.terminationGracePeriodSeconds",
    }  # fmt: skip


def test_a_bad_quantity_is_a_type_error():
    pod = {**EMPTY, "spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": "one"}}}]}}
    assert [error.path for error in type_errors(core.PODS, pod)] == ["spec.containers[0].resources.limits.cpu"]


def test_unknown_fields_are_named_and_removed():
    pod = {**EMPTY, "spec": {"containers": [{"name": "a", "imagee": "x"}]}, "extra": 1}
    assert sorted(core_schema(core.PODS).prune(pod)) == ["extra", "spec.containers[0].imagee"]


def test_documents_are_brought_into_the_form_that_kubernetes_keeps():
    pod = {
        "metadata": {"name": "x", "creationTimestamp": None, "labels": {}, "finalizers": []},
        "spec": {
            "containers": [
                {"name": "a", "env": [], "resources": {"limits": {"cpu": 0.5, "memory": "1.5Gi"}}, "securityContext": {}}
            ],
            "volumes": [{"name": "v", "emptyDir": {}}],
            "terminationGracePeriodSeconds": 5.0,
        },
    }
    normalize(core.PODS, pod)
    assert pod == {
        "metadata": {"name": "x"},
        "spec": {
            "containers": [{"name": "a", "resources": {"limits": {"cpu": "500m", "memory": "1536Mi"}}, "securityContext": {}}],
            "volumes": [{"name": "v", "emptyDir": {}}],
            "terminationGracePeriodSeconds": 5,
        },
    }


def test_a_null_in_a_map_of_texts_is_an_empty_text():
    config = {"metadata": {"name": "x"}, "data": {"a": None}}
    normalize(core.CONFIG_MAPS, config)
    assert config["data"] == {"a": ""}
