"""What controllers do with namespaces: what every one has, and how it ends."""

from __future__ import annotations

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.conditions import condition
from boatyard.machinery.meta.core import CONFIG_MAPS, NAMESPACES, SECRETS, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import Forbidden

from .features import feature, slow_on
from .test_garbage import FREE, HOLD, KINDS, found, gone, make
from .waiting import until

SECTION = "Namespaces and what is in them"


@feature("each has its service account and the certificate of the API's authority")
async def test_what_each_has(cluster: Client, room: str) -> None:
    async def there() -> bool:
        pair = await found(cluster, SERVICE_ACCOUNTS, "default", room), await found(cluster, CONFIG_MAPS, "kube-root-ca.crt", room)
        return all(pair)

    await until(there)
    await cluster.delete(SERVICE_ACCOUNTS, "default", room)
    await cluster.delete(CONFIG_MAPS, "kube-root-ca.crt", room)
    await until(there)


@slow_on("kube-controller-manager")
@feature("deletion takes the content of every kind, then the namespace")
async def test_it_goes_with_its_content(cluster: Client, room: str) -> None:
    async def account() -> bool:
        return await found(cluster, SERVICE_ACCOUNTS, "default", room) is not None

    await until(account)
    for resource in KINDS:
        await make(cluster, resource, "x", room)
    marked = await cluster.delete(NAMESPACES, room)
    assert marked["status"]["phase"] == "Terminating"
    await gone(cluster, NAMESPACES, room, None)
    again = await cluster.create(NAMESPACES, {"metadata": {"name": room}})
    assert again["status"]["phase"] == "Active"
    for resource in KINDS:
        assert await found(cluster, resource, "x", room) is None


@slow_on("kube-controller-manager")
@feature("what holds one up is told by its conditions")
async def test_what_holds_it_up(cluster: Client, room: str) -> None:
    await make(cluster, SECRETS, "held", room, finalizers=[HOLD])
    await make(cluster, CONFIG_MAPS, "held", room, finalizers=[HOLD])
    await make(cluster, CONFIG_MAPS, "free", room)
    await cluster.delete(NAMESPACES, room)

    async def told() -> bool:
        return (condition(await cluster.get(NAMESPACES, room), "NamespaceFinalizersRemaining") or {}).get("status") == "True"

    await until(told)
    ending = await cluster.get(NAMESPACES, room)
    remaining, held = (condition(ending, f"Namespace{what}Remaining") for what in ("Content", "Finalizers"))
    assert remaining and held
    assert (remaining["status"], remaining["reason"]) == ("True", "SomeResourcesRemain")
    assert remaining["message"] == (
        "Some resources are remaining: configmaps. has 1 resource instances, secrets. has 1 resource instances"
    )
    assert (held["status"], held["reason"]) == ("True", "SomeFinalizersRemain")
    assert held["message"] == f"Some content in the namespace has finalizers remaining: {HOLD} in 2 resource instances"
    with pytest.raises(Forbidden, match="because it is being terminated"):
        await make(cluster, SECRETS, "late", room)
    await cluster.patch(SECRETS, "held", FREE, room)
    await cluster.patch(CONFIG_MAPS, "held", FREE, room)
    await gone(cluster, NAMESPACES, room, None)
