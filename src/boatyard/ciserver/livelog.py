"""A container's log from any byte on, as it comes: archived pieces first, then the live pod, then the next attempt.

Waiting is for news from the caches (:class:`Bell`), so a stream may be opened before there is a pod, and its first line is out as
soon as the container runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Literal, NamedTuple

from boatyard.ciserver.archive import Archive
from boatyard.ciserver.bell import Bell
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.errors import ApiError, BadRequest, NotFound
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.runtime.world import World

_SETTLE_SECONDS = 2.0
"""How long the news of a container's end may lag behind the end of its log."""
_RETRY_SECONDS = 0.5
_REREAD_BYTES = 64 << 20
"""Up to here a log is read again to be sure of its end; a longer one's end comes from the archive."""


class Chunk(NamedTuple):
    """Bytes of a log and where they begin."""

    attempt: int
    offset: int
    data: bytes


class Facts(NamedTuple):
    """What the caches know of one build."""

    known: bool
    """There is such a build, or there will be: its delivery was accepted."""
    finished: bool
    attempt: int
    """The last attempt begun; 1 before there is any."""


ContainerState = Literal["absent", "waiting", "running", "terminated"]


def container_state(pod: Object | None, container: str) -> ContainerState:
    """What a pod's status says of one of its containers; ``absent`` without a pod."""
    if pod is None:
        return "absent"
    status = pod.get("status") or {}
    for group in ("initContainerStatuses", "containerStatuses"):
        for told in status.get(group) or ():
            if told.get("name") == container:
                state = told.get("state") or {}
                if "terminated" in state:
                    return "terminated"
                return "running" if "running" in state else "waiting"
    return "waiting"


class LiveLog:
    """Log streams of one CI server."""

    def __init__(
        self, client: Client, namespace: str, world: World, archive: Archive, bell: Bell,
        facts: Callable[[int], Facts], pod: Callable[[int, int], Object | None], pod_name: Callable[[int, int], str],
    ) -> None:  # fmt: skip
        self._client, self._namespace, self._world, self._archive, self._bell = client, namespace, world, archive, bell
        self._facts, self._pod, self._pod_name = facts, pod, pod_name

    async def stream(
        self, number: int, container: str, *, attempt: int = 0, start: int = 0, follow: bool = True, onward: bool = True
    ) -> AsyncGenerator[Chunk]:
        """The log from byte ``start`` of ``attempt`` (0: the last one begun) to its end; with ``follow`` and ``onward`` also of the
        attempts that come after it, each from its byte 0."""
        current, position = attempt or self._facts(number).attempt, start
        while True:
            async with aclosing(self._attempt(number, current, container, position, follow)) as chunks:
                async for chunk in chunks:
                    yield chunk
            if not (follow and onward) or not await self._next_attempt(number, current):
                return
            current, position = current + 1, 0

    async def _attempt(self, number: int, attempt: int, container: str, position: int, follow: bool) -> AsyncGenerator[Chunk]:
        surely_read = False
        while True:
            news = self._bell.waiter(number)
            async for piece in self._archive.log(number, attempt, container, position):
                yield Chunk(attempt, piece.offset, piece.data)
                position = piece.offset + len(piece.data)
            state = container_state(self._pod(number, attempt), container)
            facts = self._facts(number)
            over = facts.finished or facts.attempt > attempt
            if (state in ("running", "terminated") and not surely_read) or not follow:
                failed = False
                try:
                    tailing = follow and state == "running"
                    async with aclosing(self._live(number, attempt, container, position, tailing)) as chunks:
                        async for chunk in chunks:
                            yield chunk
                            position = chunk.offset + len(chunk.data)
                except NotFound:
                    failed = over = True
                except (ApiError, OSError, TimeoutError):
                    failed = True
                if (state == "terminated" and not failed) or not follow:
                    return
                surely_read = not failed and position > _REREAD_BYTES
                await self._wait(news, _RETRY_SECONDS if failed else _SETTLE_SECONDS)
                if not (failed and over):
                    continue
            elif state == "terminated":
                return
            elif state == "running":
                await self._wait(news, None)
                continue
            if over or not follow:
                async for piece in self._archive.log(number, attempt, container, position):
                    yield Chunk(attempt, piece.offset, piece.data)
                    position = piece.offset + len(piece.data)
                return
            await self._wait(news, None)

    async def _live(self, number: int, attempt: int, container: str, position: int, follow: bool) -> AsyncGenerator[Chunk]:
        """What the pod's log holds from ``position`` on."""
        seen = 0
        try:
            logs = self._client.logs(self._namespace, self._pod_name(number, attempt), container=container, follow=follow)
            async with aclosing(logs) as pieces:
                async for data in pieces:
                    fresh = data[max(0, position - seen) :]
                    seen += len(data)
                    if fresh:
                        yield Chunk(attempt, seen - len(fresh), fresh)
                        position = seen
        except BadRequest:
            # Kubernetes' way to say that the container isn't there yet.
            await self._world.sleep(_RETRY_SECONDS)

    async def _next_attempt(self, number: int, attempt: int) -> bool:
        """Wait until the build is over (False) or has begun another attempt (True)."""
        while True:
            news = self._bell.waiter(number)
            facts = self._facts(number)
            if facts.attempt > attempt:
                return True
            if facts.finished or not facts.known:
                return False
            await news

    async def _wait(self, news: asyncio.Future[None], seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await news
        except TimeoutError:
            pass
