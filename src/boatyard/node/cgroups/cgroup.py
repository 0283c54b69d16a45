"""What both versions share, and the groups of a machine that gives none."""

from __future__ import annotations

import contextlib
import os
import signal

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import Any

PERIOD_MICROSECONDS = 100_000
KILL_ROUNDS = 50


class NoCgroups:
    """Where there is no right to make groups: limits aren't enforced, and processes are found by other means."""

    version = 0
    enforced: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        return {"version": 0}

    def create(self, group: str, limits: dict[str, Any]) -> None: ...

    def join(self, group: str) -> None: ...

    def out_of_memory_kills(self, group: str) -> int:
        return 0

    def processes(self, group: str) -> list[int]:
        return []

    def kill(self, group: str) -> None: ...

    def remove(self, group: str) -> None: ...

    def groups(self) -> list[str]:
        return []


def weight(limits: dict[str, Any]) -> int | None:
    """Relative share of the processor, in version 1's unit (1024 for a whole core), as a kubelet reckons it."""
    request = limits.get("cpu_request_millis")
    return None if request is None else max(2, min(262144, request * 1024 // 1000))


def quota(limits: dict[str, Any]) -> int | None:
    """Microseconds of processor time per period."""
    limit = limits.get("cpu_millis")
    return None if limit is None else max(1000, limit * PERIOD_MICROSECONDS // 1000)


def write(path: str, value: object) -> None:
    with open(path, "w") as file:
        file.write(str(value))


def tree(directory: str) -> list[str]:
    """The directory and all below it, the deepest first."""
    return [path for path, _, _ in os.walk(directory, topdown=False)]


def pids(directory: str) -> list[int]:
    found: list[int] = []
    for path in tree(directory):
        with contextlib.suppress(OSError):
            with open(os.path.join(path, "cgroup.procs")) as file:
                found += [int(line) for line in file.read().split()]
    return found


def send_kill(found: list[int]) -> None:
    for pid in found:
        if pid > 0:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def remove_tree(directory: str) -> None:
    for path in tree(directory):
        with contextlib.suppress(OSError):
            os.rmdir(path)


def children(directory: str) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(directory) if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []


def counter(path: str, name: str) -> int:
    """The number behind ``name`` in a file of ``name number`` lines; 0 where there is none."""
    try:
        with open(path) as file:
            for line in file:
                key, _, value = line.partition(" ")
                if key == name:
                    return int(value)
    except OSError:
        pass
    return 0
