"""Brings the logs of builds' pods into the object store as they come, in chunks named after their offset.

Nothing is remembered that can't be found again: who starts anew lists the chunks that are there, reads the log from its beginning
and stores what comes after them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from boatyard.ci import object_keys
from boatyard.ci.pod_report import container_statuses
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.errors import ApiError, BadRequest, NotFound
from boatyard.machinery.meta.objects import Object, name, namespace, uid
from boatyard.machinery.objects.store import ObjectStore
from boatyard.machinery.runtime.cache import Cache
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
FLUSH_SECONDS = 2.0
"""How long output may wait for more before it is stored."""
MAX_LOG_BYTES = 256 * 1024 * 1024
"""Of one container; what comes after is not kept, and the build says so."""
SHORTEST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.2, 10.0
NEWS_SECONDS = 1.0
"""How long the end of a log waits for the news of its container's end, which is on its way by another road."""


class LogCollector:
    """Follows containers until they have ended and all they wrote is stored. ``wake(pod)`` is called when that is so."""

    def __init__(self, client: Client, pods: Cache, store: ObjectStore, world: World, wake: Callable[[Object], None]) -> None:
        self._client, self._pods, self._store, self._world, self._wake = client, pods, store, world, wake
        self._group: TaskGroup | None = None
        self._followed: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._stored: dict[tuple[str, str], int] = {}
        self._cut: dict[str, None] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        pods.on_change(self._pod_changed)

    async def run(self) -> None:
        """The loop in which the followers live; ends only when cancelled."""
        async with TaskGroup() as group:
            self._group = group
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None

    def follow(self, pod: Object, prefix: str) -> None:
        """Follow every container of the pod that has begun. Cheap to repeat. ``prefix``: where its logs go."""
        if self._group is None:
            return
        for container in _begun(pod):
            key = (uid(pod), container)
            if key not in self._followed and key not in self._stored:
                work = self._follow(namespace(pod), name(pod), uid(pod), container, prefix)
                self._followed[key] = self._group.start(work, f"log-{name(pod)}-{container}")

    def complete(self, pod: Object) -> bool:
        """Whether everything that its containers wrote until they ended is stored."""
        return all((uid(pod), container) in self._stored for container in _begun(pod))

    def was_cut(self, pod: Object) -> bool:
        """Whether some container wrote more than is kept."""
        return uid(pod) in self._cut

    def forget(self, pod_uid: str) -> None:
        """The pod is gone: stop following it."""
        for key in [key for key in self._followed if key[0] == pod_uid]:
            self._followed.pop(key).cancel()
        for key in [key for key in self._stored if key[0] == pod_uid]:
            del self._stored[key]
        self._cut.pop(pod_uid, None)

    async def _follow(self, where: str, pod: str, pod_uid: str, container: str, prefix: str) -> None:
        key, failures, offset = (pod_uid, container), 0, 0
        while True:
            current = self._pods.get(pod, where)
            try:
                before = offset = await self._stored_bytes(prefix, container)
                offset = await self._copy(where, pod, pod_uid, container, prefix, offset)
                if pod_uid in self._cut and offset == MAX_LOG_BYTES:
                    break
                current = await self._after_the_end(where, pod, pod_uid, container)
                if current is None or uid(current) != pod_uid or container in _ended(current):
                    break
                failures = 0 if offset > before else failures + 1
            except (NotFound, BadRequest):
                # No log (any more), or none yet.
                current = self._pods.get(pod, where)
                if current is None or uid(current) != pod_uid:
                    break
                failures += 1
                if container in _ended(current) and failures > 5:
                    break
            except (ApiError, OSError, TimeoutError) as error:
                failures += 1
                log.warning("log of %s/%s %s: %s", where, pod, container, error)
            await self._world.sleep(min(LONGEST_RETRY_SECONDS, SHORTEST_RETRY_SECONDS * 2 ** min(failures, 10)))
        self._stored[key] = offset
        self._followed.pop(key, None)
        if current is not None:
            self._wake(current)

    async def _after_the_end(self, where: str, pod: str, pod_uid: str, container: str) -> Object | None:
        """The pod, with the container's end if that is told soon; None when the pod is gone."""
        deadline = self._world.monotonic() + NEWS_SECONDS
        while True:
            current = self._pods.get(pod, where)
            if current is None or uid(current) != pod_uid or container in _ended(current):
                return current
            left = deadline - self._world.monotonic()
            if left <= 0:
                return current
            news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(pod_uid, []).append(news)
            await asyncio.wait((news,), timeout=left)
            if not news.done() and news in self._waiting.get(pod_uid, ()):
                self._waiting[pod_uid].remove(news)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        for pod in (old, new):
            for news in self._waiting.pop(uid(pod), ()) if pod is not None else ():
                if not news.done():
                    news.set_result(None)

    async def _stored_bytes(self, prefix: str, container: str) -> int:
        end = 0
        async for info in self._store.list(f"{prefix}{container}/"):
            offset = info.key.rpartition("/")[2]
            if offset.isdigit() and int(offset) <= end:
                end = max(end, int(offset) + info.size_bytes)
        return end

    async def _copy(self, where: str, pod: str, pod_uid: str, container: str, prefix: str, offset: int) -> int:
        """Store what comes after ``offset`` until the stream ends; the new offset."""
        skip, waiting = offset, bytearray()
        stream = self._client.logs(where, pod, container=container, follow=True)
        # The inner one goes first, whatever happens: a stream can't be closed while its next item is being waited for.
        async with aclosing(stream), aclosing(_paced(stream, FLUSH_SECONDS, waiting)) as pieces:
            async for data in pieces:
                if data:
                    dropped = min(skip, len(data))
                    skip -= dropped
                    waiting += data[dropped:]
                if waiting and (not data or len(waiting) >= CHUNK_BYTES):
                    room = MAX_LOG_BYTES - offset
                    if len(waiting) > room:
                        self._cut[pod_uid] = None
                        await self._put(prefix, container, offset, bytes(waiting[:room]))
                        return MAX_LOG_BYTES
                    await self._put(prefix, container, offset, bytes(waiting))
                    offset += len(waiting)
                    waiting.clear()
        if waiting:
            await self._put(prefix, container, offset, bytes(waiting))
            offset += len(waiting)
        return offset

    async def _put(self, prefix: str, container: str, offset: int, data: bytes) -> None:
        if data:
            await self._store.put(object_keys.log_chunk(prefix, container, offset), data)


async def _paced(stream: AsyncIterator[bytes], seconds: float, held: bytearray) -> AsyncGenerator[bytes, None]:
    """The stream's items; an empty one when none came for ``seconds`` while something is held back in ``held``."""
    pending: asyncio.Future[bytes] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(stream))  # type: ignore[arg-type]
            await asyncio.wait((pending,), timeout=seconds if held else None)
            if not pending.done():
                yield b""
                continue
            finished, pending = pending, None
            try:
                data = finished.result()
            except StopAsyncIteration:
                return
            if data:
                yield data
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.wait((pending,))


def _begun(pod: Object) -> list[str]:
    """Containers that run or have run."""
    found: list[str] = []
    for status in container_statuses(pod):
        state = status.get("state") or {}
        if state.get("running") is not None or state.get("terminated"):
            found.append(status["name"])
    return found


def _ended(pod: Object) -> list[str]:
    return [status["name"] for status in container_statuses(pod) if (status.get("state") or {}).get("terminated")]
