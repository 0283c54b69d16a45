"""A machine runtime on a scratch directory, whose leftovers are looked for at the end."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from boatyard.machinery.runtime.world import RealWorld
from boatyard.node.machine import MachineRuntime, machine_id
from boatyard.node.runtime import ContainerConfig, ContainerState, Limits, Mount, PodConfig, PodState
from boatyard.node.supervisor import plain
from parts import need

HOST = "boatyard.dev/host"
UID, OTHER_UID = f"uid-{os.getpid()}", f"uid-{os.getpid()}-other"
"""Of pods: what a container leaves behind is found on the whole machine by its pod, and others run these tests beside us."""


class Yard:
    """A node directory and what tests do with it again and again."""

    def __init__(self, directory: Path, sandbox: str) -> None:
        self.directory = directory
        self.sandbox = sandbox

    def runtime(self, **options: object) -> MachineRuntime:
        return MachineRuntime(self.directory / "node", RealWorld(), default_sandbox=self.sandbox, **options)  # type: ignore[arg-type]

    def pod(self, uid: str = UID, **changes: object) -> PodConfig:
        fields: dict[str, object] = {"name": "pod", "namespace": "team", "hostname": "podhost", "host_network": True, "sandbox": ""}
        return PodConfig(uid=uid, **{**fields, **changes})  # type: ignore[arg-type]

    def container(self, script: str, *, name: str = "main", attempt: int = 0, **changes: object) -> ContainerConfig:
        fields: dict[str, object] = {
            "image": HOST,
            "argv": ("/bin/sh", "-c", script),
            "env": {},
            "cwd": "/",
            "mounts": (),
            "limits": Limits(),
            "log_path": str(self.log(name, attempt)),
            "termination_message_path": "/dev/termination-log",
        }
        return ContainerConfig(name=name, attempt=attempt, **{**fields, **changes})  # type: ignore[arg-type]

    def log(self, name: str = "main", attempt: int = 0) -> Path:
        return self.directory / "logs" / f"{name}-{attempt}.log"

    def text(self, name: str = "main", attempt: int = 0) -> str:
        """The log without its stamps."""
        if not self.log(name, attempt).exists():
            return ""
        return "".join(line.split(" ", 3)[3] + "\n" for line in self.log(name, attempt).read_text().splitlines())

    def volume(self, name: str) -> Path:
        path = self.directory / "volumes" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def mount(self, name: str, target: str, *, read_only: bool = False) -> Mount:
        return Mount(str(self.directory / "volumes" / name), target, read_only)

    async def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.005)

    async def ended(self, runtime: MachineRuntime, uid: str = UID, name: str = "main", attempt: int = 0) -> ContainerState:
        """Wait by way of the changes, as the agent does."""
        async with asyncio.timeout(60):
            async for changed in runtime.changes():
                if changed != uid:
                    continue
                state = await runtime.state(uid)
                found = find(state, name, attempt)
                if found is not None and found.state == "exited":
                    return found
        raise AssertionError("the changes ended")

    def processes(self) -> list[str]:
        """Command lines of every process that has to do with this directory."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                try:
                    words = Path("/proc", entry, "cmdline").read_bytes()
                except OSError:
                    continue
                if os.fsencode(self.directory / "node") in words:
                    found.append(f"{entry} {words!r}")
        return found

    def leftovers(self) -> list[str]:
        """Processes, groups, mounts and links that should be gone when no pod is left."""
        name = f"boatyard-{machine_id(self.directory / 'node')}"
        groups = [str(path) for root in Path("/sys/fs/cgroup").iterdir() for path in [root / name] if path.exists()]
        mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(self.directory) in line]
        links = [link for _, link in socket.if_nameindex() if link.startswith(f"by-{name[-6:]}-")]
        files = [str(path) for path in self.directory.glob("node/pods/*/machine")]
        cookies = [str(pid) for uid in (UID, OTHER_UID) for pid in plain.processes(f"{uid}/")]
        return [*self.processes(), *groups, *mounts, *links, *files, *cookies]


def find(state: PodState | None, name: str, attempt: int = 0) -> ContainerState | None:
    if state is None:
        return None
    return next((container for container in state.containers if (container.name, container.attempt) == (name, attempt)), None)


@pytest.fixture(params=["bubblewrap", "process"])
async def yard(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Yard]:
    need(request.param != "bubblewrap" or shutil.which("bwrap") is not None, "bubblewrap isn't installed (Debian: bubblewrap)")
    made = Yard(tmp_path, request.param)
    yield made
    async with made.runtime() as runtime:
        for state in await runtime.pods():
            await runtime.remove_pod(state.config.uid)
    assert made.leftovers() == []


@pytest.fixture
async def runtime(yard: Yard) -> AsyncIterator[MachineRuntime]:
    async with yard.runtime() as made:
        need(yard.sandbox in made.capabilities.sandboxes, "; ".join(made.capabilities.advice))
        yield made
