"""Events on pods, written beside the work and not in its way."""

from __future__ import annotations

import asyncio
from collections import deque

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.runtime.events import Recorder

LONGEST_QUEUE = 4096


class Announcer:
    """Tells in the background. When the API server is away for long, the oldest events are dropped: they are for people to read,
    nothing depends on them."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: deque[tuple[Object, str, str, str]] = deque(maxlen=LONGEST_QUEUE)
        self._news = asyncio.Event()

    def tell(self, pod: Object, reason: str, message: str) -> None:
        """Something happened as it should."""
        self._put(pod, "Normal", reason, message)

    def warn(self, pod: Object, reason: str, message: str) -> None:
        """Something went wrong."""
        self._put(pod, "Warning", reason, message)

    async def run(self) -> None:
        """Write events for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                await self._recorder.event(*self._waiting.popleft())

    def _put(self, pod: Object, type: str, reason: str, message: str) -> None:
        self._waiting.append(({"apiVersion": "v1", "kind": "Pod", **pod}, type, reason, message))
        self._news.set()
