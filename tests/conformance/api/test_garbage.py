"""What controllers do with owners and what they own: the garbage collector, judged by Kubernetes' own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import (
    CLUSTER_ROLES,
    CONFIG_MAPS,
    ENDPOINT_SLICES,
    INGRESSES,
    LEASES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .waiting import until

SECTION = "Owners and what they own"

HOLD = "suite.boatyard.dev/hold"
FREE = {"metadata": {"finalizers": None}}
_ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "x"}
KINDS: dict[Resource, dict[str, Any]] = {
    CONFIG_MAPS: {},
    SECRETS: {},
    PODS: {"spec": {"containers": [{"name": "main", "image": "busybox"}], "automountServiceAccountToken": False}},
    SERVICES: {"spec": {"clusterIP": "None", "ports": [{"port": 80}]}},
    SERVICE_ACCOUNTS: {},
    PERSISTENT_VOLUME_CLAIMS: {
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": {"requests": {"storage": "1Mi"}}}
    },
    ROLES: {"rules": []},
    ROLE_BINDINGS: {"roleRef": _ROLE, "subjects": []},
    LEASES: {"spec": {"holderIdentity": "me"}},
    INGRESSES: {"spec": {"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}}},
    ENDPOINT_SLICES: {"addressType": "IPv4", "endpoints": []},
}
"""Kinds of a namespace, and what a document of each must hold."""


def owned_by(*owners: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """References to them; ``more`` is said of each."""
    return [
        {"apiVersion": o["apiVersion"], "kind": o["kind"], "name": o["metadata"]["name"], "uid": o["metadata"]["uid"], **more}
        for o in owners
    ]


async def make(
    client: Client, resource: Resource, name: str, room: str | None, owners: list[dict[str, Any]] | None = None, **metadata: Any
) -> dict[str, Any]:
    """An object with owner references."""
    metadata = {"name": name, **({"ownerReferences": owners} if owners else {}), **metadata}
    return await client.create(resource, {"metadata": metadata, **KINDS.get(resource, {})}, room)


async def found(client: Client, resource: Resource, name: str, room: str | None) -> dict[str, Any] | None:
    try:
        return await client.get(resource, name, room)
    except NotFound:
        return None


async def gone(client: Client, resource: Resource, name: str, room: str | None) -> None:
    """Wait until it has gone."""

    async def so() -> bool:
        return await found(client, resource, name, room) is None

    await until(so)


async def references(client: Client, resource: Resource, name: str, room: str) -> list[str]:
    """The names of its owners."""
    return [owner["name"] for owner in (await client.get(resource, name, room))["metadata"].get("ownerReferences") or ()]


async def chained(client: Client, room: str) -> list[tuple[Resource, Resource]]:
    """An object "owner" of every kind, which owns a "child" of the next kind. The pairs."""
    kinds = list(KINDS)
    pairs = list(zip(kinds, [*kinds[1:], kinds[0]], strict=True))
    for owner, child in pairs:
        made = await make(client, owner, "owner", room)
        await make(client, child, "child", room, owned_by(made, controller=True, blockOwnerDeletion=True))
    return pairs


@pytest_asyncio.fixture(loop_scope="session")
async def account(cluster: Client, room: str) -> None:
    """What pods need, where the controller has not made it yet."""

    async def there() -> bool:
        return await found(cluster, SERVICE_ACCOUNTS, "default", room) is not None

    await until(there)


@feature("Background: the owner goes at once, what it owns follows, of every kind")
async def test_background(cluster: Client, room: str, account: None) -> None:
    pairs = await chained(cluster, room)
    for owner, _ in pairs:
        await cluster.delete(owner, "owner", room, propagation="Background")
    for owner, child in pairs:
        await gone(cluster, owner, "owner", room)
        await gone(cluster, child, "child", room)


@feature("Background: the owner goes at once, what it owns follows, of every kind")
async def test_generations(cluster: Client, room: str) -> None:
    grandparent = await make(cluster, CONFIG_MAPS, "grandparent", room)
    parent = await make(cluster, SECRETS, "parent", room, owned_by(grandparent))
    await make(cluster, LEASES, "child", room, owned_by(parent))
    await make(cluster, SECRETS, "bystander", room)
    await cluster.delete(CONFIG_MAPS, "grandparent", room)
    await gone(cluster, LEASES, "child", room)
    assert await found(cluster, SECRETS, "parent", room) is None
    assert await found(cluster, SECRETS, "bystander", room)


@feature("Foreground: what it owns goes first, of every kind")
async def test_foreground(cluster: Client, room: str, account: None) -> None:
    pairs = await chained(cluster, room)
    for owner, _ in pairs:
        marked = (await cluster.delete(owner, "owner", room, propagation="Foreground"))["metadata"]
        assert marked["deletionTimestamp"] and "foregroundDeletion" in marked["finalizers"]
    for owner, child in pairs:
        await gone(cluster, owner, "owner", room)
        assert await found(cluster, child, "child", room) is None, child


@feature("Orphan: what it owns stays and forgets it, of every kind")
async def test_orphan(cluster: Client, room: str, account: None) -> None:
    pairs = await chained(cluster, room)
    for owner, _ in pairs:
        await cluster.delete(owner, "owner", room, propagation="Orphan")
    for owner, child in pairs:
        await gone(cluster, owner, "owner", room)
        assert await references(cluster, child, "child", room) == [], child


@feature("Foreground: only what says blockOwnerDeletion is waited for")
async def test_what_blocks(cluster: Client, room: str) -> None:
    owner = await make(cluster, CONFIG_MAPS, "owner", room)
    await make(cluster, SECRETS, "blocks", room, owned_by(owner, blockOwnerDeletion=True), finalizers=[HOLD])
    await make(cluster, SECRETS, "free", room, owned_by(owner), finalizers=[HOLD])
    await cluster.delete(CONFIG_MAPS, "owner", room, propagation="Foreground")
    for name in ("blocks", "free"):

        async def marked(name: str = name) -> bool:
            return "deletionTimestamp" in (await cluster.get(SECRETS, name, room))["metadata"]

        await until(marked)
    assert (await cluster.get(CONFIG_MAPS, "owner", room))["metadata"]["finalizers"] == ["foregroundDeletion"]
    await cluster.patch(SECRETS, "blocks", FREE, room)
    await gone(cluster, CONFIG_MAPS, "owner", room)
    assert await references(cluster, SECRETS, "free", room) == ["owner"]
    await cluster.patch(SECRETS, "free", FREE, room)


@feature("of several owners the last one counts; references to those that are gone are taken away")
@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
async def test_two_owners(cluster: Client, room: str, propagation: Any) -> None:
    one, two = [await make(cluster, CONFIG_MAPS, name, room) for name in ("one", "two")]
    await make(cluster, SECRETS, "child", room, owned_by(one, two, blockOwnerDeletion=True))
    await cluster.delete(CONFIG_MAPS, "one", room, propagation=propagation)
    await gone(cluster, CONFIG_MAPS, "one", room)

    async def released() -> bool:
        return await references(cluster, SECRETS, "child", room) == ["two"]

    await until(released)
    assert "deletionTimestamp" not in (await cluster.get(SECRETS, "child", room))["metadata"]
    await cluster.delete(CONFIG_MAPS, "two", room, propagation=propagation)
    await gone(cluster, SECRETS, "child", room)


@feature("an owner that never was, or another of its name, is no owner: what it owned goes")
async def test_absent_owners(cluster: Client, room: str) -> None:
    there = await make(cluster, CONFIG_MAPS, "there", room)
    reference = owned_by(there)[0]
    await make(cluster, SECRETS, "stays", room, [reference])
    await make(cluster, SECRETS, "none", room, [{**reference, "name": "none", "uid": "00000000-0000-0000-0000-000000000000"}])
    await make(cluster, SECRETS, "other", room, [{**reference, "uid": "00000000-0000-0000-0000-000000000001"}])
    await gone(cluster, SECRETS, "none", room)
    await gone(cluster, SECRETS, "other", room)
    assert await found(cluster, SECRETS, "stays", room)


@feature("an owner of a kind that nobody serves deletes nothing")
async def test_strange_owners(cluster: Client, room: str) -> None:
    strange = {"apiVersion": "none.boatyard.dev/v1", "kind": "Strange", "name": "x", "uid": "00000000-0000-0000-0000-000000000002"}
    await make(cluster, SECRETS, "strange", room, [strange])
    await make(cluster, SECRETS, "none", room, [{**strange, "apiVersion": "v1", "kind": "ConfigMap"}])
    await gone(cluster, SECRETS, "none", room)
    assert await found(cluster, SECRETS, "strange", room)


@feature("nobody owns across namespaces: an owner there counts as absent")
async def test_across_namespaces(cluster: Client, room: str) -> None:
    owner = await make(cluster, CONFIG_MAPS, "owner", "default", annotations={"of": room})
    try:
        await make(cluster, SECRETS, "child", room, owned_by(owner))
        await gone(cluster, SECRETS, "child", room)
    finally:
        await cluster.delete(CONFIG_MAPS, "owner", "default")


@feature("what lies in no namespace owns what lies in one, and never the other way round")
async def test_in_no_namespace(cluster: Client, room: str) -> None:
    role = await make(cluster, CLUSTER_ROLES, f"{room}-owner", None)
    await make(cluster, SECRETS, "child", room, owned_by(role))
    inside = await make(cluster, CONFIG_MAPS, "inside", room)
    await make(cluster, CLUSTER_ROLES, f"{room}-child", None, owned_by(inside))
    await make(cluster, SECRETS, "inner", room, owned_by(inside))
    await cluster.delete(CLUSTER_ROLES, f"{room}-owner")
    await cluster.delete(CONFIG_MAPS, "inside", room)
    await gone(cluster, SECRETS, "child", room)
    await gone(cluster, SECRETS, "inner", room)
    await asyncio.sleep(0.3)
    assert await found(cluster, CLUSTER_ROLES, f"{room}-child", None)
    await cluster.delete(CLUSTER_ROLES, f"{room}-child")
