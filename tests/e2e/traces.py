"""What an installation has left on the machine: processes, mounts, network, groups and files. Nothing, if all is well."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyroute2.nftables.main import NFTables

from boatyard.app.layout import DataDirectory
from boatyard.node.machine import machine_id
from boatyard.node.network.plan import NetworkPlan, load_or_choose

_FORM = {"FORMAT", "kubeconfig", "control", "node", "objects", "run"}


def traces(data: DataDirectory, *, pods: bool = True) -> list[str]:
    """A line for each thing found. With ``pods``, only what belongs to pods is looked for (a running installation has its own)."""
    found = [*_processes(data), *_mounts(data), *_groups(data), *_files(data)]
    if (plan := _plan(data)) is not None:
        found += [*_links(plan), *_network_namespaces(plan)]
        if not pods:
            found += [f"link {name}" for _, name in socket.if_nameindex() if name == plan.bridge]
            found += _tables(plan)
    if not pods:
        found += [f"process {pid}: {command[:120]}" for pid, command in _all_processes() if str(data.root) in command]
    return found


def _plan(data: DataDirectory) -> NetworkPlan | None:
    return load_or_choose(data.node) if (data.node / "network.json").exists() else None


def _all_processes() -> Iterator[tuple[int, str]]:
    for entry in sorted(Path("/proc").glob("[0-9]*")):
        if int(entry.name) == os.getpid():
            continue
        try:
            yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


def _processes(data: DataDirectory) -> list[str]:
    """Supervisors and sandboxes name their pod's directory; what runs inside a pod is found by its group."""
    found: list[str] = []
    for pid, command in _all_processes():
        try:
            groups = Path(f"/proc/{pid}/cgroup").read_text()
        except OSError:
            continue
        if str(data.node / "pods") in command or f"boatyard-{machine_id(data.node)}" in groups:
            found.append(f"process {pid}: {command[:120]}")
    return found


def _mounts(data: DataDirectory) -> list[str]:
    return [f"mount {line}" for line in Path("/proc/mounts").read_text().splitlines() if f" {data.node}" in line]


def _groups(data: DataDirectory) -> list[str]:
    name = f"boatyard-{machine_id(data.node)}"
    return [f"group {path}" for path in sorted(Path("/sys/fs/cgroup").glob(f"**/{name}/*")) if path.is_dir()]


def _links(plan: NetworkPlan) -> list[str]:
    prefix = plan.link("0.0.0.")
    return [f"link {name}" for _, name in socket.if_nameindex() if name.startswith(prefix)]


def _network_namespaces(plan: NetworkPlan) -> list[str]:
    """A namespace lives as long as a process in it, or a mount (found above); its addresses tell whose it is."""
    own, prefix = os.stat("/proc/self/ns/net").st_ino, plan.gateway.rpartition(".")[0] + "."
    found: dict[int, str] = {}
    for pid, command in _all_processes():
        try:
            namespace = os.stat(f"/proc/{pid}/ns/net").st_ino
            if namespace not in (own, *found) and prefix in Path(f"/proc/{pid}/net/fib_trie").read_text():
                found[namespace] = f"network namespace {namespace} of process {pid}: {command[:120]}"
        except OSError:
            continue
    return list(found.values())


def _tables(plan: NetworkPlan) -> list[str]:
    def names() -> list[str]:
        with NFTables() as tables:
            return [table.get_attr("NFTA_TABLE_NAME") for table in tables.get_tables()]

    # The library runs an event loop of its own, which it can't where one runs already.
    with ThreadPoolExecutor(1) as thread:
        return [f"nftables table {name}" for name in thread.submit(names).result() if name == plan.bridge]


def _files(data: DataDirectory) -> list[str]:
    """Directories of pods, and what was being written when its writer died."""
    found = [f"directory {path}" for path in sorted((data.node / "pods").glob("*"))]
    for directory, _, names in os.walk(data.root):
        found += [f"half a file {directory}/{name}" for name in names if name.startswith(".part") or name.endswith(".part")]
    found += [f"file {path}" for path in sorted(data.root.iterdir()) if path.name not in _FORM]
    return found
