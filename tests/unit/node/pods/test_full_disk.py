"""A disk that a build filled: its room is free again before anybody has to be told so."""

from __future__ import annotations

import errno
from pathlib import Path

from boatyard.machinery.meta.errors import ServiceUnavailable
from boatyard.node.paths import PodPaths
from boatyard.node.registration.host import Pressure


def test_volumes_of_a_pod_that_is_over_go_though_the_api_server_can_t_write(node_scenario, script, make_container, monkeypatch):
    async def scenario(node):
        node.scripts["main"] = script(seconds=5, exit_code=1)
        volume = {"containers": [make_container("main", volumeMounts=[{"name": "v", "mountPath": "/v"}])]}
        pod = await node.create({**volume, "volumes": [{"name": "v", "emptyDir": {}}]})
        await node.until_phase("Running")
        directory = Path(node.runtime.config(pod["metadata"]["uid"], "main").mounts[0].source)
        assert directory.is_dir()

        async def full(*arguments: object, **options: object) -> None:
            raise ServiceUnavailable("the store could not write: database or disk is full")

        with monkeypatch.context() as patched:
            patched.setattr(node.registry, "patch", full)
            await node.world.sleep(20)
            assert not directory.exists()
        await node.until_phase("Failed")
        assert (await node.status_of("main"))["state"]["terminated"]["exitCode"] == 1

    node_scenario(scenario)


def test_a_node_without_a_free_byte_evicts_all_the_same(node_scenario, script, monkeypatch):
    def full(*ignored: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def scenario(node):
        node.scripts["main"] = script(seconds=None)
        await node.create()
        await node.until_phase("Running")
        monkeypatch.setattr(PodPaths, "write_verdict", full)
        node.host.now = Pressure(memory_available=0.5, disk_available=0.0, inodes_available=0.5, pids_available=0.9)
        failed = await node.until_phase("Failed")
        assert failed["status"]["reason"] == "Evicted"

    node_scenario(scenario)
