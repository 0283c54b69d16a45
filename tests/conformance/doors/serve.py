"""A process with every door open, for tests that measure it: prints where, then serves until its input ends."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import uvloop

from boatyard.machinery.telemetry.logs import configure

from .house import opened


async def main(path: Path) -> None:
    async with opened(path) as house:
        urls = {
            "api": house.api.address,
            "kubelet": house.kubelet_url,
            "gateway": house.gateway_url,
            "ciserver": house.ciserver_url,
        }
        house.pki.admin()
        print(json.dumps(urls), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


configure("doors")
uvloop.run(main(Path(sys.argv[1])))
