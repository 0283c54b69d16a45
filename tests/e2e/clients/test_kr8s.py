"""``kr8s``: other people's wishes for a small client. It speaks through httpx rather than what the official ones use."""

from __future__ import annotations

import asyncio
from typing import Any

import kr8s
import pytest
from kr8s.asyncio.objects import ConfigMap, Pod, new_class

from boatyard.machinery.meta.core import CONFIG_MAPS
from e2e.yard import Yard

from .conftest import Server
from .documents import CICONFIG, config_map


@pytest.fixture
async def api(server: Server) -> Any:
    return await kr8s.asyncio.api(kubeconfig=str(server.config), namespace="default")


async def test_objects_are_written_listed_and_deleted(api: Any) -> None:
    for number in range(3):
        await (await ConfigMap(config_map(f"c{number}", labels={"n": str(number)}), api=api)).create()
    assert [each.name async for each in api.get("configmaps", label_selector="n in (1,2)")] == ["c1", "c2"]
    assert [each.name async for each in api.get("cm", field_selector="metadata.name=c0")] == ["c0"]
    assert [each.name async for each in api.get("configmaps", namespace=kr8s.ALL, label_selector="n")] == ["c0", "c1", "c2"]
    one = await ConfigMap.get("c1", namespace="default", api=api)
    await one.label({"n": "one"})
    await one.annotate({"by": "kr8s"})
    assert (one.labels["n"], one.annotations["by"]) == ("one", "kr8s")
    await one.delete(propagation_policy="Background")
    assert not await one.exists()
    with pytest.raises(kr8s.NotFoundError):
        await one.refresh()


async def test_every_patch_it_can_send(api: Any, pod: dict[str, Any]) -> None:
    one = await ConfigMap(config_map("c", a="1"), api=api)
    await one.create()
    await one.patch({"data": {"b": "2"}})
    await one.patch([{"op": "remove", "path": "/data/a"}], type="json")
    assert dict(one.data) == {"b": "2"}
    runs = await Pod.get("p", namespace="default", api=api)
    ready = {
        "status": {"phase": "Running", "conditions": [{"type": kind, "status": "True"} for kind in ("Ready", "ContainersReady")]}
    }
    await runs.patch(ready, subresource="status")
    await runs.wait("condition=Ready", timeout=60)
    assert await runs.ready()


async def test_our_kinds_are_found_by_what_the_server_says_of_itself(api: Any, server: Server) -> None:
    team = new_class("CiConfig", "ci.boatyard.dev/v1alpha1", asyncio=True)
    await (await team(CICONFIG, api=api)).create()
    assert [each.name async for each in api.get("ciconfigs.ci.boatyard.dev")] == ["team"]
    assert [each.name async for each in api.get("cic")] == ["team"]
    assert "ci.boatyard.dev/v1alpha1" in [version async for version in api.api_versions()]
    assert await api.whoami() == server.user


async def test_a_watch_sees_changes(api: Any, server: Server) -> None:
    events: list[tuple[str, str]] = []
    begun = asyncio.Event()

    async def look() -> None:
        async for type, each in api.watch("configmaps"):
            events.append((type, each.name))
            begun.set()
            if type == "DELETED":
                return

    await server.client.create(CONFIG_MAPS, config_map("c"))
    looking = asyncio.create_task(look())
    await asyncio.wait_for(begun.wait(), 60)
    await server.client.patch(CONFIG_MAPS, "c", {"data": {"a": "b"}}, "default")
    await server.client.delete(CONFIG_MAPS, "c", "default")
    await asyncio.wait_for(looking, 60)
    assert events == [("ADDED", "c"), ("MODIFIED", "c"), ("DELETED", "c")]


async def test_logs_and_commands_of_a_pod(api: Any, pod: dict[str, Any], yard: Yard) -> None:
    runs = await Pod.get("p", namespace="default", api=api)
    await runs.patch(
        {"status": {"phase": "Running", "conditions": [{"type": kind, "status": "True"} for kind in ("Ready", "ContainersReady")]}},
        subresource="status",
    )
    await runs.refresh()
    assert [line async for line in runs.logs(container="main")] == ["one"]
    said = await runs.exec(["say", "it"], container="main")
    assert (said.stdout, said.returncode) == (b"say it", 0)
    assert (await runs.exec(["exit", "3"], container="main", check=False)).returncode == 3


async def test_a_lease_says_who_leads(api: Any) -> None:
    """It brings no election: the lease's resourceVersion decides, as in every other client's."""
    lease = new_class("Lease", "coordination.k8s.io/v1", asyncio=True)
    held = {"metadata": {"name": "leader", "namespace": "default"}, "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15}}
    await (await lease(held, api=api)).create()
    with pytest.raises(kr8s.ServerError) as taken:
        await (await lease(held, api=api)).create()
    assert taken.value.response is not None and taken.value.response.status_code == 409
    mine, theirs = [await lease.get("leader", namespace="default", api=api) for _ in range(2)]
    await mine.patch({"metadata": {"resourceVersion": mine.metadata.resourceVersion}, "spec": {"holderIdentity": "b"}})
    with pytest.raises(kr8s.ServerError) as late:
        await theirs.patch({"metadata": {"resourceVersion": theirs.metadata.resourceVersion}, "spec": {"holderIdentity": "c"}})
    assert late.value.response is not None and late.value.response.status_code == 409
    assert (await lease.get("leader", namespace="default", api=api)).spec.holderIdentity == "b"
