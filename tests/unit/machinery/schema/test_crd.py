"""From a model to its CustomResourceDefinition, and back to a schema that checks documents."""

from typing import Annotated, Any, Literal

import pytest

from boatyard.machinery.schema import kind as kinds
from boatyard.machinery.schema.crd import CORE_TYPES, crd_of, discover, structural_of, structural_of_crd
from boatyard.machinery.schema.kind import Column, Model, View, doc, kind
from boatyard.machinery.schema.openapi_of_model import schema_of
from boatyard.machinery.schema.structural import Structural


class Plank(View):
    """A board."""

    name: Annotated[str, doc("What it is called.", min_length=1)]
    length_metres: Annotated[int, doc("How long it is.", ge=1, le=20)] = 3


class BoatSpec(View):
    """What the boat should be."""

    hull: Annotated[Literal["wood", "steel"], doc("What the hull is of.")] = "wood"
    planks: Annotated[tuple[Plank, ...], doc("Its boards.", map_keys=("name",))] = ()
    ports: Annotated[tuple[str, ...], doc("Where it calls.", set_list=True)] = ()
    extra: Annotated[dict[str, Any], doc("Free form.")] = {}
    crew: Annotated[dict[str, Any], doc("A pod.", core="v1.PodTemplateSpec")] = {}
    max_surge: int | str = 1
    note: Annotated[str, doc("A word.", pattern="^[a-z]*$")] | None = None
    owner: str


class BoatStatus(View):
    """How the boat is."""

    phase: str = ""


@pytest.fixture(scope="module")
def boat():
    before = list(kinds.KINDS)

    @kind(
        group="sea.example.com",
        version="v1",
        plural="boats",
        short_names=("bt",),
        columns=(Column("Phase", ".status.phase"),),
        immutable_spec=True,
    )
    class Boat(Model[BoatSpec, BoatStatus]):
        """Something that floats."""

    kinds.KINDS[:] = before
    return Boat


def test_the_definition_says_what_is_served(boat):
    crd = crd_of(boat)
    assert crd["metadata"]["name"] == "boats.sea.example.com"
    assert crd["spec"]["names"] == {
        "plural": "boats",
        "singular": "boat",
        "kind": "Boat",
        "listKind": "BoatList",
        "shortNames": ["bt"],
        "categories": ["boatyard"],
    }
    (version,) = crd["spec"]["versions"]
    assert version["subresources"] == {"status": {}}
    assert version["additionalPrinterColumns"] == [{"name": "Phase", "type": "string", "jsonPath": ".status.phase"}]
    assert version["schema"]["openAPIV3Schema"]["description"] == "Something that floats."


def test_fields_carry_their_types_docs_rules_and_list_types(boat):
    spec = crd_of(boat)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    fields = spec["properties"]
    assert spec["required"] == ["owner"] and spec["description"] == "What the boat should be."
    assert fields["hull"] == {"description": "What the hull is of.", "type": "string", "enum": ["steel", "wood"], "default": "wood"}
    assert fields["planks"]["x-kubernetes-list-map-keys"] == ["name"]
    assert fields["planks"]["items"]["properties"]["lengthMetres"]["maximum"] == 20
    assert fields["ports"]["x-kubernetes-list-type"] == "set"
    assert fields["extra"]["x-kubernetes-preserve-unknown-fields"] is True
    assert fields["maxSurge"]["x-kubernetes-int-or-string"] is True
    assert fields["note"] == {"description": "A word.", "type": "string", "pattern": "^[a-z]*$"}


def test_core_types_are_open_in_the_definition_and_named_beside_it(boat):
    crd = crd_of(boat)
    assert crd["metadata"]["annotations"] == {CORE_TYPES: '{"spec.crew": "v1.PodTemplateSpec"}'}
    assert "x-boatyard-core" not in str(crd)


def test_documents_are_checked_with_the_core_types_grafted_in(boat):
    known = {
        "v1.ObjectMeta": Structural({"type": "object", "properties": {"name": {"type": "string"}}}),
        "v1.PodTemplateSpec": Structural({"type": "object", "properties": {"spec": {"type": "object", "default": {}}}}),
    }
    schema = structural_of_crd(crd_of(boat), "v1", known.__getitem__)
    obj = {"apiVersion": "a", "kind": "Boat", "metadata": {"name": "x", "typo": 1}, "spec": {"owner": "me", "crew": {"typo": 1}}}
    assert schema.prune(obj) == ["metadata.typo", "spec.crew.typo"]
    schema.default(obj)
    assert obj["spec"]["crew"] == {} and obj["spec"]["hull"] == "wood"
    assert schema.validate(obj) == []
    obj["spec"] = {**obj["spec"], "crew": {"spec": 1}}
    assert [error.path for error in schema.validate(obj)] == ["spec.crew.spec"]


def test_an_immutable_spec_stays(boat):
    schema = structural_of_crd(crd_of(boat), "v1")
    assert [e.path for e in schema.validate({"spec": {"owner": "b"}}, {"spec": {"owner": "a"}})] == ["spec"]


def test_a_version_that_is_not_there(boat):
    with pytest.raises(KeyError):
        structural_of_crd(crd_of(boat), "v9")


def test_a_kind_can_check_documents_without_being_served(boat):
    assert [str(e) for e in structural_of(boat).validate({"spec": {}})] == ["spec.owner: Required value"]


class Endless(View):
    """It holds itself."""

    inner: "Endless | None" = None


@pytest.mark.parametrize("type_", [Endless, int | Plank, bytes | int])
def test_types_without_a_structural_schema_are_refused(type_):
    with pytest.raises(TypeError):
        schema_of(type_)


def test_views_are_frozen_and_take_keywords_in_any_order():
    spec = BoatSpec(owner="me")
    with pytest.raises(AttributeError):
        spec.owner = "you"


def test_discovered_kinds_all_have_definitions():
    for model in discover():
        if model.info.stored:
            assert crd_of(model)["spec"]["names"]["kind"] == model.__name__
