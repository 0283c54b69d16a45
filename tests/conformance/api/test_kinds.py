"""Custom kinds in depth: conditions, names, schemas with every keyword, status and scale, columns."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.errors import AlreadyExists, Invalid, NotFound
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .waiting import until
from .widgets import served
from .wire import Wire

SECTION = "Custom kinds"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
SPEC: dict[str, Any] = {
    "type": "object",
    "properties": {
        "replicas": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 9, "default": 1},
        "ratio": {"type": "number", "exclusiveMinimum": True, "minimum": 0, "multipleOf": 0.5},
        "port": {"x-kubernetes-int-or-string": True},
        "note": {"type": "string", "nullable": True, "maxLength": 5, "minLength": 2, "pattern": "^[a-z]+$"},
        "born": {"type": "string", "format": "date-time"},
        "mode": {"type": "string", "enum": ["on", "off"]},
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set", "maxItems": 3},
        "parts": {
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object", "required": ["name"],
                "properties": {"name": {"type": "string"}, "size": {"type": "integer", "default": 3}},
            },
        },
        "labels": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 2},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"known": {"type": "boolean"}}},
    },
}  # fmt: skip
STATUS: dict[str, Any] = {
    "type": "object",
    "properties": {"replicas": {"type": "integer"}, "selector": {"type": "string"}, "phase": {"type": "string"}},
}
COLUMNS = [
    {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas", "priority": 0},
    {"name": "Phase", "type": "string", "jsonPath": ".status.phase", "description": "how it is"},
    {"name": "First", "type": "string", "jsonPath": ".spec.parts[0].name", "priority": 1},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]
SCALE = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"}
CRATES = Resource("deep.boatyard.dev", "v1", "crates", "Crate")


def crates(**names: Any) -> dict[str, Any]:
    """The definition."""
    called = {"plural": "crates", "kind": "Crate", "shortNames": ["cr"], "categories": ["suite"], **names}
    schema = {"type": "object", "properties": {"spec": SPEC, "status": STATUS}}
    version = {
        "name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, "additionalPrinterColumns": COLUMNS,
        "subresources": {"status": {}, "scale": SCALE},
    }  # fmt: skip
    return {
        "metadata": {"name": f"{called['plural']}.deep.boatyard.dev"},
        "spec": {"group": "deep.boatyard.dev", "scope": "Namespaced", "names": called, "versions": [version]},
    }


@pytest_asyncio.fixture(loop_scope="session")
async def kind(client: Client) -> Resource:
    try:
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, crates())
    except AlreadyExists:
        pass
    await served(client, CRATES)
    return CRATES


def crate(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "deep.boatyard.dev/v1", "kind": "Crate", "metadata": {"name": "c"}, "spec": spec}


def told(conditions: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in conditions}


@feature("conditions Established and NamesAccepted, accepted names, stored versions")
async def test_conditions(client: Client, kind: Resource) -> None:
    status = (await client.get(CUSTOM_RESOURCE_DEFINITIONS, "crates.deep.boatyard.dev"))["status"]
    assert told(status["conditions"]) == {
        "NamesAccepted": ("True", "NoConflicts"), "Established": ("True", "InitialNamesAccepted"),
    }  # fmt: skip
    assert all(condition["message"] and condition["lastTransitionTime"] for condition in status["conditions"])
    assert status["storedVersions"] == ["v1"] and status["acceptedNames"] == {
        "plural": "crates", "singular": "crate", "kind": "Crate", "listKind": "CrateList", "shortNames": ["cr"],
        "categories": ["suite"],
    }  # fmt: skip


@feature("a name that another kind of the group has: not accepted, not served")
async def test_names_that_are_taken(client: Client, kind: Resource) -> None:
    name = "crateys.deep.boatyard.dev"
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, crates(plural="crateys", kind="Cratey", shortNames=["cr"]))
    try:

        async def refused() -> bool:
            found = (await client.get(CUSTOM_RESOURCE_DEFINITIONS, name)).get("status", {}).get("conditions") or []
            return told(found).get("NamesAccepted", ("", ""))[0] == "False"

        await until(refused)
        conditions = (await client.get(CUSTOM_RESOURCE_DEFINITIONS, name))["status"]["conditions"]
        assert told(conditions) == {"NamesAccepted": ("False", "ShortNamesConflict"), "Established": ("False", "NotAccepted")}
        assert '"cr" is already in use' in [one["message"] for one in conditions]
        with pytest.raises(NotFound):
            await client.list(Resource("deep.boatyard.dev", "v1", "crateys", "Cratey"))
    finally:
        await client.delete(CUSTOM_RESOURCE_DEFINITIONS, name)


@feature("defaults (in lists too), pruning, preserved unknown fields, int-or-string, nullable")
async def test_what_a_document_becomes(client: Client, namespace: str, kind: Resource) -> None:
    sent = crate(
        port="http", note=None, unknown=1, free={"known": True, "any": {"thing": [1]}}, parts=[{"name": "a", "typo": 1}],
        labels={"a": "b"}, tags=["x", "y"],
    )  # fmt: skip
    made = await client.create(kind, sent, namespace)
    assert made["spec"] == {
        "replicas": 1, "port": "http", "note": None, "free": {"known": True, "any": {"thing": [1]}},
        "parts": [{"name": "a", "size": 3}], "labels": {"a": "b"}, "tags": ["x", "y"],
    }  # fmt: skip
    changed = await client.patch(kind, "c", {"spec": {"port": 80}}, namespace)
    assert changed["spec"]["port"] == 80


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"replicas": 10}, "spec.replicas", "Invalid value: 10: spec.replicas in body should be less than or equal to 9"),
    ({"replicas": -1}, "spec.replicas", "Invalid value: -1: spec.replicas in body should be greater than or equal to 0"),
    ({"replicas": "1"}, "spec.replicas", 'Invalid value: "string": spec.replicas in body must be of type integer: "string"'),
    ({"ratio": 0}, "spec.ratio", "Invalid value: 0: spec.ratio in body should be greater than 0"),
    ({"ratio": 0.7}, "spec.ratio", "Invalid value: 0.7: spec.ratio in body should be a multiple of 0.5"),
    ({"note": "abcdefg"}, "spec.note", "Too long: may not be more than 5 bytes"),
    ({"note": "a"}, "spec.note", 'Invalid value: "a": spec.note in body should be at least 2 chars long'),
    ({"note": "AB"}, "spec.note", "Invalid value: \"AB\": spec.note in body should match '^[a-z]+$'"),
    ({"born": "today"}, "spec.born", 'Invalid value: "today": spec.born in body must be of type date-time: "today"'),
    ({"mode": "so"}, "spec.mode", 'Unsupported value: "so": supported values: "on", "off"'),
    ({"tags": ["a", "a"]}, "spec.tags[1]", 'Duplicate value: "a"'),
    ({"tags": list("abcd")}, "spec.tags", "Too many: 4: must have at most 3 items"),
    ({"parts": [{"size": 1}]}, "spec.parts[0].name", "Required value"),
    ({"parts": [{"name": "a"}, {"name": "a"}]}, "spec.parts[1]", 'Duplicate value: {"name":"a"}'),
    ({"labels": {"a": 1}}, "spec.labels.a", 'Invalid value: "integer": spec.labels.a in body must be of type string: "integer"'),
    ({"labels": {"a": "", "b": "", "c": ""}}, "spec.labels", "Too many: 3: must have at most 2 items"),
    ({"port": [1]}, "spec.port", 'Invalid value: "array": spec.port in body must be of type integer,string: "array"'),
]  # fmt: skip


@feature("every validation keyword, in Kubernetes' words")
@pytest.mark.parametrize(("spec", "field", "message"), WRONG, ids=lambda value: value if isinstance(value, str) else None)
async def test_what_is_wrong(
    client: Client, namespace: str, kind: Resource, spec: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await client.create(kind, crate(**spec), namespace)
    causes = {cause["field"]: cause["message"] for cause in refused.value.details["causes"]}
    assert causes[field] == message
    assert refused.value.message.startswith('Crate.deep.boatyard.dev "c" is invalid: ')


@feature("all that is wrong, at once")
async def test_all_that_is_wrong(client: Client, namespace: str, kind: Resource) -> None:
    with pytest.raises(Invalid) as refused:
        await client.create(kind, crate(replicas=10, mode="so", note="AB"), namespace)
    fields = {cause["field"] for cause in refused.value.details["causes"]}
    assert {"spec.replicas", "spec.mode", "spec.note"} <= fields


@feature("`scale`: read, replaced, patched")
async def test_scale(client: Client, namespace: str, kind: Resource) -> None:
    await client.create(kind, crate(replicas=2), namespace)
    await client.patch(kind, "c", {"status": {"replicas": 1, "selector": "a=b"}}, namespace, subresource="status")
    scale = await client.get(kind, "c", namespace, subresource="scale")
    assert (scale["apiVersion"], scale["kind"]) == ("autoscaling/v1", "Scale")
    assert scale["spec"] == {"replicas": 2} and scale["status"] == {"replicas": 1, "selector": "a=b"}
    scale["spec"]["replicas"] = 4
    assert (await client.update(kind, scale, subresource="scale"))["spec"] == {"replicas": 4}
    patched = await client.patch(kind, "c", {"spec": {"replicas": 5}}, namespace, subresource="scale")
    assert patched["spec"] == {"replicas": 5}
    assert (await client.get(kind, "c", namespace))["spec"]["replicas"] == 5
    with pytest.raises(Invalid):
        await client.patch(kind, "c", {"spec": {"replicas": -1}}, namespace, subresource="scale")


@feature("printer columns, with types, priorities and paths into lists")
async def test_columns(wire: Wire, client: Client, namespace: str, kind: Resource) -> None:
    await client.create(kind, crate(parts=[{"name": "a"}]), namespace)
    await client.patch(kind, "c", {"status": {"phase": "Fine"}}, namespace, subresource="status")
    table = (await wire("GET", kind.path(namespace), accept=TABLE)).json
    assert [(column["name"], column["type"], column["priority"]) for column in table["columnDefinitions"]] == [
        ("Name", "string", 0), ("Replicas", "integer", 0), ("Phase", "string", 0), ("First", "string", 1), ("Age", "date", 0),
    ]  # fmt: skip
    (row,) = table["rows"]
    assert row["cells"][:4] == ["c", 1, "Fine", "a"] and row["cells"][4].endswith("s")


@feature("short names, categories and singular names in discovery")
async def test_names(wire: Wire, kind: Resource) -> None:
    async def there() -> bool:
        answer = await wire("GET", "/apis/deep.boatyard.dev/v1")
        return answer.status == 200 and "crates" in {one["name"] for one in answer.json["resources"]}

    await until(there)
    found = {one["name"]: one for one in (await wire("GET", "/apis/deep.boatyard.dev/v1")).json["resources"]}
    assert found["crates"]["shortNames"] == ["cr"] and found["crates"]["categories"] == ["suite"]
    assert found["crates"]["singularName"] == "crate"
    assert (found["crates/scale"]["group"], found["crates/scale"]["kind"]) == ("autoscaling", "Scale")
