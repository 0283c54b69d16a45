"""What an installation has left on the machine: processes, mounts, network, groups and files. Nothing, if all is well."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from boatyard.app.layout import DataDirectory
from boatyard.node.machine import machine_id
from boatyard.node.network.plan import load_or_choose


def traces(data: DataDirectory, *, pods: bool = True) -> list[str]:
    """A line for each thing found. With ``pods``, only what belongs to pods is looked for (a running installation has its own)."""
    found = [*_processes(data), *_mounts(data), *_groups(data), *_links(data)]
    found += [f"directory {path}" for path in sorted((data.node / "pods").glob("*"))]
    if not pods:
        found += [f"link {name}" for _, name in socket.if_nameindex() if name == load_or_choose(data.node).bridge]
    return found


def _processes(data: DataDirectory) -> list[str]:
    """Supervisors and sandboxes name their pod's directory; what runs inside a pod is found by its group."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            groups = (entry / "cgroup").read_text()
        except OSError:
            continue
        if str(data.node / "pods") in command or f"boatyard-{machine_id(data.node)}" in groups:
            found.append(f"process {entry.name}: {command[:120]}")
    return found


def _mounts(data: DataDirectory) -> list[str]:
    return [f"mount {line}" for line in Path("/proc/mounts").read_text().splitlines() if f" {data.node}" in line]


def _groups(data: DataDirectory) -> list[str]:
    name = f"boatyard-{machine_id(data.node)}"
    return [f"group {path}" for path in sorted(Path("/sys/fs/cgroup").glob(f"**/{name}/*")) if path.is_dir()]


def _links(data: DataDirectory) -> list[str]:
    if not (data.node / "network.json").exists():
        return []
    prefix = load_or_choose(data.node).link("0.0.0.")
    return [f"link {name}" for _, name in socket.if_nameindex() if name.startswith(prefix)]
