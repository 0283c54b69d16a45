"""Waiting for what a server does by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

SECONDS = 20.0


async def until(so: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so. Raises TimeoutError."""
    async with asyncio.timeout(SECONDS):
        while not await so():
            await asyncio.sleep(0.05)
