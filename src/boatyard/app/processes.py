"""Pid files that can't name a stranger: a process is its pid, its start time and the machine's boot."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple


class ProcessId(NamedTuple):
    """Names one process for ever, though its pid may be used again."""

    pid: int
    start_ticks: int
    boot_id: str


def identify(pid: int) -> ProcessId | None:
    """The identity of a process that runs now; None when there is none (or only its remains, a zombie)."""
    try:
        # The command's name may hold anything, so fields are counted from the last parenthesis: state is the third of proc(5).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return None if fields[0] in "ZX" else ProcessId(pid, int(fields[19]), boot_id)


def write(file: Path, pid: int) -> None:
    """Record a running process, whole or not at all."""
    identity = identify(pid)
    if identity is None:
        return
    part = file.with_suffix(".part")
    part.write_text(json.dumps(identity._asdict()))
    part.replace(file)


def running(file: Path) -> ProcessId | None:
    """The recorded process, if it still runs."""
    try:
        recorded = ProcessId(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return recorded if identify(recorded.pid) == recorded else None


def end(process: ProcessId, *, patience_seconds: float) -> bool:
    """Ask a process to end, wait, then kill it. Returns whether it ended by itself."""
    for signal_number, patience in ((signal.SIGTERM, patience_seconds), (signal.SIGKILL, 10.0)):
        if identify(process.pid) != process:
            return True
        try:
            os.kill(process.pid, signal_number)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if identify(process.pid) != process:
                return signal_number == signal.SIGTERM
            time.sleep(0.02)
    return False
