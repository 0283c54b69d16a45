"""Logs as lines, whatever builds write."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from boatyard.app import follow
from boatyard.ci import object_keys
from boatyard.machinery.client.client import WatchEvent
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.errors import ServiceUnavailable
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.runtime.simulation import SimWorld, simulate

PREFIX = object_keys.attempt_logs("default", "shop", 1, 1)
BUILD = {"spec": {}, "status": {"attempts": [{"number": 1, "pod": "shop-1", "logs": PREFIX}]}}


async def told(chunks: list[bytes]) -> list[bytes]:
    objects, offset = MemoryObjects(), 0
    for chunk in chunks:
        await objects.put(object_keys.log_chunk(PREFIX, "build", offset), chunk)
        offset += len(chunk)
    return [line.text async for line in follow.archived(objects, BUILD)]


async def test_lines_are_whole_though_chunks_end_within_them():
    assert await told([b"one\ntw", b"o\n", b"\nlast"]) == [b"one", b"two", b"", b"last"]


async def test_a_line_that_is_too_long_is_told_in_pieces():
    size = follow.LONGEST_LINE_BYTES
    assert [len(line) for line in await told([b"x" * size + b"\n" + b"y" * (2 * size + 5) + b"\n"])] == [size, size, size, 5]


@pytest.mark.parametrize("seed", range(30))
async def test_the_same_lines_however_the_log_is_divided(seed: int, monkeypatch: pytest.MonkeyPatch):
    """What was told live is recognised in the archive, whose chunks end elsewhere."""
    monkeypatch.setattr(follow, "LONGEST_LINE_BYTES", 4)
    rng = random.Random(seed)
    log = bytes(rng.choice(b"ab\n") if rng.random() < 0.7 else 99 for _ in range(60))
    cuts = sorted(rng.sample(range(1, 60), 5))
    chunks = [log[a:b] for a, b in zip([0, *cuts], [*cuts, 60], strict=True)]
    assert await told(chunks) == await told([log])


async def test_half_a_line_of_a_stream_that_broke_is_left_to_the_archive():
    async def stream() -> AsyncIterator[bytes]:
        yield b"one\ntw"
        raise ServiceUnavailable("the node agent is gone")

    assert [line async for line in follow._lines(stream())] == [b"one"]


class Flaky:
    """A control plane that goes away in the middle of everything: after each line of the log, for ``away`` calls."""

    def __init__(self, log: list[bytes], away: int) -> None:
        self.log, self.away, self.down = log, away, 0
        self.read = 0
        """Lines that were told before it went away the last time."""

    def _alive(self) -> None:
        if self.down:
            self.down -= 1
            raise ServiceUnavailable("it is out of reach")

    def _build(self) -> dict[str, Any]:
        over = {"phase": "Succeeded", "conditions": [{"type": "Archived", "status": "True"}]} if self.read > len(self.log) else {}
        status = {"phase": "Running", **BUILD["status"], **over}
        return {"metadata": {"name": "shop-1", "resourceVersion": "1"}, "spec": {}, "status": status}

    async def get(self, resource: Any, name: str, namespace: str) -> dict[str, Any]:
        self._alive()
        if resource is not PODS:
            return self._build()
        status = {"containerStatuses": [{"name": "build", "state": {"running": {}}}]}
        metadata = {"name": "shop-1", "namespace": "default", "resourceVersion": "1"}
        return {"metadata": metadata, "spec": {"containers": [{"name": "build"}]}, "status": status}

    async def watch(self, resource: Any, *args: Any, **options: Any) -> AsyncIterator[WatchEvent]:
        self._alive()
        self.read += 1
        yield WatchEvent("MODIFIED", self._build())
        self.down = self.away
        raise ServiceUnavailable("it broke the connection")

    async def logs(self, *args: Any, **options: Any) -> AsyncIterator[bytes]:
        self._alive()
        self.read += 1
        for line in self.log[: self.read]:
            yield line + b"\n"
        if self.read < len(self.log):
            yield b"half a li"
            self.down = self.away
            raise ServiceUnavailable("it broke the connection")


def followed(control: Flaky) -> tuple[list[bytes], list[str], dict[str, Any]]:
    lines: list[bytes] = []
    away: list[str] = []
    last: dict[str, Any] = {}

    async def scenario(world: SimWorld) -> None:
        objects = MemoryObjects()
        await objects.put(object_keys.log_chunk(PREFIX, "build", 0), b"\n".join([*control.log, b"the last words"]) + b"\n")
        following = follow.Following(control, "shop-1", "default", objects, world, away.append)  # type: ignore[arg-type]
        async for line in following.lines():
            lines.append(line.text)
        last.update(following.build)

    simulate(1, scenario)
    return lines, away, last


def test_a_log_goes_on_where_it_was_when_the_control_plane_is_back():
    written = [b"one", b"two", b"two", b"three"]
    lines, away, last = followed(Flaky(written, away=20))
    assert lines == [*written, b"the last words"]
    assert away and len(away) < 20, "once for each time it went away"
    assert follow.phase(last) == "Succeeded"


def test_one_that_never_comes_back_is_told():
    with pytest.raises(ServiceUnavailable):
        followed(Flaky([b"one", b"two"], away=100_000))
