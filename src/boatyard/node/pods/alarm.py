"""Waiting for news or a moment, whichever comes first."""

from __future__ import annotations

import asyncio


class Alarm:
    """News that came before somebody waits is not lost; several pieces of it count as one."""

    def __init__(self) -> None:
        self._news = asyncio.Event()

    def ring(self) -> None:
        """There is news."""
        self._news.set()

    async def wait(self, seconds: float | None) -> None:
        """Until there is news, or ``seconds`` have passed (None: only news)."""
        if not self._news.is_set() and seconds is not None:
            timer = asyncio.get_running_loop().call_later(max(seconds, 0.0), self._news.set)
            try:
                await self._news.wait()
            finally:
                timer.cancel()
        else:
            await self._news.wait()
        self._news.clear()
