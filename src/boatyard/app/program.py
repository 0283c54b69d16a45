"""What the programs below `boatyard up` share: how they start, say so, and end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Coroutine
from typing import Any

import uvloop

from boatyard.machinery.telemetry.logs import configure, get_logger


def main_of(component: str, work: Coroutine[Any, Any, None]) -> None:
    """Run a program's work until it ends, or until SIGTERM or SIGINT cancels it, or its parent dies."""
    follow_parent()
    configure(component)

    async def guarded() -> None:
        task = asyncio.ensure_future(work)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            get_logger("app").info("ended as asked")

    uvloop.run(guarded())


def follow_parent() -> None:
    """In a child: end in order when the parent dies (prctl(2), PR_SET_PDEATHSIG), so that the next one finds the ports free."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def tell_ready(fd: int | None) -> None:
    """In a child: tell the parent that the work has begun. A parent that starts it again doesn't wait for that."""
    if fd is not None:
        with contextlib.suppress(BrokenPipeError):
            os.write(fd, b"ready")
        os.close(fd)
