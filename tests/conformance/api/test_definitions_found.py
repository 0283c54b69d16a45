"""Traits of definitions and their objects that are common in the field and rare in a suite."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.errors import AlreadyExists, Invalid
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .widgets import definition, served
from .wire import Wire

SECTION = "Custom kinds"
RELICS = Resource("suite.boatyard.dev", "v1", "relics", "Relic")
ANYTHING = {"x-kubernetes-preserve-unknown-fields": True}
FIELDS: dict[str, Any] = {
    "mode": {"type": "string", "pattern": "^(?i)(stop|go)?$"},
    "any": ANYTHING,
    "many": {"type": "object", "additionalProperties": ANYTHING},
    "open": {"type": "object", "additionalProperties": True},
    "few": {"type": "array", "maxItems": 1, "items": {"type": "string"}},
}
TOLD = '299 - "suite.boatyard.dev/v1 Relic is deprecated"'


def relic(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": RELICS.api_version, "kind": "Relic", "metadata": {"name": name}, "spec": spec}


@pytest_asyncio.fixture(loop_scope="session")
async def relics(client: Client) -> Resource:
    """The kind, which stays."""
    made = definition(RELICS.plural, RELICS.kind)
    (version,) = made["spec"]["versions"]
    version["deprecated"] = True
    version["schema"]["openAPIV3Schema"]["properties"]["spec"] = {"type": "object", "properties": FIELDS}
    del version["selectableFields"]
    try:
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, made)
    except AlreadyExists:
        pass
    await served(client, RELICS)
    return RELICS


@feature("a version that goes out of use: a Warning, whatever is asked")
async def test_a_version_that_goes_out_of_use(wire: Wire, client: Client, namespace: str, relics: Resource) -> None:
    address = relics.path(namespace)
    answers = [
        await wire("POST", address, relic("a")), await wire("GET", address), await wire("GET", f"{address}/a"),
        await wire("GET", f"{address}/none"), await wire("GET", f"{address}?watch=true&timeoutSeconds=1"),
        await wire("DELETE", f"{address}/a"),
    ]  # fmt: skip
    assert [answer.headers.getall("Warning", []) for answer in answers] == [[TOLD]] * len(answers)


@feature("a Warning for finalizers that don't say whose they are")
async def test_finalizers_without_a_path(wire: Wire, client: Client, namespace: str, relics: Resource) -> None:
    wanted = relic("held")
    wanted["metadata"]["finalizers"] = ["suite.boatyard.dev", "mine", "suite.boatyard.dev/mine"]
    answer = await wire("POST", f"{relics.path(namespace)}?dryRun=All", wanted)
    assert answer.status == 201
    told = [warning.partition(": prefer a ")[2] for warning in answer.headers.getall("Warning")[1:]]
    assert told == [
        'domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers"',
        'domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers"',
    ]


@feature("every validation keyword, in Kubernetes' words")
async def test_patterns_are_those_of_go(client: Client, namespace: str, relics: Resource) -> None:
    await client.create(relics, relic("loud", mode="STOP"), namespace)
    for mode in ("halt", "go\n"):
        with pytest.raises(Invalid):
            await client.create(relics, relic("wrong", mode=mode), namespace)


@feature("every validation keyword, in Kubernetes' words")
async def test_one_item(client: Client, namespace: str, relics: Resource) -> None:
    with pytest.raises(Invalid) as refused:
        await client.create(relics, relic("full", few=["a", "b"]), namespace)
    (cause,) = refused.value.details["causes"]
    assert cause["message"] == "Too many: 2: must have at most 1 item"


@feature("defaults (in lists too), pruning, preserved unknown fields, int-or-string, nullable")
async def test_nulls_of_no_type(client: Client, namespace: str, relics: Resource) -> None:
    """What is declared may be null only where it says so, type or none; what isn't declared may."""
    sent = {"any": None, "many": {"a": None, "b": {"c": None}}, "open": {"a": None}}
    kept = {"many": {"b": {"c": None}}, "open": {"a": None}}
    assert (await client.create(relics, relic("empty", **sent), namespace))["spec"] == kept
    applied = relic("applied", **sent)
    applied["metadata"]["namespace"] = namespace
    assert (await client.apply(relics, applied, field_manager="one"))["spec"] == kept


@feature("a definition loses what says nothing: false, 0, empty texts")
async def test_what_says_nothing(client: Client) -> None:
    made = definition("ruins", "Ruin")
    (version,) = made["spec"]["versions"]
    made["spec"]["preserveUnknownFields"] = False
    version["additionalPrinterColumns"] = [{"name": "A", "type": "string", "jsonPath": ".spec.a", "priority": 0, "description": ""}]
    spec = {
        "a": {"type": "string", "description": "", "nullable": False, "minLength": 0},
        "b": {"type": "integer", "minimum": 0, "exclusiveMinimum": False},
    }
    version["schema"]["openAPIV3Schema"]["properties"]["spec"] = {"type": "object", "title": "", "properties": spec}
    del version["selectableFields"]
    found = (await client.create(CUSTOM_RESOURCE_DEFINITIONS, made, dry_run=True))["spec"]
    (kept,) = found["versions"]
    assert "preserveUnknownFields" not in found
    assert kept["additionalPrinterColumns"] == [{"name": "A", "type": "string", "jsonPath": ".spec.a"}]
    assert kept["schema"]["openAPIV3Schema"]["properties"]["spec"] == {
        "type": "object",
        "properties": {"a": {"type": "string", "minLength": 0}, "b": {"type": "integer", "minimum": 0}},
    }
