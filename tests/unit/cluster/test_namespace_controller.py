from __future__ import annotations

from typing import Any

import pytest

from boatyard.cluster import namespace_controller, root_certificate_controller, service_account_controller
from boatyard.machinery.meta.conditions import condition
from boatyard.machinery.meta.core import CONFIG_MAPS, NAMESPACES, SECRETS, SERVICE_ACCOUNTS

TEAM = {"metadata": {"name": "team"}}


def test_a_namespace_goes_with_its_content_and_no_other(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.client.create(NAMESPACES, TEAM)
        for where in ("team", "default"):
            await cluster.client.create(SECRETS, {"metadata": {"name": "s"}}, where)
        await cluster.client.delete(NAMESPACES, "team")
        await cluster.settle()
        assert await cluster.find(NAMESPACES, "team") is None
        assert await cluster.names(SECRETS) == ["s"]

    in_cluster(body, namespace_controller)


def test_what_blocks_it_is_said_in_conditions(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.client.create(NAMESPACES, TEAM)
        await cluster.client.create(SECRETS, {"metadata": {"name": "s", "finalizers": ["x.example/hold"]}}, "team")
        await cluster.client.delete(NAMESPACES, "team")
        await cluster.settle(30)
        namespace = await cluster.client.get(NAMESPACES, "team")
        assert condition(namespace, "NamespaceContentRemaining")["message"].endswith("secrets. has 1 resource instances")
        assert condition(namespace, "NamespaceFinalizersRemaining")["message"].endswith("x.example/hold in 1 resource instances")
        cluster.quiet()
        await cluster.settle(60)
        assert cluster.quiet()  # looking again writes nothing
        await cluster.client.patch(SECRETS, "s", {"metadata": {"finalizers": None}}, "team")
        await cluster.settle(15)
        assert await cluster.find(NAMESPACES, "team") is None

    in_cluster(body, namespace_controller)


@pytest.mark.parametrize("seed", range(5))
def test_it_goes_under_crashes_too(in_cluster: Any, seed: int) -> None:
    async def body(cluster: Any) -> None:
        await cluster.client.create(NAMESPACES, TEAM)
        for number in range(10):
            await cluster.client.create(SECRETS, {"metadata": {"name": f"s{number}"}}, "team")
        await cluster.client.delete(NAMESPACES, "team")
        cluster.world.crashing = True
        await cluster.settle(60)
        cluster.world.crashing = False
        await cluster.settle(30)
        assert await cluster.find(NAMESPACES, "team") is None

    in_cluster(body, namespace_controller, seed=seed, crash_rate=0.1)


def test_every_namespace_has_its_service_account_and_root_certificate(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.client.create(NAMESPACES, TEAM)
        await cluster.settle()
        await cluster.client.delete(SERVICE_ACCOUNTS, "default", "team")
        await cluster.client.patch(CONFIG_MAPS, "kube-root-ca.crt", {"data": {"ca.crt": "changed"}}, "team")
        await cluster.client.delete(CONFIG_MAPS, "kube-root-ca.crt", "default")
        await cluster.settle()
        assert await cluster.find(SERVICE_ACCOUNTS, "default", "team")
        for where in ("team", "default", "kube-system"):
            assert (await cluster.client.get(CONFIG_MAPS, "kube-root-ca.crt", where))["data"] == {"ca.crt": "PEM"}
        cluster.quiet()
        await cluster.restart()
        await cluster.settle()
        assert cluster.quiet()

    in_cluster(body, service_account_controller, root_certificate_controller)


def test_a_namespace_that_ends_gets_no_new_ones(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.client.create(NAMESPACES, TEAM)
        await cluster.settle()
        await cluster.client.delete(NAMESPACES, "team")
        await cluster.settle(30)
        assert await cluster.find(NAMESPACES, "team") is None

    in_cluster(body, namespace_controller, service_account_controller, root_certificate_controller)
