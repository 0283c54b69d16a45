"""Control groups version 1: one tree per controller, the same path in each (kernel's ``Documentation/admin-guide/cgroup-v1``)."""

from __future__ import annotations

import contextlib
import os
import time

from boatyard.node.cgroups import cgroup

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import Any

CONTROLLERS = ("memory", "cpu", "pids", "freezer")


class CgroupsV1:
    version = 1

    def __init__(self, mounts: dict[str, str], base: str) -> None:
        """``mounts``: directory of each controller that is there; ``base``: our group's path below every one."""
        self._mounts = {name: mounts[name] for name in CONTROLLERS if name in mounts}
        self._base = base
        self.enforced = tuple(name for name in ("memory", "cpu", "pids") if name in self._mounts)

    def record(self) -> dict[str, Any]:
        return {"version": 1, "mounts": self._mounts, "base": self._base}

    def create(self, group: str, limits: dict[str, Any]) -> None:
        for controller in self._mounts:
            os.makedirs(self._path(controller, group), exist_ok=True)
        if "memory" in self._mounts and limits.get("memory_bytes") is not None:
            directory = self._path("memory", group)
            cgroup.write(f"{directory}/memory.limit_in_bytes", limits["memory_bytes"])
            if os.path.exists(f"{directory}/memory.memsw.limit_in_bytes"):
                # Swap would only slow the end down.
                with contextlib.suppress(OSError):
                    cgroup.write(f"{directory}/memory.memsw.limit_in_bytes", limits["memory_bytes"])
        if "cpu" in self._mounts:
            directory = self._path("cpu", group)
            if (quota := cgroup.quota(limits)) is not None:
                cgroup.write(f"{directory}/cpu.cfs_period_us", cgroup.PERIOD_MICROSECONDS)
                cgroup.write(f"{directory}/cpu.cfs_quota_us", quota)
            if (weight := cgroup.weight(limits)) is not None:
                cgroup.write(f"{directory}/cpu.shares", weight)
        if "pids" in self._mounts and limits.get("pids") is not None:
            cgroup.write(f"{self._path('pids', group)}/pids.max", limits["pids"])

    def join(self, group: str) -> None:
        for controller in self._mounts:
            cgroup.write(f"{self._path(controller, group)}/cgroup.procs", 0)

    def out_of_memory_kills(self, group: str) -> int:
        if "memory" not in self._mounts:
            return 0
        return sum(cgroup.counter(f"{path}/memory.oom_control", "oom_kill") for path in cgroup.tree(self._path("memory", group)))

    def processes(self, group: str) -> list[int]:
        return sorted({pid for controller in self._mounts for pid in cgroup.pids(self._path(controller, group))})

    def kill(self, group: str) -> None:
        for _ in range(cgroup.KILL_ROUNDS):
            found = self.processes(group)
            if not found:
                return
            # Frozen processes can't have children while we count them.
            self._freeze(group, "FROZEN")
            cgroup.send_kill(self.processes(group))
            self._freeze(group, "THAWED")
            time.sleep(0.002)

    def remove(self, group: str) -> None:
        for controller in self._mounts:
            cgroup.remove_tree(self._path(controller, group))
            with contextlib.suppress(OSError):
                os.rmdir(self._path(controller, ""))

    def groups(self) -> list[str]:
        return sorted({name for controller in self._mounts for name in cgroup.children(self._path(controller, ""))})

    def _freeze(self, group: str, state: str) -> None:
        if "freezer" in self._mounts:
            with contextlib.suppress(OSError):
                cgroup.write(f"{self._path('freezer', group)}/freezer.state", state)

    def _path(self, controller: str, group: str) -> str:
        return os.path.join(self._mounts[controller], self._base, group)
