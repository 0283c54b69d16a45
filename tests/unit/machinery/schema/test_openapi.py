"""OpenAPI v3 documents: what kubectl needs to find in them."""

import msgspec

from boatyard.machinery.meta import core
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.core.descriptions import KINDS, OF_TYPE, described_type
from boatyard.machinery.registry.core.types import type_name
from boatyard.machinery.schema.openapi import Served, encode, group_document, index, schema_name

BOATS = Resource("sea.example.com", "v1", "boats", "Boat")
BOAT = {
    "type": "object",
    "description": "Something that floats.",
    "properties": {
        "metadata": {"$ref": "v1.ObjectMeta"},
        "spec": {
            "type": "object",
            "properties": {"crew": {"$ref": "v1.PodTemplateSpec", "x-boatyard-foreign": True, "description": "Who."}},
        },
    },
}
DOCUMENT = group_document([Served(BOATS, BOAT, ("status",))], described_type)


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_leads_into_the_document():
    schemas = DOCUMENT["components"]["schemas"]
    assert {reference.removeprefix("#/components/schemas/") for reference in references(DOCUMENT)} <= schemas.keys()
    assert "v1.Container" in schemas


def test_kinds_are_found_by_group_version_and_kind():
    boat = DOCUMENT["components"]["schemas"]["com.example.sea.v1.Boat"]
    assert boat["x-kubernetes-group-version-kind"] == [{"group": "sea.example.com", "version": "v1", "kind": "Boat"}]
    assert boat["description"] == "Something that floats."
    assert boat["properties"]["spec"]["properties"]["crew"] == {
        "description": "Who.",
        "allOf": [{"$ref": "#/components/schemas/v1.PodTemplateSpec"}],
    }


def test_paths_say_what_can_be_done_and_that_the_server_validates():
    item = DOCUMENT["paths"]["/apis/sea.example.com/v1/namespaces/{namespace}/boats/{name}"]
    assert item["patch"]["x-kubernetes-group-version-kind"] == {"group": "sea.example.com", "version": "v1", "kind": "Boat"}
    assert "fieldValidation" in [parameter["name"] for parameter in item["patch"]["parameters"]]
    assert "/apis/sea.example.com/v1/namespaces/{namespace}/boats/{name}/status" in DOCUMENT["paths"]
    assert DOCUMENT["paths"]["/apis/sea.example.com/v1/boats"]["get"]["x-kubernetes-action"] == "list"


def test_types_that_contain_themselves_end():
    definition = Served(core.CUSTOM_RESOURCE_DEFINITIONS, described_type("apiextensions.v1.CustomResourceDefinition"))
    document = group_document([definition], described_type)
    assert "apiextensions.v1.JSONSchemaProps" in document["components"]["schemas"]


def test_small_types_have_the_names_that_kubectl_explain_shows():
    assert described_type("v1.TCPSocketAction")["properties"]["port"] == {"$ref": "IntOrString"}
    assert described_type("v1.NodeStatus")["properties"]["capacity"]["additionalProperties"] == {"$ref": "Quantity"}
    assert described_type("v1.ManagedFieldsEntry")["properties"]["fieldsV1"] == {"$ref": "FieldsV1"}
    schema = described_type("apiextensions.v1.JSONSchemaProps")["properties"]
    assert schema["enum"]["items"] == {"$ref": "JSON"}
    assert schema["dependencies"]["additionalProperties"] == {"$ref": "JSONSchemaPropsOrStringArray"}
    assert DOCUMENT["components"]["schemas"]["FieldsV1"] == {"type": "object"}


def test_the_core_group_has_no_group_in_its_names():
    assert schema_name(core.PODS) == "v1.Pod"
    document = group_document([Served(core.PODS, described_type("v1.Pod"))], described_type)
    assert "/api/v1/namespaces/{namespace}/pods/{name}" in document["paths"]
    assert document["components"]["schemas"]["v1.PodSpec"]["properties"]["containers"]["description"]


def test_reviews_are_only_created():
    review = Resource("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", False)
    document = group_document([Served(review, described_type(type_name(review)), stored=False)], described_type)
    assert {path: list(verbs) for path, verbs in document["paths"].items()} == {
        "/apis/authorization.k8s.io/v1/subjectaccessreviews": ["parameters", "post"]
    }


def test_the_index_changes_with_the_documents():
    one, two = encode({"a": 1}), encode({"a": 2})
    first, second = index({"api/v1": one})["paths"]["api/v1"], index({"api/v1": two})["paths"]["api/v1"]
    assert first["serverRelativeURL"].startswith("/openapi/v3/api/v1?hash=") and first != second
    assert msgspec.json.decode(one) == {"a": 1}


def test_descriptions_are_of_types_and_fields_that_exist():
    for name in KINDS:
        assert described_type(name)["description"]
    for name, fields in OF_TYPE.items():
        assert fields.keys() <= described_type(name)["properties"].keys()
    for resource in core.STORED:
        assert type_name(resource) in KINDS
