"""Each implementation of NodeRuntime, with the little that a test must be able to ask of any of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from boatyard.machinery.runtime.world import RealWorld
from boatyard.node.machine import MachineRuntime
from boatyard.node.runtime import ContainerConfig, ContainerState, Limits, NodeRuntime, PodConfig, PodState
from boatyard.node.simulated import FakeRuntime, Script

WAIT_SECONDS = 60.0
SCRIPTS = {
    "succeeds": ("echo hello; printf fine > /dev/termination-log", Script(seconds=0.05, logs=((0.0, "hello"),), message="fine")),
    "fails": ("exit 3", Script(seconds=0.05, exit_code=3)),
    "runs": ("trap 'exit 5' TERM; while true; do sleep 0.02; done", Script(seconds=None, term_exit_code=5)),
    "ignores": ("trap '' TERM; while true; do sleep 0.02; done", Script(seconds=None, term_seconds=None)),
}
"""What a container of that name does, for a machine and for a script."""


class Subject:
    """One runtime."""

    uid = f"u1-{os.getpid()}"
    """Its pod's: of this process alone, since others run the same tests on the same machine."""

    def __init__(self, runtime: NodeRuntime, directory: Path) -> None:
        self.runtime, self.directory = runtime, directory

    def pod(self) -> PodConfig:
        return PodConfig(uid=self.uid, name="p", namespace="default", hostname="p", host_network=True, sandbox="")

    def container(self, name: str, attempt: int = 0, **changes: Any) -> ContainerConfig:
        log = self.directory / "pods" / self.uid / "logs" / name / f"{attempt}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        fields: dict[str, Any] = {
            "image": "boatyard.dev/host", "argv": ("/bin/sh", "-c", SCRIPTS[name][0]), "env": {}, "cwd": "/", "mounts": (),
            "limits": Limits(), "log_path": str(log), "termination_message_path": "/dev/termination-log", **changes,
        }  # fmt: skip
        return ContainerConfig(name=name, attempt=attempt, **fields)

    async def started(self, *names: str) -> PodState:
        await self.runtime.start_pod(self.pod())
        for name in names:
            await self.runtime.start_container(self.uid, self.container(name))
        state = await self.runtime.state(self.uid)
        assert state is not None
        return state

    async def until(self, name: str, state: str, attempt: int = 0) -> ContainerState:
        """Wait for changes, as the agent does."""
        async with asyncio.timeout(WAIT_SECONDS), aclosing(self.runtime.changes()) as changes:  # type: ignore[type-var]
            if (found := await self.find(name, attempt)) is not None and found.state == state:
                return found
            async for uid in changes:
                if uid == self.uid and (found := await self.find(name, attempt)) is not None and found.state == state:
                    return found
        raise AssertionError("the changes ended")

    async def find(self, name: str, attempt: int = 0) -> ContainerState | None:
        state = await self.runtime.state(self.uid)
        assert state is not None
        return next((c for c in state.containers if (c.name, c.attempt) == (name, attempt)), None)


@pytest.fixture(params=["scripted", "machine"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    """A runtime with nothing on it."""
    if request.param == "scripted":
        fake = FakeRuntime(RealWorld(), lambda pod, container: SCRIPTS[container.name][1], commands=lambda *_: (0, b"said\n", b""))
        yield Subject(fake, tmp_path)
        return
    async with MachineRuntime(tmp_path, RealWorld()) as machine:
        yield Subject(machine, tmp_path)
        for state in await machine.pods():
            await machine.remove_pod(state.config.uid)
