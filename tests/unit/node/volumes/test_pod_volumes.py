"""Volumes as containers find them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.node.volumes import pod_volumes


def mounted(node, pod, container="main"):
    """The sources of a container's mounts, by target."""
    return {mount.target: mount for mount in node.runtime.config(pod["metadata"]["uid"], container).mounts}


def test_a_config_map_is_shown_read_only_and_follows_its_object(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None)
        await node.config_map("c", a="1", b="2")
        container = make_container("main", volumeMounts=[{"name": "v", "mountPath": "/c"}])
        volume = {"name": "v", "configMap": {"name": "c", "defaultMode": 0o600}}
        pod = await node.create({"containers": [container], "volumes": [volume]})
        await node.until_phase("Running")
        mount = mounted(node, pod)["/c"]
        assert mount.read_only
        directory = Path(mount.source)
        assert (directory / "a").read_text() == "1"
        assert os.stat(directory / "a").st_mode & 0o777 == 0o600
        await node.client.patch(CONFIG_MAPS, "c", {"data": {"a": "new", "b": None}}, "default")
        await node.world.sleep(90)
        assert (directory / "a").read_text() == "new"
        assert not (directory / "b").exists()

    node_scenario(scenario)


def test_a_missing_config_map_is_waited_for_and_told(node_scenario, script, make_container):
    async def scenario(node):
        container = make_container("main", volumeMounts=[{"name": "v", "mountPath": "/c"}])
        await node.create({"containers": [container], "volumes": [{"name": "v", "configMap": {"name": "late"}}]})
        waiting = await node.until_container("main", lambda s: s["state"].get("waiting", {}).get("message"))
        assert waiting["state"]["waiting"]["reason"] == "ContainerCreating"
        assert 'configmap "late" not found' in waiting["state"]["waiting"]["message"]
        await node.config_map("late", k="v")
        await node.until_phase("Succeeded")

    node_scenario(scenario)


def test_an_optional_secret_may_be_missing(node_scenario, make_container):
    async def scenario(node):
        await node.create({"volumes": [{"name": "v", "secret": {"secretName": "none", "optional": True}}]})
        await node.until_phase("Succeeded")

    node_scenario(scenario)


def test_a_sub_path_can_not_lead_out_of_its_volume(node_scenario, make_container):
    async def scenario(node):
        bad = make_container("main", volumeMounts=[{"name": "v", "mountPath": "/x", "subPathExpr": "$(UP)/etc"}],
                             env=[{"name": "UP", "value": ".."}])  # fmt: skip
        await node.create({"containers": [bad], "volumes": [{"name": "v", "emptyDir": {}}]})
        waiting = await node.until_container("main", lambda s: s["state"].get("waiting", {}).get("message"))
        assert waiting["state"]["waiting"]["reason"] == "CreateContainerConfigError"

    node_scenario(scenario)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory in memory that only this test has: uids are the same in every run."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        monkeypatch.setattr(pod_volumes, "MEMORY_ROOT", Path(directory).resolve())
        yield Path(directory).resolve()


def test_a_memory_volume_lies_in_memory_and_is_removed(node_scenario, script, make_container, memory):
    async def scenario(node):
        container = make_container("main", volumeMounts=[{"name": "m", "mountPath": "/m"}])
        node.scripts["main"] = script(seconds=5)
        pod = await node.create({"containers": [container], "volumes": [{"name": "m", "emptyDir": {"medium": "Memory"}}]})
        await node.until_phase("Running")
        source = Path(mounted(node, pod)["/m"].source)
        assert source.is_relative_to(memory) and source.is_dir()
        await node.until_phase("Succeeded")
        await node.world.sleep(1)
        assert not source.parent.exists()

    node_scenario(scenario)


def test_the_installation_s_own_data_is_no_host_path(node_scenario, make_container):
    async def scenario(node):
        await node.create({"volumes": [{"name": "v", "hostPath": {"path": str(node.directory)}}]})
        waiting = await node.until_container("main", lambda s: s["state"].get("waiting", {}).get("message"))
        assert "refused" in waiting["state"]["waiting"]["message"]

    node_scenario(scenario)


def test_an_empty_dir_over_its_limit_gets_its_pod_evicted(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None)
        container = make_container("main", volumeMounts=[{"name": "v", "mountPath": "/v"}])
        pod = await node.create({"containers": [container], "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}]})
        await node.until_phase("Running")
        (Path(mounted(node, pod)["/v"].source) / "big").write_bytes(b"x" * (2 << 20))
        failed = await node.until_phase("Failed")
        assert failed["status"]["reason"] == "Evicted"
        assert "'v'" in failed["status"]["message"]

    node_scenario(scenario)
