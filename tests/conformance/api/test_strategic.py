"""Strategic merge patches: keyed lists, sets, and the directives that kubectl sends."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import PODS, SERVICES
from boatyard.machinery.meta.errors import ApiError

from .features import feature

SECTION = "Patch"
PORTS = [{"name": name, "port": port, "protocol": "TCP", "targetPort": port} for name, port in (("a", 80), ("b", 81), ("c", 82))]


@pytest_asyncio.fixture(loop_scope="session")
async def service(client: Client, namespace: str) -> str:
    """A service s with three ports and a selector; the namespace."""
    await client.create(
        SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": PORTS, "selector": {"x": "1", "y": "2"}}}, namespace
    )
    return namespace


async def ports(client: Client, namespace: str, patch: Any) -> list[str]:
    changed = await client.patch(SERVICES, "s", {"spec": patch}, namespace, type="strategic")
    return [port["name"] for port in changed["spec"]["ports"]]


@feature("strategic merge patch: keyed lists of the core kinds")
async def test_an_item_by_its_key(client: Client, service: str) -> None:
    changed = await client.patch(SERVICES, "s", {"spec": {"ports": [{"port": 81, "targetPort": 9}]}}, service, type="strategic")
    assert [(port["name"], port["targetPort"]) for port in changed["spec"]["ports"]] == [("a", 80), ("b", 9), ("c", 82)]
    with pytest.raises(ApiError, match="port"):
        await ports(client, service, {"ports": [{"name": "nameless"}]})


@feature("strategic merge patch: $patch delete and replace, $setElementOrder, $deleteFromPrimitiveList, $retainKeys")
async def test_an_item_goes(client: Client, service: str) -> None:
    assert await ports(client, service, {"ports": [{"port": 81, "$patch": "delete"}]}) == ["a", "c"]


@feature("strategic merge patch: $patch delete and replace, $setElementOrder, $deleteFromPrimitiveList, $retainKeys")
async def test_all_is_replaced(client: Client, service: str) -> None:
    only = {"name": "d", "port": 90, "protocol": "TCP"}
    assert await ports(client, service, {"ports": [{"$patch": "replace"}, only]}) == ["d"]
    changed = await client.patch(SERVICES, "s", {"spec": {"selector": {"$patch": "replace", "z": "3"}}}, service, type="strategic")
    assert changed["spec"]["selector"] == {"z": "3"}


@feature("strategic merge patch: $patch delete and replace, $setElementOrder, $deleteFromPrimitiveList, $retainKeys")
async def test_the_order(client: Client, service: str) -> None:
    order = [{"port": 82}, {"port": 80}, {"port": 81}]
    patch = {"$setElementOrder/ports": order, "ports": [{"port": 80, "targetPort": 9}]}
    assert await ports(client, service, patch) == ["c", "a", "b"]


@feature("strategic merge patch: $patch delete and replace, $setElementOrder, $deleteFromPrimitiveList, $retainKeys")
async def test_finalizers_are_a_set(client: Client, service: str) -> None:
    async def patched(metadata: dict[str, Any]) -> list[str]:
        changed = await client.patch(SERVICES, "s", {"metadata": metadata}, service, type="strategic")
        return changed["metadata"].get("finalizers") or []

    assert await patched({"finalizers": ["k.x/a"]}) == ["k.x/a"]
    assert sorted(await patched({"finalizers": ["k.x/b", "k.x/a"]})) == ["k.x/a", "k.x/b"]
    assert await patched({"$deleteFromPrimitiveList/finalizers": ["k.x/a"]}) == ["k.x/b"]
    assert await patched({"$deleteFromPrimitiveList/finalizers": ["k.x/b"]}) == []


@feature("strategic merge patch: $patch delete and replace, $setElementOrder, $deleteFromPrimitiveList, $retainKeys")
async def test_only_the_keys_that_are_named_stay(client: Client, namespace: str, account: None) -> None:
    volumes = [{"name": "v", "emptyDir": {}}]
    spec = {"containers": [{"name": "c", "image": "busybox"}], "volumes": volumes, "automountServiceAccountToken": False}
    await client.create(PODS, {"metadata": {"name": "p"}, "spec": spec}, namespace)
    change = {"name": "v", "configMap": {"name": "m"}, "$retainKeys": ["name", "configMap"]}
    with pytest.raises(ApiError, match="pod updates may not change fields other than") as told:
        await client.patch(PODS, "p", {"spec": {"volumes": [change]}}, namespace, type="strategic")
    assert "may not specify more than 1 volume type" not in told.value.message


@feature("strategic merge patch: $patch delete and replace, $setElementOrder, $deleteFromPrimitiveList, $retainKeys")
async def test_null_removes(client: Client, service: str) -> None:
    changed = await client.patch(SERVICES, "s", {"spec": {"selector": {"x": None}}}, service, type="strategic")
    assert changed["spec"]["selector"] == {"y": "2"}


@feature("strategic merge patch: $patch delete and replace, $setElementOrder, $deleteFromPrimitiveList, $retainKeys")
async def test_a_directive_that_is_none(client: Client, service: str) -> None:
    with pytest.raises(ApiError):
        await client.patch(SERVICES, "s", {"spec": {"ports": [{"port": 80, "$patch": "shuffle"}]}}, service, type="strategic")
