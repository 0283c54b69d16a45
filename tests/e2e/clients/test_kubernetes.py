"""``kubernetes``, the official client for Python. It blocks, so it runs in threads beside the server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from kubernetes import client as k8s
from kubernetes import config, stream, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.config.incluster_config import InClusterConfigLoader
from kubernetes.dynamic import DynamicClient
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock

from e2e.yard import Yard

from .conftest import Server
from .documents import CICONFIG, config_map

T = TypeVar("T")
GROUP = ("ci.boatyard.dev", "v1alpha1", "default", "ciconfigs")


@pytest.fixture
def api(server: Server) -> Iterator[k8s.ApiClient]:
    with config.new_client_from_config(str(server.config)) as made:
        yield made


async def blocking(function: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Run beside the server, which lives in this thread's loop."""
    return await asyncio.to_thread(function, *arguments, **named)


async def test_objects_are_written_listed_and_deleted(api: k8s.ApiClient) -> None:
    core = k8s.CoreV1Api(api)

    def session() -> None:
        for number in range(5):
            core.create_namespaced_config_map(
                "default", config_map(f"c{number}", labels={"even": str(number % 2 == 0)}, n=str(number))
            )
        first = core.list_namespaced_config_map("default", limit=2)
        assert [each.metadata.name for each in first.items] == ["c0", "c1"]
        assert first.metadata.remaining_item_count == 3
        rest = core.list_namespaced_config_map("default", limit=9, _continue=first.metadata._continue)
        assert [each.metadata.name for each in rest.items] == ["c2", "c3", "c4"]
        chosen = core.list_config_map_for_all_namespaces(label_selector="even in (True)", field_selector="metadata.name!=c0")
        assert [each.metadata.name for each in chosen.items] == ["c2", "c4"]
        live = core.read_namespaced_config_map("c0", "default")
        live.data["n"] = "zero"
        assert core.replace_namespaced_config_map("c0", "default", live).data == {"n": "zero"}
        with pytest.raises(ApiException) as stale:
            core.replace_namespaced_config_map("c0", "default", live)
        assert (stale.value.status, stale.value.reason) == (409, "Conflict")
        other = k8s.V1DeleteOptions(preconditions=k8s.V1Preconditions(uid="another"))
        with pytest.raises(ApiException) as precondition:
            core.delete_namespaced_config_map("c0", "default", body=other)
        assert precondition.value.status == 409
        options = k8s.V1DeleteOptions(propagation_policy="Background", grace_period_seconds=0)
        core.delete_namespaced_config_map("c0", "default", body=options)
        with pytest.raises(ApiException) as missing:
            core.read_namespaced_config_map("c0", "default")
        assert missing.value.status == 404
        core.delete_collection_namespaced_config_map("default", label_selector="even=True", dry_run="All")
        assert len(core.list_namespaced_config_map("default").items) == 4
        core.delete_collection_namespaced_config_map("default", label_selector="even=True")
        assert [each.metadata.name for each in core.list_namespaced_config_map("default").items] == ["c1", "c3"]

    await blocking(session)


async def test_every_patch_it_can_send(api: k8s.ApiClient, pod: dict[str, Any]) -> None:
    core, customs = k8s.CoreV1Api(api), k8s.CustomObjectsApi(api)

    def session() -> None:
        merged = core.patch_namespaced_pod(
            "p", "default", {"spec": {"containers": [{"name": "main", "image": "boatyard.dev/other"}]}}
        )
        assert [each.image for each in merged.spec.containers] == ["boatyard.dev/other"]
        named = core.patch_namespaced_pod("p", "default", [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}])
        assert named.metadata.labels == {"a": "b"}
        core.patch_namespaced_pod_status("p", "default", {"status": {"phase": "Running"}})
        assert core.read_namespaced_pod_status("p", "default").status.phase == "Running"
        customs.create_namespaced_custom_object(*GROUP, CICONFIG)
        paused = customs.patch_namespaced_custom_object(*GROUP, "team", {"spec": {"paused": True}})
        assert paused["spec"]["paused"] is True
        told = customs.patch_namespaced_custom_object_status(
            *GROUP, "team", {"status": {"phase": "Awake"}, "spec": {"paused": False}}
        )
        assert (told["status"]["phase"], told["spec"]["paused"]) == ("Awake", True)
        with pytest.raises(ApiException) as refused:
            customs.patch_namespaced_custom_object(*GROUP, "team", {"spec": {"strategy": {"master": {"engine": "steam"}}}})
        assert refused.value.status == 422
        assert "spec.strategy.master.engine" in str(refused.value.body)

    await blocking(session)


async def test_our_kinds_are_discovered_and_applied(api: k8s.ApiClient) -> None:
    def session() -> None:
        dynamic = DynamicClient(api)
        kinds = dynamic.resources.get(api_version="ci.boatyard.dev/v1alpha1", kind="CiConfig")
        assert kinds.short_names == ["cic"]
        made = dynamic.server_side_apply(kinds, body=CICONFIG, field_manager="a")
        assert made.metadata.managedFields[0].manager == "a"
        other = {**CICONFIG, "spec": {**CICONFIG["spec"], "source": {"git": {"url": "https://git.example/other.git"}}}}
        with pytest.raises(Exception, match="conflict with") as conflict:
            dynamic.server_side_apply(kinds, body=other, field_manager="b")
        assert conflict.value.status == 409  # type: ignore[attr-defined]
        dynamic.server_side_apply(kinds, body=other, field_manager="b", force_conflicts=True)
        assert kinds.get(name="team", namespace="default").spec.source.git.url == "https://git.example/other.git"
        assert [each.metadata.name for each in kinds.get().items] == ["team"]
        kinds.delete(name="team", namespace="default")

    await blocking(session)


async def test_watches_go_on_where_they_were_and_say_when_that_is_gone(api: k8s.ApiClient, yard: Yard) -> None:
    core = k8s.CoreV1Api(api)

    def seen(revision: str) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for event in watch.Watch().stream(
            core.list_namespaced_config_map, "default", resource_version=revision, timeout_seconds=60, allow_watch_bookmarks=True
        ):
            found.append((event["type"], event["object"].metadata.name))
            if event["type"] == "DELETED":
                break
        return found

    start = (await blocking(core.list_namespaced_config_map, "default")).metadata.resource_version
    made = await blocking(core.create_namespaced_config_map, "default", config_map("c"))
    await blocking(core.patch_namespaced_config_map, "c", "default", {"data": {"a": "b"}})
    await blocking(core.delete_namespaced_config_map, "c", "default")
    assert await blocking(seen, start) == [("ADDED", "c"), ("MODIFIED", "c"), ("DELETED", "c")]
    assert await blocking(seen, made.metadata.resource_version) == [("MODIFIED", "c"), ("DELETED", "c")]
    await yard.registry.ledger.store.compact(yard.registry.ledger.store.revision)
    with pytest.raises(ApiException) as gone:
        await blocking(seen, start)
    assert gone.value.status == 410


async def test_logs_and_commands_of_a_pod(api: k8s.ApiClient, pod: dict[str, Any], yard: Yard) -> None:
    core = k8s.CoreV1Api(api)
    assert await blocking(core.read_namespaced_pod_log, "p", "default", container="main", tail_lines=5) == "one\n"
    # Its streams change the client that they are given.
    with config.new_client_from_config(str(yard.config)) as own:
        run = k8s.CoreV1Api(own).connect_get_namespaced_pod_exec
        options: dict[str, Any] = {"stdin": False, "stdout": True, "stderr": True, "tty": False}
        said = await blocking(stream.stream, run, "p", "default", command=["say", "it"], **options)
        assert said == "say it"

        def with_code() -> int:
            session = stream.stream(run, "p", "default", command=["exit", "3"], _preload_content=False, **options)
            session.run_forever(timeout=60)
            return session.returncode

        assert await blocking(with_code) == 3


async def test_one_leads_and_another_follows_when_it_ends(server: Server) -> None:
    """It uses the client's global configuration, and config maps for locks (leases in its newest versions only)."""
    config.load_kube_config(str(server.config))
    led: list[str] = []

    class Lock(ConfigMapLock):
        """One that can be made to fail, as for a candidate whose network is gone."""

        fails = False

        def update(self, name: str, namespace: str, updated_record: Any) -> bool:
            return not self.fails and super().update(name, namespace, updated_record)

    locks = {name: Lock("leader", "default", name) for name in ("a", "b")}
    leading = {name: threading.Event() for name in locks}
    stopped = {name: threading.Event() for name in locks}

    def started(name: str) -> None:
        led.append(name)
        leading[name].set()

    def run(name: str) -> None:
        chosen = electionconfig.Config(
            locks[name], lease_duration=8, renew_deadline=6, retry_period=1,
            onstarted_leading=lambda: started(name), onstopped_leading=stopped[name].set,
        )  # fmt: skip
        leaderelection.LeaderElection(chosen).run()

    threads = [threading.Thread(target=run, args=(name,), daemon=True) for name in locks]
    threads[0].start()
    assert await blocking(leading["a"].wait, 60)
    threads[1].start()
    await asyncio.sleep(0.5)
    assert led == ["a"]
    locks["a"].fails = True
    assert await blocking(stopped["a"].wait, 60)
    assert await blocking(leading["b"].wait, 60)
    locks["b"].fails = True
    assert await blocking(stopped["b"].wait, 60)
    assert led == ["a", "b"]


async def test_a_pod_uses_its_own_account(inside: dict[str, str]) -> None:
    def session() -> None:
        chosen = k8s.Configuration()
        tokens = inside["TOKENS"]
        loader = InClusterConfigLoader(token_filename=f"{tokens}/token", cert_filename=f"{tokens}/ca.crt", environ=inside)
        loader.load_and_set(chosen)
        with k8s.ApiClient(chosen) as own:
            core = k8s.CoreV1Api(own)
            assert core.list_namespaced_config_map("default").items == []
            with pytest.raises(ApiException) as refused:
                core.list_namespaced_secret("default")
            assert refused.value.status == 403
            assert "system:serviceaccount:default:robot" in str(refused.value.body)

    await blocking(session)
