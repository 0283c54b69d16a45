"""Control groups version 2: one tree (kernel's ``Documentation/admin-guide/cgroup-v2``). Processes live in leaves only."""

from __future__ import annotations

import contextlib
import os
import time

from boatyard.node.cgroups import cgroup

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import Any

CONTROLLERS = ("memory", "cpu", "pids")


class CgroupsV2:
    version = 2

    def __init__(self, parent: str, base: str, enforced: tuple[str, ...]) -> None:
        """``parent``: a directory we may make groups in; ``enforced``: the controllers it can hand down."""
        self._parent = parent
        self._base = base
        self.enforced = enforced

    def record(self) -> dict[str, Any]:
        return {"version": 2, "parent": self._parent, "base": self._base, "enforced": list(self.enforced)}

    def create(self, group: str, limits: dict[str, Any]) -> None:
        directory = self._parent
        for name in (self._base, *group.split("/")):
            self._hand_down(directory)
            directory = os.path.join(directory, name)
            os.makedirs(directory, exist_ok=True)
        if "memory" in self.enforced and limits.get("memory_bytes") is not None:
            cgroup.write(f"{directory}/memory.max", limits["memory_bytes"])
            if os.path.exists(f"{directory}/memory.swap.max"):
                # Swap would only slow the end down.
                cgroup.write(f"{directory}/memory.swap.max", 0)
        if "cpu" in self.enforced:
            if (quota := cgroup.quota(limits)) is not None:
                cgroup.write(f"{directory}/cpu.max", f"{quota} {cgroup.PERIOD_MICROSECONDS}")
            if (shares := cgroup.weight(limits)) is not None:
                # The kubelet's formula from version 1's shares (2 to 262144) to weights (1 to 10000).
                cgroup.write(f"{directory}/cpu.weight", 1 + (shares - 2) * 9999 // 262142)
        if "pids" in self.enforced and limits.get("pids") is not None:
            cgroup.write(f"{directory}/pids.max", limits["pids"])

    def join(self, group: str) -> None:
        cgroup.write(f"{self._path(group)}/cgroup.procs", 0)

    def out_of_memory_kills(self, group: str) -> int:
        return sum(cgroup.counter(f"{path}/memory.events.local", "oom_kill") for path in cgroup.tree(self._path(group)))

    def processes(self, group: str) -> list[int]:
        return sorted(cgroup.pids(self._path(group)))

    def kill(self, group: str) -> None:
        directory = self._path(group)
        for _ in range(cgroup.KILL_ROUNDS):
            found = self.processes(group)
            if not found:
                return
            try:
                cgroup.write(f"{directory}/cgroup.kill", 1)
            except OSError:  # before Linux 5.14
                with contextlib.suppress(OSError):
                    cgroup.write(f"{directory}/cgroup.freeze", 1)
                cgroup.send_kill(self.processes(group))
                with contextlib.suppress(OSError):
                    cgroup.write(f"{directory}/cgroup.freeze", 0)
            time.sleep(0.002)

    def remove(self, group: str) -> None:
        cgroup.remove_tree(self._path(group))
        with contextlib.suppress(OSError):
            os.rmdir(self._path(""))

    def groups(self) -> list[str]:
        return cgroup.children(self._path(""))

    def _hand_down(self, directory: str) -> None:
        """Let the children of a directory use the controllers; one that is handed down already is left alone."""
        with open(os.path.join(directory, "cgroup.subtree_control")) as file:
            there = file.read().split()
        for controller in self.enforced:
            if controller not in there:
                cgroup.write(os.path.join(directory, "cgroup.subtree_control"), f"+{controller}")

    def _path(self, group: str) -> str:
        return os.path.join(self._parent, self._base, group)
