"""The machine as the node tells of it: what it has, and what it is short of."""

from __future__ import annotations

import os
import platform
import socket
from pathlib import Path
from typing import NamedTuple, Protocol


class HostFacts(NamedTuple):
    """What doesn't change while the machine runs."""

    hostname: str
    cpus: int
    memory_bytes: int
    disk_bytes: int
    architecture: str
    kernel: str
    os_image: str
    machine_id: str
    boot_id: str


class Pressure(NamedTuple):
    """What is left, as shares of the whole (0 to 1)."""

    memory_available: float = 1.0
    disk_available: float = 1.0
    inodes_available: float = 1.0
    pids_available: float = 1.0


class Host(Protocol):
    """Where the facts come from. A simulation has one of its own."""

    def facts(self) -> HostFacts: ...

    def pressure(self) -> Pressure: ...


class LocalHost:
    """This machine; ``directory`` says which file system counts."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def facts(self) -> HostFacts:
        disk = os.statvfs(self._directory)
        machine = platform.machine()
        return HostFacts(
            hostname=socket.gethostname().lower(),
            cpus=len(os.sched_getaffinity(0)),
            memory_bytes=_memory()["MemTotal"],
            disk_bytes=disk.f_blocks * disk.f_frsize,
            architecture={"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine),
            kernel=platform.release(),
            os_image=_os_image(),
            machine_id=_line("/etc/machine-id"),
            boot_id=_line("/proc/sys/kernel/random/boot_id"),
        )

    def pressure(self) -> Pressure:
        memory, disk = _memory(), os.statvfs(self._directory)
        running = _line("/proc/loadavg").split()[3].partition("/")[2]
        most = min(int(_line("/proc/sys/kernel/pid_max") or 32768), int(_line("/proc/sys/kernel/threads-max") or 32768))
        return Pressure(
            memory_available=memory.get("MemAvailable", memory["MemTotal"]) / memory["MemTotal"],
            disk_available=disk.f_bavail / disk.f_blocks if disk.f_blocks else 1.0,
            inodes_available=disk.f_favail / disk.f_files if disk.f_files else 1.0,
            pids_available=1.0 - int(running or 0) / most,
        )


class FakeHost:
    """A machine of four cores that lacks nothing, or as much as ``now`` says."""

    def __init__(self, hostname: str = "sim", cpus: int = 4, memory_bytes: int = 8 << 30) -> None:
        self._facts = HostFacts(hostname, cpus, memory_bytes, 100 << 30, "amd64", "6.1.0", "Simulation", "0" * 32, "0" * 32)
        self.now = Pressure()

    def facts(self) -> HostFacts:
        return self._facts

    def pressure(self) -> Pressure:
        return self.now


def _memory() -> dict[str, int]:
    found: dict[str, int] = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        key, _, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[1] == "kB":
            found[key] = int(words[0]) * 1024
    return found


def _os_image() -> str:
    for line in _text("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "Linux"


def _line(path: str) -> str:
    return _text(path).strip()


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
