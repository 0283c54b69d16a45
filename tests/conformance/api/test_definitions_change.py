"""What may change of a kind while it is served, and who hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from copy import deepcopy

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.errors import Invalid
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource

from .features import feature, without
from .waiting import missing, until
from .widgets import definition, served
from .wire import Wire

SECTION = "Custom kinds"

PLURAL, KIND = "vessels", "Vessel"
VESSELS = Resource("suite.boatyard.dev", "v1", PLURAL, KIND)
NAME = VESSELS.group_resource
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def vessel(name: str = "v") -> Object:
    return {"apiVersion": VESSELS.api_version, "kind": KIND, "metadata": {"name": name}, "spec": {"size": 1}}


async def changed(client: Client, change: Callable[[Object], None]) -> Object:
    """Change the definition. Others write its status meanwhile."""
    wanted = await client.get(CUSTOM_RESOURCE_DEFINITIONS, NAME)
    change(wanted["spec"])
    wanted["metadata"].pop("managedFields", None)
    return await client.patch(CUSTOM_RESOURCE_DEFINITIONS, NAME, {"spec": wanted["spec"]})


@pytest_asyncio.fixture(loop_scope="session")
async def vessels(client: Client) -> AsyncIterator[Resource]:
    """The kind, which goes with everything of it."""
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition(PLURAL, KIND))
    await served(client, VESSELS)
    yield VESSELS

    async def gone() -> bool:
        return await missing(client.get(CUSTOM_RESOURCE_DEFINITIONS, NAME))

    if not await gone():
        await client.delete(CUSTOM_RESOURCE_DEFINITIONS, NAME)
    await until(gone)


@feature("the version in which objects are stored stays")
@without("kubernetes", because="it serves several, and stores in any")
async def test_another_version(client: Client, vessels: Resource) -> None:
    def to_second(spec: Object) -> None:
        spec["versions"].append({**deepcopy(spec["versions"][0]), "name": "v2"})
        spec["versions"][0] |= {"served": False, "storage": False}

    with pytest.raises(Invalid, match=r"spec.versions: Forbidden: changing the storage version \(from v1 to v2\) is not supported"):
        await changed(client, to_second)


@feature("group, scope, kind and plural of a definition stay")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scope": "Cluster"}, "spec.scope"),
        ({"group": "other.boatyard.dev"}, "spec.group"),
        ({"names": {"plural": "boats", "kind": KIND}}, "spec.names.plural"),
        ({"names": {"plural": PLURAL, "kind": "Boat"}}, "spec.names.kind"),
    ],
)
async def test_what_stays(client: Client, vessels: Resource, change: Object, field: str) -> None:
    with pytest.raises(Invalid) as wrong:
        await client.patch(CUSTOM_RESOURCE_DEFINITIONS, NAME, {"spec": change})
    assert (field, "field is immutable") in [
        (cause["field"], cause["message"].rpartition(": ")[2]) for cause in wrong.value.details["causes"]
    ]


@feature("columns and short names change at run time")
async def test_columns_and_names(wire: Wire, client: Client, namespace: str, vessels: Resource) -> None:
    await client.create(VESSELS, vessel(), namespace)
    address = f"/apis/{VESSELS.api_version}/namespaces/{namespace}/{PLURAL}"

    async def columns() -> list[str]:
        told = (await wire("GET", address, accept=TABLE)).json
        return [column["name"] for column in told.get("columnDefinitions", ())]

    assert await columns() == ["Name", "Age"]

    def more(spec: Object) -> None:
        spec["versions"][0]["additionalPrinterColumns"] = [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]
        spec["names"]["shortNames"] = ["vsl"]

    await changed(client, more)

    async def seen() -> bool:
        listed = (await wire("GET", f"/apis/{VESSELS.api_version}")).json.get("resources", ())
        short = next((one.get("shortNames") for one in listed if one["name"] == PLURAL), None)
        return await columns() == ["Name", "Size"] and short == ["vsl"]

    await until(seen)


@feature("a watch of a kind that goes: every object's DELETED, then the end")
async def test_a_watch_of_what_goes(wire: Wire, client: Client, namespace: str, vessels: Resource) -> None:
    for name in ("a", "b"):
        await client.create(VESSELS, vessel(name), namespace)
    address = f"/apis/{VESSELS.api_version}/namespaces/{namespace}/{PLURAL}"
    async with wire.watch(f"{address}?watch=true&resourceVersion=0") as events:
        assert sorted(await events.some(2)) == [("ADDED", "a"), ("ADDED", "b")]
        await client.delete(CUSTOM_RESOURCE_DEFINITIONS, NAME)
        told = [(event["type"], event["object"]["metadata"].get("name")) for event in await events.rest()]
    assert sorted(told) == [("DELETED", "a"), ("DELETED", "b")]
    assert (await wire("GET", address)).status == 404
