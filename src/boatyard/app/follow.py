"""Following a build: its log lines as they are written, in the order of its containers, whatever becomes of its pods."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import NamedTuple

from boatyard.ci.kinds import FINAL_PHASES, Build
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.conditions import is_true
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.errors import ApiError, Gone, NotFound
from boatyard.machinery.meta.objects import Object, revision
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.objects.store import ObjectStore

LONGEST_LINE_BYTES = 1024 * 1024
"""What a longer line has is told in lines of this length: nobody holds one of a hundred megabytes."""


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


async def follow(client: Client, name: str, namespace: str, objects: ObjectStore) -> AsyncGenerator[LogLine, None]:
    """Log lines of a build until it is over, none twice and none left out. Raises NotFound when there is no such build.

    What a pod doesn't tell any more (it ended quickly, its node was lost) comes from the object store at the end.
    """
    told: dict[tuple[int, str], int] = {}
    followed = 0
    async with aclosing(states(client, Build.resource, name, namespace)) as builds:
        async for build in builds:
            for attempt in (build.get("status") or {}).get("attempts") or ():
                # An attempt is told before its pod is made: the next state comes when that runs.
                if attempt["number"] > followed and (pod := await _pod(client, attempt["pod"], namespace)) is not None:
                    followed = attempt["number"]
                    async for line in _attempt(client, pod, followed):
                        told[line[:2]] = told.get(line[:2], 0) + 1
                        yield line
            if phase(build) in FINAL_PHASES and (is_true(build, "Archived") or not (build.get("status") or {}).get("attempts")):
                async for line in archived(objects, build):
                    if told.get(line[:2], 0):
                        told[line[:2]] -= 1
                    else:
                        yield line
                return


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
