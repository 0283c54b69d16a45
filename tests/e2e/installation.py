"""A whole installation for a test: ``boatyard up`` in a directory of its own, ended without a trace."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boatyard.app import addresses, processes
from boatyard.app.follow import states
from boatyard.app.layout import DataDirectory
from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource


@dataclass
class Installation:
    """A running control plane and node, and a client with an administrator's rights."""

    data: DataDirectory
    client: HttpClient
    addresses: addresses.Addresses

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A ``boatyard`` command against it."""
        return boatyard(self.data.root, *arguments)

    def process(self, name: str) -> processes.ProcessId:
        """``up``, ``control`` or ``node``."""
        found = processes.running(self.data.run / f"{name}.pid")
        assert found, f"{name} doesn't run: {log_tail(self.data, name)}"
        return found

    async def until(
        self, resource: Resource, name: str, namespace: str, condition: Callable[[Object], Any], *, seconds: float = 60
    ) -> Object:
        """The object as soon as the condition holds."""
        last: Object = {}
        try:
            async with asyncio.timeout(seconds):
                async for last in states(self.client, resource, name, namespace):
                    if condition(last):
                        return last
        except TimeoutError:
            raise AssertionError(f"{resource.plural}/{name} did not get there within {seconds} s: {last.get('status')}") from None
        raise AssertionError(f"{resource.plural}/{name} is gone: {last.get('status')}")


@asynccontextmanager
async def installation(directory: Path, *options: str) -> AsyncIterator[Installation]:
    """``boatyard up`` below ``directory``; afterwards everything is ended, pods too."""
    directory.chmod(0o711)
    data = DataDirectory(directory / "data")
    started = boatyard(data.root, "up", "--detach", "--api-port", "0", "--gateway-port", "0", *options)
    assert started.returncode == 0, f"{started.stderr}\n{log_tail(data, 'control')}\n{log_tail(data, 'node')}"
    chosen = addresses.load(data.root / "control" / "addresses.json")
    assert chosen is not None
    client = from_kubeconfig(data.kubeconfig)
    try:
        yield Installation(data, client, chosen)
    finally:
        await client.close()
        ended = boatyard(data.root, "down", "--pods")
        assert ended.returncode == 0, ended.stderr


def boatyard(root: Path, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would. ``command`` may be of two words."""
    return subprocess.run(
        [sys.executable, "-m", "boatyard.cli.main", *command.split(), "--data", str(root), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )


def log_tail(data: DataDirectory, name: str) -> str:
    """The end of a program's log."""
    file = data.run / f"{name}.log"
    return file.read_text(errors="replace")[-3000:] if file.exists() else f"no {file}"
