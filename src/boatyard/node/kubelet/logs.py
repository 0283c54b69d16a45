"""``/containerLogs/{namespace}/{pod}/{container}``"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from boatyard.machinery.meta.errors import BadRequest, NotFound
from boatyard.machinery.meta.objects import Object, name, uid
from boatyard.node.kubelet.growth import Growth
from boatyard.node.kubelet.log_stream import LogOptions, parse_options, stream
from boatyard.node.pods.alarm import Alarm

if TYPE_CHECKING:
    from boatyard.node.agent import Agent


class Found(NamedTuple):
    """A log that there is."""

    path: Path
    pod_uid: str
    container: str
    attempt: int


class Logs:
    """Serves logs from their files; the pod's supervisor isn't asked."""

    def __init__(self, agent: Agent, growth: Growth) -> None:
        self._agent, self._growth = agent, growth

    async def serve(self, request: web.Request, pod: Object, container: Object) -> web.StreamResponse:
        """Stream the text. Raises BadRequest when there is no such log (yet), worded as kubelet does."""
        options = parse_options(request.query, self._agent.world.now())
        found = await self.find(pod, container, options.previous)
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        async with aclosing(self.read(found, options)) as pieces:
            async for piece in pieces:
                await response.write(piece)
        await response.write_eof()
        return response

    async def read(self, found: Found, options: LogOptions):
        """The text in pieces. An async generator."""
        alarm = Alarm()

        async def over() -> bool:
            state = await self._agent.runtime.state(found.pod_uid)
            if state is None or not state.alive:
                return True
            return not any(
                c.name == found.container and c.attempt == found.attempt and c.state != "exited" for c in state.containers
            )

        async def news() -> None:
            await alarm.wait(None)

        if not options.follow:
            async for piece in stream(found.path, options, over, news):
                yield piece
            return
        with self._growth.of(found.path, alarm.ring), self._agent.listening(found.pod_uid, alarm.ring):
            async for piece in stream(found.path, options, over, news):
                yield piece
                await asyncio.sleep(0)

    async def find(self, pod: Object, container: Object, previous: bool = False) -> Found:
        """The log of the container's newest start, or the one before. Raises BadRequest, NotFound."""
        container_name, pod_uid = container["name"], uid(pod)
        paths = self._agent.paths.pod(pod_uid)
        state = await self._agent.runtime.state(pod_uid)
        known = [c.attempt for c in (state.containers if state is not None else ()) if c.name == container_name]
        attempts = sorted({*known, *paths.attempts(container_name)})
        if not attempts:
            raise BadRequest(
                f'container "{container_name}" in pod "{name(pod)}" is waiting to start: {_why_waiting(pod, container_name)}'
            )
        attempt = attempts[-1]
        if previous:
            if len(attempts) < 2:
                raise BadRequest(f'previous terminated container "{container_name}" in pod "{name(pod)}" not found')
            attempt = attempts[-2]
        path = paths.log(container_name, attempt)
        if not path.exists():
            raise NotFound(f'the log of container "{container_name}" in pod "{name(pod)}" is gone')
        return Found(path, pod_uid, container_name, attempt)


def _why_waiting(pod: Object, container: str) -> str:
    status = pod.get("status") or {}
    for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        if one["name"] == container:
            waiting = one.get("state", {}).get("waiting") or {}
            message = waiting.get("message")
            return waiting.get("reason", "ContainerCreating") + (f": {message}" if message else "")
    return "ContainerCreating"
