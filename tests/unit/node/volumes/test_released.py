"""Data of released volumes goes, and nothing else."""

from __future__ import annotations

import pytest

from boatyard.machinery.meta.core import PERSISTENT_VOLUMES
from boatyard.machinery.meta.errors import NotFound


def volume(name, path, host="n1"):
    return {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name, "finalizers": ["boatyard.dev/volume-data"]},
        "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "local",
            "persistentVolumeReclaimPolicy": "Delete", "local": {"path": str(path)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [host]}]}
            ]}},
        },
    }  # fmt: skip


def test_the_directory_of_a_deleted_volume_is_removed_and_the_volume_is_let_go(node_scenario):
    async def scenario(node):
        data = node.directory / "volumes" / "pvc-1"
        data.mkdir(parents=True)
        (data / "file").write_text("x")
        await node.client.create(PERSISTENT_VOLUMES, volume("pvc-1", data.resolve()))
        await node.world.sleep(5)
        assert data.exists(), "nothing happens before the volume is deleted"
        await node.client.delete(PERSISTENT_VOLUMES, "pvc-1")
        await node.world.sleep(5)
        assert not data.exists()
        with pytest.raises(NotFound):
            await node.client.get(PERSISTENT_VOLUMES, "pvc-1")

    node_scenario(scenario)


def test_what_lies_elsewhere_is_not_touched(node_scenario, tmp_path):
    async def scenario(node):
        for name, path, host in (
            ("outside", tmp_path / "precious", "n1"), ("up", node.directory / "volumes" / "..", "n1"),
            ("other", node.directory / "volumes" / "other", "n2"),
        ):  # fmt: skip
            path.mkdir(parents=True, exist_ok=True)
            await node.client.create(PERSISTENT_VOLUMES, volume(name, path, host))
            await node.client.delete(PERSISTENT_VOLUMES, name)
        await node.world.sleep(60)
        assert (tmp_path / "precious").exists()
        assert (node.directory / "volumes" / "other").exists()
        assert len((await node.client.list(PERSISTENT_VOLUMES)).items) == 3

    node_scenario(scenario)
