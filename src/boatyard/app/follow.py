"""Following a build: its log lines as they are written, in the order of its containers, whatever becomes of its pods."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import NamedTuple

from boatyard.ci.kinds import FINAL_PHASES, Build
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.conditions import is_true
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.errors import ApiError, Gone, NotFound, ServerTimeout, ServiceUnavailable
from boatyard.machinery.meta.objects import Object, revision
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.objects.store import ObjectStore
from boatyard.machinery.runtime.world import World

LONGEST_LINE_BYTES = 1024 * 1024
"""What a longer line has is told in lines of this length: nobody holds one of a hundred megabytes."""

AWAY = (ServiceUnavailable, ServerTimeout, OSError)
"""How calls end while there is no control plane."""
RETRY_SECONDS = 1.0
PATIENCE_SECONDS = 120.0
STEADY_SECONDS = 5.0
"""A connection that lasted so long was one: after it, patience begins anew."""


class LogLine(NamedTuple):
    """One line of one container of one attempt."""

    attempt: int
    container: str
    text: bytes
    """Without its end."""


def phase(build: Object) -> str:
    """``status.phase``; a build without a status is pending."""
    return (build.get("status") or {}).get("phase") or "Pending"


async def states(client: Client, resource: Resource, name: str, namespace: str) -> AsyncGenerator[Object, None]:
    """An object's states as they come, the present one first; ends when it is deleted."""
    while True:
        obj = await client.get(resource, name, namespace)
        yield obj
        try:
            events = client.watch(resource, namespace, resource_version=revision(obj), field_selector=f"metadata.name={name}")
            async for event in events:
                if event.type == "DELETED":
                    return
                if event.type != "BOOKMARK":
                    yield event.object
        except Gone:
            continue


async def outcome(client: Client, name: str, namespace: str) -> Object:
    """The build once it is over. Raises NotFound when there is no such build, or none any more."""
    async with aclosing(states(client, Build.resource, name, namespace)) as builds:
        async for build in builds:
            if phase(build) in FINAL_PHASES:
                return build
    raise NotFound(f"{name} was deleted before it was over")


class Following:
    """A build's log as it is written. A control plane that goes away, for a restart say, is waited for."""

    def __init__(
        self, client: Client, name: str, namespace: str, objects: ObjectStore, world: World, away: Callable[[str], object]
    ) -> None:
        """``away`` is told, once for each time, that the control plane can't be reached."""
        self._client, self._name, self._namespace, self._objects = client, name, namespace, objects
        self._world, self._away = world, away
        self._told: dict[tuple[int, str], int] = {}
        """How many lines of each container were handed out."""
        self.build: Object = {}
        """The last state seen."""

    async def lines(self) -> AsyncGenerator[LogLine, None]:
        """Until the build is over, none twice and none left out. Raises NotFound when there is no such build, and what the last try
        ended with when the control plane has been away for :data:`PATIENCE_SECONDS`."""
        lost_at: float | None = None
        while True:
            began = self._world.monotonic()
            try:
                async with aclosing(self._round()) as lines:
                    async for line in lines:
                        lost_at = None
                        yield line
                return
            except AWAY as error:
                now = self._world.monotonic()
                if lost_at is None or now - began > STEADY_SECONDS:
                    lost_at = now
                    self._away(str(error))
                elif now - lost_at > PATIENCE_SECONDS:
                    raise
                await self._world.sleep(RETRY_SECONDS)

    async def _round(self) -> AsyncGenerator[LogLine, None]:
        """Everything that wasn't told yet, as long as the control plane answers.

        What a pod doesn't tell any more (it ended quickly, its node was lost) comes from the object store at the end.
        """
        followed = 0
        async with aclosing(states(self._client, Build.resource, self._name, self._namespace)) as builds:
            async for build in builds:
                self.build = build
                for attempt in (build.get("status") or {}).get("attempts") or ():
                    # An attempt is told before its pod is made: the next state comes when that runs.
                    if attempt["number"] > followed:
                        pod = await _pod(self._client, attempt["pod"], self._namespace)
                        if pod is not None:
                            followed = attempt["number"]
                            async with aclosing(self._new(_attempt(self._client, pod, followed))) as lines:
                                async for line in lines:
                                    yield line
                over = phase(build) in FINAL_PHASES
                if over and (is_true(build, "Archived") or not (build.get("status") or {}).get("attempts")):
                    async with aclosing(self._new(archived(self._objects, build))) as lines:
                        async for line in lines:
                            yield line
                    return

    async def _new(self, lines: AsyncGenerator[LogLine, None]) -> AsyncGenerator[LogLine, None]:
        """Those of ``lines``, which begin at the beginning, that were not told before."""
        seen: dict[tuple[int, str], int] = {}
        async with aclosing(lines):
            async for line in lines:
                seen[line[:2]] = seen.get(line[:2], 0) + 1
                if seen[line[:2]] > self._told.get(line[:2], 0):
                    self._told[line[:2]] = seen[line[:2]]
                    yield line


async def _pod(client: Client, name: str, namespace: str) -> Object | None:
    """The pod; None before it is made (the build's next state tells) and when it is gone."""
    try:
        return await client.get(PODS, name, namespace)
    except NotFound:
        return None


async def _attempt(client: Client, pod: Object, attempt: int) -> AsyncGenerator[LogLine]:
    """One container after the other: build containers take turns, so the one that is read next has kept what it said."""
    own, namespace, spec = pod["metadata"]["name"], pod["metadata"]["namespace"], pod["spec"]
    sidecars = [c["name"] for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    names = [c["name"] for c in (*(spec.get("initContainers") or ()), *spec["containers"]) if c["name"] not in sidecars]
    try:
        for container in names:
            if await _started(client, own, namespace, container):
                async for text in _lines(client.logs(namespace, own, container=container, follow=True)):
                    yield LogLine(attempt, container, text)
    except NotFound:
        # The pod is gone before it was read to the end; what it said is in the object store.
        return


async def _started(client: Client, pod_name: str, namespace: str, container: str) -> bool:
    """Wait until a container has begun. False when the pod ended without it."""
    async with aclosing(states(client, PODS, pod_name, namespace)) as pods:
        async for pod in pods:
            status = pod.get("status") or {}
            for told in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
                if told["name"] == container and ("running" in told["state"] or "terminated" in told["state"]):
                    return True
            if status.get("phase") in ("Succeeded", "Failed"):
                return False
    return False


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    splitter = _Splitter()
    try:
        async for chunk in chunks:
            for line in splitter.feed(chunk):
                yield line
    except ApiError:
        # The stream broke, perhaps within a line; the build's state tells what comes next.
        return
    for line in splitter.end():
        yield line


class _Splitter:
    """Cuts a log into lines, the same ones however it is divided into chunks."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that ``chunk`` completes."""
        *whole, rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            yield from _cut(line)
        *pieces, self._rest = _cut(rest)
        yield from pieces

    def end(self) -> Iterator[bytes]:
        """The last line, if no line feed ended it."""
        if self._rest:
            yield self._rest


def _cut(line: bytes) -> list[bytes]:
    """At least one piece; only the last is shorter than the others."""
    return [line[at : at + LONGEST_LINE_BYTES] for at in range(0, len(line), LONGEST_LINE_BYTES)] or [b""]


async def archived(objects: ObjectStore, build: Object) -> AsyncGenerator[LogLine, None]:
    """Log lines of a build from the object store: every attempt, every container in the order in which they ran."""
    for attempt in (build.get("status") or {}).get("attempts") or ():
        prefix = (attempt.get("logs") or "").rstrip("/") + "/"
        keys: dict[str, list[str]] = {}
        if prefix != "/":
            async for info in objects.list(prefix):
                keys.setdefault(info.key.rsplit("/", 2)[1], []).append(info.key)
        for container in sorted(keys, key=lambda name: _turn(build, name)):
            splitter = _Splitter()
            for key in keys[container]:
                for line in splitter.feed(await objects.get(key)):
                    yield LogLine(attempt["number"], container, line)
            for line in splitter.end():
                yield LogLine(attempt["number"], container, line)


def _turn(build: Object, container: str) -> tuple[int, str]:
    """Where a container stands: the source first, what is collected last, the template's in its order between."""
    spec = (build["spec"].get("podTemplate") or {}).get("spec") or {}
    order = ["source", *(c.get("name", "") for c in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())))]
    return (order.index(container) if container in order else len(order), container)
