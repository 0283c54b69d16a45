"""Find out which control groups this process may use, and make the object again from its record."""

from __future__ import annotations

import contextlib
import os

from boatyard.node.cgroups import v1, v2
from boatyard.node.cgroups.cgroup import NoCgroups, write

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import Any

    from boatyard.node.cgroups.port import Cgroups


def detect(base: str, *, mounts: str = "/proc/self/mounts", membership: str = "/proc/self/cgroup") -> tuple[Cgroups, str]:
    """The groups to use under the name ``base``, and why limits are missing (empty when none is)."""
    first: dict[str, str] = {}
    second = ""
    with open(mounts) as file:
        for line in file:
            _, target, kind, options = line.split()[:4]
            if kind == "cgroup":
                first.update({option: target for option in options.split(",") if option in v1.CONTROLLERS})
            elif kind == "cgroup2":
                second = second or target
    if "memory" in first:
        return _first(first, base)
    if second:
        return _second(second, base, membership)
    return NoCgroups(), "no control groups are mounted"


def restore(record: dict[str, Any] | None) -> Cgroups:
    """The object that :meth:`Cgroups.record` described."""
    if record and record["version"] == 1:
        return v1.CgroupsV1(record["mounts"], record["base"])
    if record and record["version"] == 2:
        return v2.CgroupsV2(record["parent"], record["base"], tuple(record["enforced"]))
    return NoCgroups()


def _first(mounts: dict[str, str], base: str) -> tuple[Cgroups, str]:
    usable = {name: target for name, target in mounts.items() if _can_make(os.path.join(target, base))}
    if "memory" not in usable:
        return NoCgroups(), "control groups version 1 may only be used by root: limits are not enforced"
    missing = [name for name in ("memory", "cpu", "pids") if name not in usable]
    return v1.CgroupsV1(usable, base), f"limits of {', '.join(missing)} are not enforced: no such controller" if missing else ""


def _second(mount: str, base: str, membership: str) -> tuple[Cgroups, str]:
    parent = _highest_of_ours(mount, membership)
    if not parent or not _can_make(os.path.join(parent, base)):
        return (
            NoCgroups(),
            "limits are not enforced: no control group is delegated to this user (`systemd-run --user --scope` gives one)",
        )
    there = _words(os.path.join(parent, "cgroup.controllers"))
    enforced: list[str] = []
    for controller in v2.CONTROLLERS:
        if controller not in there:
            continue
        if controller not in _words(os.path.join(parent, "cgroup.subtree_control")):
            try:
                write(os.path.join(parent, "cgroup.subtree_control"), f"+{controller}")
            except OSError:
                continue
        enforced.append(controller)
    missing = [name for name in v2.CONTROLLERS if name not in enforced]
    advice = f"limits of {', '.join(missing)} are not enforced: {parent} can't hand the controllers down" if missing else ""
    return v2.CgroupsV2(parent, base, tuple(enforced)), advice


def _highest_of_ours(mount: str, membership: str) -> str:
    """The highest directory above this process in which we may make groups and move processes between them: as root the mount
    itself, for a user whatever the system has delegated (systemd: user@UID.service). Empty when there is none."""
    if os.access(os.path.join(mount, "cgroup.subtree_control"), os.W_OK):
        return mount
    own = ""
    with open(membership) as file:
        for line in file:
            if line.startswith("0::"):
                own = line.strip()[3:].strip("/")
    found = ""
    while own:
        directory = os.path.join(mount, own)
        if os.access(directory, os.W_OK) and os.access(os.path.join(directory, "cgroup.procs"), os.W_OK):
            found = directory
        elif found:
            break
        own = os.path.dirname(own)
    return found


def _can_make(directory: str) -> bool:
    try:
        os.makedirs(directory, exist_ok=True)
        usable = os.access(directory, os.W_OK)
        with contextlib.suppress(OSError):
            os.rmdir(directory)
    except OSError:
        return False
    return usable


def _words(path: str) -> list[str]:
    with contextlib.suppress(OSError):
        with open(path) as file:
            return file.read().split()
    return []
