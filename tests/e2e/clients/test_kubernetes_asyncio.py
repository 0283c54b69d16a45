"""``kubernetes_asyncio``, the official client's asynchronous twin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes_asyncio import client as k8s
from kubernetes_asyncio import config, watch
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.config.incluster_config import InClusterConfigLoader
from kubernetes_asyncio.dynamic import DynamicClient
from kubernetes_asyncio.leaderelection import electionconfig, leaderelection
from kubernetes_asyncio.leaderelection.resourcelock.leaselock import LeaseLock
from kubernetes_asyncio.stream import WsApiClient

from boatyard.machinery.meta.core import LEASES
from e2e.yard import Yard

from .conftest import Server
from .documents import CICONFIG, config_map

GROUP = ("ci.boatyard.dev", "v1alpha1", "default", "ciconfigs")


@pytest.fixture
async def api(server: Server) -> AsyncIterator[k8s.ApiClient]:
    chosen = k8s.Configuration()
    await config.load_kube_config(str(server.config), client_configuration=chosen)
    async with k8s.ApiClient(chosen) as made:
        yield made


async def test_objects_are_written_listed_and_deleted(api: k8s.ApiClient) -> None:
    core = k8s.CoreV1Api(api)
    for number in range(5):
        await core.create_namespaced_config_map("default", config_map(f"c{number}", labels={"n": str(number)}))
    first = await core.list_namespaced_config_map("default", limit=2)
    assert first.metadata.remaining_item_count == 3
    rest = await core.list_namespaced_config_map("default", limit=9, _continue=first.metadata._continue)
    assert [each.metadata.name for each in (*first.items, *rest.items)] == ["c0", "c1", "c2", "c3", "c4"]
    chosen = await core.list_config_map_for_all_namespaces(label_selector="n notin (0,1,2)", field_selector="metadata.name=c4")
    assert [each.metadata.name for each in chosen.items] == ["c4"]
    live = await core.read_namespaced_config_map("c0", "default")
    live.data = {"a": "b"}
    await core.replace_namespaced_config_map("c0", "default", live)
    with pytest.raises(ApiException) as stale:
        await core.replace_namespaced_config_map("c0", "default", live)
    assert stale.value.status == 409
    options = k8s.V1DeleteOptions(propagation_policy="Foreground", dry_run=["All"])
    await core.delete_namespaced_config_map("c0", "default", body=options)
    await core.delete_namespaced_config_map("c0", "default")
    with pytest.raises(ApiException) as missing:
        await core.read_namespaced_config_map("c0", "default")
    assert missing.value.status == 404


async def test_every_patch_it_can_send(api: k8s.ApiClient, pod: dict[str, Any]) -> None:
    core, customs = k8s.CoreV1Api(api), k8s.CustomObjectsApi(api)
    other = {"spec": {"containers": [{"name": "main", "image": "boatyard.dev/other"}]}}
    merged = await core.patch_namespaced_pod("p", "default", other, _content_type="application/strategic-merge-patch+json")
    assert [each.image for each in merged.spec.containers] == ["boatyard.dev/other"]
    labels = {"metadata": {"labels": {"a": "b"}}}
    assert (await core.patch_namespaced_pod("p", "default", labels, _content_type="application/merge-patch+json")).metadata.labels
    operations = [{"op": "test", "path": "/metadata/labels/a", "value": "b"}, {"op": "remove", "path": "/metadata/labels"}]
    gone = await core.patch_namespaced_pod("p", "default", operations, _content_type="application/json-patch+json")
    assert gone.metadata.labels is None
    await core.patch_namespaced_pod_status("p", "default", {"status": {"phase": "Running"}})
    assert (await core.read_namespaced_pod("p", "default")).status.phase == "Running"
    applied = await core.patch_namespaced_config_map(
        "c", "default", config_map("c", a="1"), field_manager="me", force=True, _content_type="application/apply-patch+yaml"
    )
    assert applied.metadata.managed_fields[0].operation == "Apply"
    await customs.create_namespaced_custom_object(*GROUP, CICONFIG)
    status = await customs.patch_namespaced_custom_object_status(
        *GROUP, "team", {"status": {"phase": "Awake"}}, _content_type="application/merge-patch+json"
    )
    assert status["status"]["phase"] == "Awake"


async def test_our_kinds_are_discovered_and_applied(api: k8s.ApiClient) -> None:
    dynamic = await DynamicClient(api)
    kinds = await dynamic.resources.get(api_version="ci.boatyard.dev/v1alpha1", kind="CiConfig")
    made = await dynamic.server_side_apply(kinds, body=CICONFIG, field_manager="a")
    assert made.metadata.managedFields[0].manager == "a"
    assert [each.metadata.name for each in (await dynamic.get(kinds, namespace="default")).items] == ["team"]
    paused = await dynamic.patch(
        kinds, body={"spec": {"paused": True}}, name="team", namespace="default", content_type="application/merge-patch+json"
    )
    assert paused.spec.paused is True
    await dynamic.delete(kinds, name="team", namespace="default")


async def test_watches_go_on_where_they_were_and_say_when_that_is_gone(api: k8s.ApiClient, yard: Yard) -> None:
    core = k8s.CoreV1Api(api)

    async def seen(revision: str) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        async with watch.Watch() as watching:
            async for event in watching.stream(
                core.list_namespaced_config_map, "default", resource_version=revision, timeout_seconds=60
            ):
                found.append((event["type"], event["object"].metadata.name))
                if event["type"] == "DELETED":
                    break
        return found

    start = (await core.list_namespaced_config_map("default")).metadata.resource_version
    await core.create_namespaced_config_map("default", config_map("c"))
    await core.patch_namespaced_config_map("c", "default", {"data": {"a": "b"}})
    await core.delete_namespaced_config_map("c", "default")
    assert await seen(start) == [("ADDED", "c"), ("MODIFIED", "c"), ("DELETED", "c")]
    await yard.registry.ledger.store.compact(yard.registry.ledger.store.revision)
    with pytest.raises(ApiException) as gone:
        await seen(start)
    assert gone.value.status == 410


async def test_logs_and_commands_of_a_pod(api: k8s.ApiClient, pod: dict[str, Any], yard: Yard) -> None:
    core = k8s.CoreV1Api(api)
    assert await core.read_namespaced_pod_log("p", "default", container="main") == "one\n"
    async with WsApiClient(api.configuration) as own:
        run = k8s.CoreV1Api(own).connect_get_namespaced_pod_exec
        said = await run("p", "default", command=["say", "it"], stdout=True, stderr=True, stdin=False, tty=False)
        assert said == "say it"


async def test_one_leads_and_another_follows_when_it_ends(api: k8s.ApiClient, server: Server) -> None:
    led: list[str] = []
    begun = {name: asyncio.Event() for name in ("a", "b")}

    async def lead(name: str) -> None:
        led.append(name)
        begun[name].set()

    async def stopped() -> None:
        pass

    def candidate(name: str) -> asyncio.Task[None]:
        chosen = electionconfig.Config(
            LeaseLock("leader", "default", name, api), lease_duration=8, renew_deadline=6, retry_period=1,
            onstarted_leading=lead(name), onstopped_leading=stopped(),
        )  # fmt: skip
        return asyncio.create_task(leaderelection.LeaderElection(chosen).run())

    first = candidate("a")
    await asyncio.wait_for(begun["a"].wait(), 60)
    second = candidate("b")
    await asyncio.sleep(0.2)
    assert led == ["a"]
    first.cancel()
    await asyncio.wait_for(begun["b"].wait(), 60)
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert (await server.client.get(LEASES, "leader", "default"))["spec"]["holderIdentity"] == "b"


async def test_a_pod_uses_its_own_account(inside: dict[str, str]) -> None:
    chosen, tokens = k8s.Configuration(), inside["TOKENS"]
    loader = InClusterConfigLoader(token_filename=f"{tokens}/token", cert_filename=f"{tokens}/ca.crt", environ=inside)
    loader.load_and_set(chosen)
    async with k8s.ApiClient(chosen) as own:
        core = k8s.CoreV1Api(own)
        assert (await core.list_namespaced_config_map("default")).items == []
        with pytest.raises(ApiException) as refused:
            await core.list_namespaced_secret("default")
        assert refused.value.status == 403
