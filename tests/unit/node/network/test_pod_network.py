"""The real thing: a bridge, links, addresses, services and names, and nothing of it left afterwards."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from boatyard.machinery.runtime.world import RealWorld
from boatyard.node.machine import MachineRuntime
from boatyard.node.network.bridge import BridgeNetwork
from boatyard.node.runtime import ContainerConfig, Limits, PodConfig, PodState, ServicePort, ServiceRoute

pytestmark = [pytest.mark.root, pytest.mark.real, pytest.mark.skipif(os.getuid() != 0, reason="needs root")]

SERVER = """exec python3 -u -c '
import socket
with socket.create_server(("0.0.0.0", 8080)) as server:
    while True:
        connection, peer = server.accept()
        connection.sendall((socket.gethostname() + " saw " + peer[0]).encode())
        connection.close()
'"""


def get(address: str, port: int) -> str:
    connection = f'socket.create_connection(("{address}", {port}), 30)'
    return f"python3 -c 'import socket; print({connection}.recv(100).decode())' 2>&1 | tail -1"


class Net:
    def __init__(self, directory: Path, runtime: MachineRuntime, network: BridgeNetwork) -> None:
        self.directory, self.runtime, self.network = directory, runtime, network

    async def pod(self, uid: str, script: str) -> PodState:
        search = ("team.svc.cluster.local", "svc.cluster.local")
        state = await self.runtime.start_pod(PodConfig(uid, uid, "team", uid, False, "bubblewrap", dns_search=search))
        log = str(self.directory / f"{uid}.log")
        words = ("/bin/sh", "-c", script)
        await self.runtime.start_container(
            uid, ContainerConfig("main", 0, "boatyard.dev/host", words, {}, "/", (), Limits(), log, "/dev/termination-log")
        )
        return state

    async def run(self, uid: str, script: str) -> str:
        """Output of a command in a pod."""
        stream = await self.runtime.exec(uid, "main", ("/bin/sh", "-c", script), tty=False, stdin=False)
        return b"".join([data async for _, data in stream.output()]).decode().strip()

    async def server(self, uid: str) -> PodState:
        state = await self.pod(uid, SERVER)
        for _ in range(3000):
            try:
                (await asyncio.open_connection(state.ip, 8080))[1].close()
                return state
            except OSError:
                await asyncio.sleep(0.02)
        raise AssertionError("the server in the pod doesn't answer")


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[Net]:
    network = BridgeNetwork(tmp_path / "node")
    async with MachineRuntime(tmp_path / "node", RealWorld(), network=network) as runtime:
        if "bubblewrap" not in runtime.capabilities.sandboxes:
            pytest.skip("; ".join(runtime.capabilities.advice))
        yield Net(tmp_path, runtime, network)
        for pod in await runtime.pods():
            await runtime.remove_pod(pod.config.uid)
    network.remove()
    prefix = (network.plan.bridge, network.plan.link("0.0.0."))
    assert not [link for _, link in socket.if_nameindex() if link.startswith(prefix)]


async def test_pods_reach_each_other_and_the_host_reaches_them(net: Net) -> None:
    one, two = await net.server("one"), await net.server("two")
    assert one.ip != two.ip and not one.host_network
    assert await net.run("two", get(one.ip, 8080)) == f"one saw {two.ip}"
    reader, _ = await asyncio.open_connection(one.ip, 8080)
    assert (await reader.read()).decode() == f"one saw {net.network.plan.gateway}"


async def test_services_are_reached_by_name_and_address_from_everywhere(net: Net) -> None:
    one, two = await net.server("one"), await net.server("two")
    web = ServiceRoute("team", "web", "10.96.7.1", (), (ServicePort(80, "TCP", ((one.ip, 8080),)), ServicePort(81)))
    both = ServiceRoute("team", "both", "10.96.7.2", (), (ServicePort(80, "TCP", ((one.ip, 8080), (two.ip, 8080))),))
    headless = ServiceRoute("team", "peers", "", (one.ip, two.ip))
    await net.runtime.set_services([web, both, headless])
    assert await net.run("two", get("web", 80)) == f"one saw {two.ip}"
    assert await net.run("two", get("web.team.svc.cluster.local", 80)) == f"one saw {two.ip}"
    assert (await net.run("one", get("web", 80))).startswith("one saw "), "a pod reaches itself"
    assert "refused" in await net.run("two", get("web", 81)), "no endpoints"
    assert "Name or service not known" in await net.run("two", get("nope", 80))
    seen: set[str] = set()
    for _ in range(60):  # each takes either by chance
        seen.add((await net.run("two", get("both", 80))).split()[0])
        if len(seen) == 2:
            break
    assert seen == {"one", "two"}
    assert set((await net.run("one", "getent ahostsv4 peers | cut -d' ' -f1 | sort -u")).split()) == {one.ip, two.ip}
    reader, _ = await asyncio.open_connection("10.96.7.1", 80)
    assert (await reader.read()).decode().startswith("one saw ")
    await net.runtime.set_services([])
    assert "Name or service not known" in await net.run("two", get("web", 80))


async def test_a_pod_keeps_its_address_while_the_agent_is_away(net: Net) -> None:
    one = await net.server("one")
    other = BridgeNetwork(net.directory / "node")
    net.runtime._tasks.cancel()
    await net.network.stop()
    async with MachineRuntime(net.directory / "node", RealWorld(), network=other) as second:
        (pod,) = await second.pods()
        assert pod.ip == one.ip and pod.alive
        state = await second.start_pod(PodConfig("two", "two", "team", "two", False, "bubblewrap"))
        assert state.ip != one.ip
        reader, _ = await asyncio.open_connection(one.ip, 8080)
        assert (await reader.read()).decode().startswith("one saw ")
        for uid in ("one", "two"):
            await second.remove_pod(uid)


async def test_a_link_goes_with_its_pod(net: Net) -> None:
    state = await net.server("one")
    link = net.network.plan.link(state.ip)
    assert link in [name for _, name in socket.if_nameindex()]
    await net.runtime.remove_pod("one")
    for _ in range(3000):
        if link not in [name for _, name in socket.if_nameindex()]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the link is still there")


async def test_a_pod_that_wants_the_hosts_network_gets_it(net: Net) -> None:
    state = await net.runtime.start_pod(PodConfig("one", "one", "team", "one", True, "bubblewrap"))
    assert state.host_network and state.ip == ""
