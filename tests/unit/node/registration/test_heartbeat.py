"""The node tells what it is, that it lives, and what it is short of."""

from __future__ import annotations

import pytest

from boatyard.machinery.meta.conditions import condition, is_true
from boatyard.machinery.meta.core import LEASES, NODES
from boatyard.machinery.meta.timestamps import parse_time
from boatyard.node.agent import NodePaths, _identity
from boatyard.node.registration.host import Pressure
from boatyard.node.registration.node_object import conditions
from boatyard.node.runtime import Capabilities


async def node_of(node):
    return await node.client.get(NODES, "n1")


def test_a_node_registers_itself(node_scenario):
    async def scenario(node):
        await node.world.sleep(1)
        made = await node_of(node)
        assert made["metadata"]["labels"]["kubernetes.io/hostname"] == "n1"
        assert made["metadata"]["labels"]["boatyard.dev/sandbox"] == "process"
        assert made["metadata"]["annotations"]["boatyard.dev/volumes-directory"].endswith("/volumes")
        assert is_true(made, "Ready")
        assert condition(made, "DiskPressure")["reason"] == "KubeletHasNoDiskPressure"
        assert made["status"]["allocatable"]["cpu"] == "4"
        assert made["status"]["nodeInfo"]["operatingSystem"] == "linux"

    node_scenario(scenario)


def test_its_lease_is_renewed_every_ten_seconds_and_its_status_only_when_something_changed(node_scenario):
    async def scenario(node):
        await node.world.sleep(1)
        first = await node_of(node)
        await node.world.sleep(60)
        lease = await node.client.get(LEASES, "n1", "kube-node-lease")
        assert node.world.now() - parse_time(lease["spec"]["renewTime"]) <= 10
        assert (await node_of(node))["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]

    node_scenario(scenario)


def test_a_full_disk_is_told_and_pods_are_evicted_one_at_a_time_the_least_important_first(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None)
        share = {"cpu": "1", "memory": "1Gi"}
        important = make_container("main", resources={"requests": share, "limits": share})
        await node.create({"containers": [important]}, name="guaranteed")
        await node.create(name="best-effort")
        await node.until_phase("Running", "best-effort")
        node.host.now = Pressure(disk_available=0.01)
        evicted = await node.until_phase("Failed", "best-effort")
        assert evicted["status"]["reason"] == "Evicted"
        assert evicted["status"]["message"] == "The node was low on resource: ephemeral-storage."
        assert await node.phase("guaranteed") == "Running"
        assert condition(await node_of(node), "DiskPressure")["status"] == "True"
        node.host.now = Pressure()
        await node.world.sleep(90)
        assert condition(await node_of(node), "DiskPressure")["status"] == "False"
        assert await node.phase("guaranteed") == "Running"

    node_scenario(scenario)


def test_a_node_that_was_written_off_says_that_it_is_here(node_scenario):
    async def scenario(node):
        await node.world.sleep(1)
        lost = [{**c, "status": "Unknown"} if c["type"] == "Ready" else c for c in (await node_of(node))["status"]["conditions"]]
        await node.client.patch(NODES, "n1", {"status": {"conditions": lost}}, subresource="status")
        await node.world.sleep(15)
        assert is_true(await node_of(node), "Ready")

    node_scenario(scenario)


@pytest.mark.parametrize(
    ("sandbox", "network", "own"), [("bubblewrap", True, True), ("bubblewrap", False, False), ("process", True, False)]
)
def test_it_says_whether_pods_have_addresses_of_their_own(tmp_path, sandbox, network, own):
    """Placement keeps apart by it what declares the same port."""
    machine = Capabilities(("bubblewrap", "process"), "root", (), network, ("no bridge can be made here",))
    identity = _identity(NodePaths(tmp_path), "n1", "127.0.0.1", sandbox, machine, {})
    told = {one["type"]: one for one in conditions(identity, {}, (), 0.0)}["PodNetwork"]
    assert (told["status"], told["reason"]) == (("True", "PodsHaveAddresses") if own else ("False", "PodsShareTheHostNetwork"))
