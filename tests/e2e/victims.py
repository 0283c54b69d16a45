"""Finds processes of an installation by what they are, and kills them as a crash would."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.errors import ApiError
from e2e.installation import Installation


async def kill(installation: Installation, victim: str, *, seconds: float = 40) -> int:
    """``kill -9`` one of ``control``, ``node``, ``up`` or ``ciserver``, as soon as it runs; the pid that it had."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                if victim == "ciserver":
                    pid = await ciserver(installation)
                else:
                    pid = installation.process(victim).pid
                os.kill(pid, signal.SIGKILL)
                return pid
            except (AssertionError, LookupError, ApiError, OSError):
                await asyncio.sleep(0.05)


def supervisor(installation: Installation, pod_uid: str) -> int:
    """The pid of a pod's supervisor. Raises LookupError."""
    directory = str(installation.data.node.resolve() / "pods" / pod_uid)
    for pid, command, _ in _processes():
        if "supervisor" in command and directory in command:
            return pid
    raise LookupError(f"no supervisor of {pod_uid}")


async def ciserver(installation: Installation) -> int:
    """The pid of the only CI server. Raises LookupError, ApiError."""
    pods = await installation.client.list(PODS, label_selector="boatyard.dev/component=ciserver")
    uids = [pod["metadata"]["uid"] for pod in pods.items]
    for pid, command, groups in _processes():
        if "boatyard.ciserver" in command and "bwrap" not in command and any(uid in groups for uid in uids):
            return pid
    raise LookupError("no CI server runs")


def _processes() -> Iterator[tuple[int, str, str]]:
    for entry in sorted(Path("/proc").glob("[0-9]*")):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            yield int(entry.name), command, (entry / "cgroup").read_text()
        except OSError:
            continue
