"""CustomResourceDefinitions: kinds come, change and go while everything runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.errors import Invalid, NotFound
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .waiting import missing, until
from .widgets import definition, served

SECTION = "Custom kinds"

GADGETS = Resource("suite.boatyard.dev", "v1", "gadgets", "Gadget")


def gadget(name: str = "g", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": GADGETS.api_version, "kind": "Gadget", "metadata": {"name": name, **metadata}, "spec": {"size": 1}}


async def ended(client: Client, name: str) -> None:
    """Wait until a definition has gone."""
    await until(lambda: missing(client.get(CUSTOM_RESOURCE_DEFINITIONS, name)))


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def nothing_left(client: Client) -> AsyncIterator[None]:
    """The definition goes even when a test fails: a real cluster outlives it."""
    yield
    try:
        await client.delete(CUSTOM_RESOURCE_DEFINITIONS, GADGETS.group_resource)
        await ended(client, GADGETS.group_resource)
    except NotFound:
        pass


@feature("made, changed and deleted at run time")
async def test_a_kind_comes_changes_and_goes(client: Client, namespace: str) -> None:
    made = await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition("gadgets", "Gadget", shortNames=["gg"]))
    name = made["metadata"]["name"]
    assert made["spec"]["names"]["singular"] == "gadget" and made["spec"]["names"]["listKind"] == "GadgetList"
    await served(client, GADGETS)
    await client.create(GADGETS, gadget(), namespace)

    current = await client.get(CUSTOM_RESOURCE_DEFINITIONS, name)
    schema = current["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["more"] = {"type": "string", "default": "yes"}
    await client.update(CUSTOM_RESOURCE_DEFINITIONS, current)
    for number in range(1000):
        if (await client.create(GADGETS, gadget(f"g{number}"), namespace))["spec"].get("more") == "yes":
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("the changed schema was never used")

    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, name)
    await ended(client, name)

    # A kube-apiserver's handler hears of a definition's end a moment after the definition has gone.
    await until(lambda: missing(client.list(GADGETS, namespace)))


@feature("a definition goes when its objects have gone")
async def test_its_objects_go_first(client: Client, namespace: str) -> None:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition("gadgets", "Gadget"))
    await served(client, GADGETS)
    await client.create(GADGETS, gadget(finalizers=["suite.boatyard.dev/hold"]), namespace)
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, GADGETS.group_resource)
    for _ in range(1200):
        if (await client.get(GADGETS, "g", namespace))["metadata"].get("deletionTimestamp"):
            break
        await asyncio.sleep(0.05)
    waiting = await client.get(CUSTOM_RESOURCE_DEFINITIONS, GADGETS.group_resource)
    assert waiting["metadata"]["deletionTimestamp"]
    await client.patch(GADGETS, "g", {"metadata": {"finalizers": None}}, namespace)
    await ended(client, GADGETS.group_resource)


@feature("a wrong definition is refused with its paths")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"group": "other.example.com"}, "metadata.name"),
        ({"scope": "Everywhere"}, "spec.scope"),
        ({"versions": [{"name": "v1", "served": True, "storage": True}]}, "spec.versions[0].schema.openAPIV3Schema"),
    ],
)
async def test_a_definition_that_is_wrong(client: Client, change: dict[str, Any], field: str) -> None:
    body = definition("bads", "Bad")
    body["spec"] |= change
    with pytest.raises(Invalid) as told:
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, body)
    assert field in [cause["field"] for cause in told.value.details["causes"]]
