"""Finds out what this machine can do, by trying it."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from boatyard.node.network.nftables import Transaction

MERGING_GIT = (2, 38)
"""From here on ``git merge-tree`` makes a merge by itself."""


class Finding(NamedTuple):
    """One thing that was tried."""

    what: str
    verdict: Literal["ok", "limited", "missing"]
    """``limited``: Boatyard works, with less; ``missing``: it doesn't work."""
    told: str
    """What was found; where something lacks, what follows and what to do."""


def examine(data: Path) -> Iterator[Finding]:
    """Try everything, one finding at a time."""
    yield _python()
    yield _git()
    yield _bubblewrap()
    yield _rights()
    yield _cgroups()
    yield _nftables()
    yield _disk(data)
    yield _sqlite()


def bubblewrap_works() -> tuple[bool, str]:
    """Whether a bubblewrap sandbox can be made here, and if not, why not."""
    program = shutil.which("bwrap")
    if program is None:
        return False, "bubblewrap isn't installed (package 'bubblewrap')"
    arguments = [
        program,
        "--ro-bind",
        "/",
        "/",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
    ]
    if os.geteuid() != 0:
        arguments.append("--unshare-user")
    try:
        tried = subprocess.run([*arguments, "true"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    return tried.returncode == 0, tried.stderr.strip()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", "ok" if sys.version_info >= (3, 11) else "missing", version)


def _git() -> Finding:
    try:
        told = subprocess.run(["git", "--version"], capture_output=True, text=True, timeout=20).stdout.strip()
        version = told.removeprefix("git version ")
        found = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
        if found < MERGING_GIT:
            return Finding("git", "limited", f"{version}: builds of pull requests need 2.38, which merges without a checkout")
        return Finding("git", "ok", version)
    except OSError:
        return Finding("git", "missing", "not found: CI servers and builds fetch with it; install the package 'git'")


def _bubblewrap() -> Finding:
    works, why = bubblewrap_works()
    if works:
        return Finding("bubblewrap", "ok", "sandboxes work")
    hint = ""
    if os.geteuid() != 0 and Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").exists():
        hint = " (Ubuntu 24.04 and later keep users from making namespaces: run as root, or allow it with an AppArmor profile)"
    return Finding(
        "bubblewrap", "limited", f"{why}{hint}; builds run in the process sandbox, which doesn't isolate them from each other"
    )


def _rights() -> Finding:
    if os.geteuid() == 0:
        return Finding("rights", "ok", "root: pods get networks and users of their own")
    return Finding("rights", "limited", "not root: pods share the network of this machine and run as you")


def _cgroups() -> Finding:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        version, place = "v2", root
    elif (root / "memory").is_dir():
        version, place = "v1", root / "memory"
    else:
        return Finding("cgroups", "limited", "none mounted: memory and CPU limits aren't enforced")
    if os.access(place, os.W_OK):
        return Finding("cgroups", "ok", f"{version}: memory and CPU limits are enforced")
    return Finding("cgroups", "limited", f"{version}, but not writable by you: memory and CPU limits aren't enforced")


def _nftables() -> Finding:
    if os.geteuid() != 0:
        return Finding("pod network", "limited", "needs root")
    try:
        # Made and dropped in one transaction: nobody ever sees the table.
        Transaction("boatyard-doctor").drop().commit()
        return Finding("pod network", "ok", "nftables answers")
    except OSError as error:
        return Finding("pod network", "limited", f"nftables doesn't answer ({error}): start with --no-pod-network")


def _disk(data: Path) -> Finding:
    place = data
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    told = f"{free / 2**30:.1f} GiB free at {place}"
    return Finding(
        "disk", "ok" if free > 2 * 2**30 else "limited", told if free > 2 * 2**30 else f"{told}: make room before builds fill it"
    )


def _sqlite() -> Finding:
    return Finding("SQLite", "ok" if sqlite3.sqlite_version_info >= (3, 35) else "missing", sqlite3.sqlite_version)
