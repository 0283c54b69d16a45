"""An agent to be killed: starts pods and containers over and over and tells what it does. Arguments: directory, sandbox."""

import asyncio
import sys
from pathlib import Path

from boatyard.machinery.runtime.world import RealWorld
from boatyard.node.machine import MachineRuntime
from boatyard.node.runtime import ContainerConfig, Limits, PodConfig


async def main(directory: Path, sandbox: str) -> None:
    async with MachineRuntime(directory / "node", RealWorld(), default_sandbox=sandbox) as runtime:
        for number in range(1000):
            uid = f"uid-{number}"
            print(f"pod {uid}", flush=True)
            await runtime.start_pod(PodConfig(uid, "pod", "team", "podhost", True, ""))
            for name in ("one", "two"):
                log = str(directory / "logs" / f"{uid}-{name}.log")
                script = ("/bin/sh", "-c", "echo started; sleep 300")
                print(f"container {uid} {name}", flush=True)
                await runtime.start_container(
                    uid, ContainerConfig(name, 0, "boatyard.dev/host", script, {}, "/", (), Limits(), log, "/dev/termination-log")
                )
            if number % 2:
                print(f"remove {uid}", flush=True)
                await runtime.remove_pod(uid)


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
