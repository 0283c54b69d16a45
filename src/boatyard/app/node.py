"""The node agent's process: the agent, wired to this machine. ``python -m boatyard.app.node DIR`` (`boatyard up` does)."""

from __future__ import annotations

import re
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import click

from boatyard.app import addresses
from boatyard.app.layout import DataDirectory
from boatyard.app.program import main_of, tell_ready
from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import RealWorld, World
from boatyard.machinery.telemetry.logs import get_logger
from boatyard.node.agent import Agent
from boatyard.node.kubelet.serving import Serving
from boatyard.node.machine import MachineRuntime
from boatyard.node.network.bridge import BridgeNetwork
from boatyard.node.volumes.host_path import HostPathPolicy
from boatyard.server.auth.pki import Pki

log = get_logger("app")


async def run(data: DataDirectory, sandbox: str, ready_fd: int | None) -> None:
    """Run until cancelled. Pods live on; the next one takes them over."""
    world = RealWorld()
    chosen = addresses.load(data.root / "control" / "addresses.json")
    if chosen is None:
        raise addresses.AddressError(f"{data.root} has no addresses: start with `boatyard up`")
    name = node_name(socket.gethostname())
    pki = Pki(data.pki, world)
    pair = pki.node(name, ("127.0.0.1",))
    async with AsyncExitStack() as stack:
        client = HttpClient(chosen.api, ca_file=str(pki.ca), cert_file=str(pair.cert), key_file=str(pair.key))
        stack.push_async_callback(client.close)
        runtime = await stack.enter_async_context(machine(data, chosen, world, sandbox))
        agent = Agent(
            client, runtime, world, data.node, node_name=name, sandbox=sandbox,
            services={"KUBERNETES_SERVICE_HOST": chosen.internal_host, "KUBERNETES_SERVICE_PORT": str(chosen.api_port)},
            policy=HostPathPolicy(hidden=(data.root.resolve(),), shown=(data.objects.resolve(),)),
            serving=Serving(str(pair.cert), str(pair.key), str(pki.ca)), capabilities=runtime.capabilities,
        )  # fmt: skip
        async with TaskGroup() as group:
            group.start(agent.run(), "agent")
            await agent.pods.synced()
            tell_ready(ready_fd)
            log.info("node agent is ready", node=name, sandbox=sandbox, limits=runtime.capabilities)


def machine(data: DataDirectory, chosen: addresses.Addresses, world: World, sandbox: str) -> MachineRuntime:
    """This machine, as the agent uses it. The pod network is made where the addresses say that pods have one."""
    network = BridgeNetwork(data.node) if chosen.pod_network else None
    return MachineRuntime(data.node, world, network=network, default_sandbox=sandbox)


def node_name(hostname: str) -> str:
    """The machine's name as a DNS label."""
    return re.sub(r"[^a-z0-9-]+", "-", hostname.lower()).strip("-")[:63].strip("-") or "node"


async def end_pods(data: DataDirectory) -> int:
    """End every pod that runs below a data directory whose agent is gone; how many there were."""
    chosen = addresses.load(data.root / "control" / "addresses.json")
    if chosen is None:
        return 0
    async with machine(data, chosen, RealWorld(), "") as runtime:
        pods = await runtime.pods()
        for pod in pods:
            await runtime.remove_pod(pod.config.uid)
    if chosen.pod_network:
        BridgeNetwork(data.node).remove()
    return len(pods)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--sandbox", default="", help="How pods are isolated; empty takes the best that works.")
@click.option("--ready-fd", type=int, help="File descriptor to tell the parent on.")
def main(directory: Path, sandbox: str, ready_fd: int | None) -> None:
    """Run the node agent of a data directory. `boatyard up` does."""
    main_of("node", run(DataDirectory(directory), sandbox, ready_fd))


if __name__ == "__main__":
    main()
