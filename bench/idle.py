"""What an installation costs that has nothing to do: memory and CPU of the control plane and of a CI server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from bench.figure import Figure
from bench.installation import installation

SETTLE_SECONDS, SECONDS = 10.0, 30.0


def resident_bytes(pid: int) -> int:
    """Resident memory of a process, shared pages and all."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ciserver_pid() -> int:
    """The CI server's process, found by its command line (it is the only one of this bench's installation)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"boatyard.ciserver" in command and b"python" in command[0]:
                found.append(int(entry.name))
    return max(found)


async def measure() -> list[Figure]:
    """After one build, so that everything that is imported late is there."""
    async with installation(parallel=4, command="true") as ours:
        await ours.first_line()
        await asyncio.sleep(SETTLE_SECONDS)
        pids = {
            "control plane": (ours.process("control"), 120),
            "CI server": (ciserver_pid(), 60),
            "node agent": (ours.process("node"), None),
        }
        before = {name: cpu_seconds(pid) for name, (pid, _) in pids.items()}
        await asyncio.sleep(SECONDS)
        figures = []
        for name, (pid, bound) in pids.items():
            share = (cpu_seconds(pid) - before[name]) / SECONDS * 100
            megabytes = resident_bytes(pid) / 1e6
            held = None if bound is None else megabytes < bound and (name != "control plane" or share < 1)
            limit = "" if bound is None else f"< {bound} MB" + (", < 1 %" if name == "control plane" else "")
            figures.append(Figure(f"{name}, idle", f"{megabytes:.0f} MB, {share:.2f} % of a core", "", "", limit, held))
        return figures


def run() -> list[Figure]:
    """The rows of this bench."""
    return asyncio.run(measure())
