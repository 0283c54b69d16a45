"""Logs reach the object store as they come, without a gap or a repetition, whoever dies in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from boatyard.ci import log_collector
from boatyard.ci.log_collector import LogCollector
from boatyard.machinery.meta.errors import NotFound, ServiceUnavailable
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.runtime.simulation import SimWorld, simulate

PREFIX = "builds/n/shop/7/logs/1/"


class Pods:
    """Stands for the cache: one pod whose container is what the test says."""

    def __init__(self) -> None:
        self.pod: Any = pod("running")
        self.handlers: list[Any] = []

    def on_change(self, handler: Any) -> None:
        self.handlers.append(handler)

    def change(self, new: Any) -> None:
        old, self.pod = self.pod, new
        for handler in self.handlers:
            handler(old, new)

    def get(self, name: str, namespace: str | None = None) -> Any:
        return self.pod


class Node:
    """Stands for the client: a log that grows, and faults."""

    def __init__(self, world: SimWorld) -> None:
        self.world = world
        self.text = b""
        self.ended = False
        self.faults: list[Exception] = []
        self.streams = 0

    async def logs(self, namespace: str, pod: str, *, container: str, follow: bool) -> AsyncIterator[bytes]:
        self.streams += 1
        if self.faults:
            raise self.faults.pop(0)
        position = 0
        while not (self.ended and position == len(self.text)):
            if self.faults:
                raise self.faults.pop(0)
            piece = self.text[position : position + 64 * 1024]
            position += len(piece)
            if piece:
                yield piece
            else:
                await self.world.sleep(0.1)


def pod(state: str) -> Any:
    states = {"running": {"running": {}}, "terminated": {"terminated": {"exitCode": 0}}, "waiting": {"waiting": {}}}
    return {
        "metadata": {"name": "shop-7", "namespace": "n", "uid": "u"}, "spec": {"containers": [{"name": "build"}]},
        "status": {"containerStatuses": [{"name": "build", "state": states[state]}]},
    }  # fmt: skip


class Scene:
    def __init__(self, world: SimWorld) -> None:
        self.world, self.store, self.node, self.pods = world, MemoryObjects(), Node(world), Pods()
        self.woken: list[str] = []
        self.collector = self.begin()

    def begin(self) -> LogCollector:
        """A collector, as after a start of the program."""
        client: Any = self.node
        pods: Any = self.pods
        made = LogCollector(client, pods, self.store, self.world, lambda pod: self.woken.append(pod["metadata"]["name"]))
        self.task = self.world.loop.create_task(made.run())
        return made

    async def settle(self, seconds: float = 5) -> None:
        await self.world.sleep(seconds)

    async def end(self, text: bytes = b"") -> None:
        self.node.text += text
        self.node.ended = True
        self.pods.change(pod("terminated"))
        await self.settle()

    async def stored(self) -> bytes:
        text, chunks = b"", [info async for info in self.store.list(PREFIX)]
        for info in chunks:
            assert int(info.key.rpartition("/")[2]) == len(text), chunks
            text += await self.store.get(info.key)
        return text


@pytest.fixture
def play():
    def run(body: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
        async def scenario(world: SimWorld) -> None:
            scene = Scene(world)
            await scene.settle(0)
            await body(scene)

        simulate(1, scenario)

    return run


def test_output_is_stored_while_it_comes(play):
    async def body(scene: Scene) -> None:
        scene.collector.follow(scene.pods.pod, PREFIX)
        scene.node.text = b"one\n"
        await scene.settle()
        assert await scene.stored() == b"one\n"
        assert not scene.collector.complete(scene.pods.pod)
        await scene.end(b"two\n")
        assert await scene.stored() == b"one\ntwo\n"
        assert scene.collector.complete(scene.pods.pod) and scene.woken == ["shop-7"]

    play(body)


def test_much_output_becomes_chunks_of_bounded_size(play):
    async def body(scene: Scene) -> None:
        scene.collector.follow(scene.pods.pod, PREFIX)
        await scene.end(bytes(range(256)) * 8000)
        assert await scene.stored() == scene.node.text
        sizes = [info.size_bytes async for info in scene.store.list(PREFIX)]
        assert len(sizes) > 5 and max(sizes) <= log_collector.CHUNK_BYTES + 64 * 1024

    play(body)


def test_a_restart_goes_on_where_it_was(play):
    async def body(scene: Scene) -> None:
        scene.collector.follow(scene.pods.pod, PREFIX)
        scene.node.text = b"one\n"
        await scene.settle()
        scene.task.cancel()
        await scene.settle(0)
        again = scene.begin()
        await scene.settle(0)
        again.follow(scene.pods.pod, PREFIX)
        await scene.end(b"two\n")
        assert await scene.stored() == b"one\ntwo\n" and again.complete(scene.pods.pod)

    play(body)


def test_a_node_that_is_out_of_reach_for_a_while(play):
    async def body(scene: Scene) -> None:
        scene.node.faults = [ServiceUnavailable("node"), NotFound("not yet"), OSError("reset")]
        scene.collector.follow(scene.pods.pod, PREFIX)
        scene.node.text = b"one\n"
        await scene.settle(20)
        scene.node.faults = [OSError("cut")]
        await scene.settle(20)
        await scene.end(b"two\n")
        await scene.settle(20)
        assert await scene.stored() == b"one\ntwo\n"

    play(body)


@pytest.mark.parametrize("running", [False, True])
def test_a_store_that_fails_for_a_while_loses_nothing(play, running: bool):
    """Nor does it end the program: while the container runs, the collector waits for more as the store fails."""

    async def body(scene: Scene) -> None:
        whole = scene.store.put
        faults = [OSError("full")] * 3

        async def put(key: str, value: bytes) -> None:
            if faults:
                raise faults.pop()
            await whole(key, value)

        scene.store.put = put  # type: ignore[method-assign]
        scene.collector.follow(scene.pods.pod, PREFIX)
        if running:
            scene.node.text = b"some "
            await scene.settle(60)
            assert not faults and not scene.task.done()
        await scene.end(b"text")
        await scene.settle(60)
        assert await scene.stored() == (b"some text" if running else b"text")

    play(body)


def test_a_log_that_never_ends_is_cut_and_told(play, monkeypatch):
    monkeypatch.setattr(log_collector, "MAX_LOG_BYTES", 300_000)

    async def body(scene: Scene) -> None:
        scene.collector.follow(scene.pods.pod, PREFIX)
        await scene.end(b"x" * 1_000_000)
        await scene.settle(60)
        assert len(await scene.stored()) == 300_000
        assert scene.collector.was_cut(scene.pods.pod) and scene.collector.complete(scene.pods.pod)

    play(body)


def test_what_comes_after_the_cut_is_not_even_read(play, monkeypatch):
    """A log is read from its beginning: to look again and again whether it has ended would cost more and more."""
    monkeypatch.setattr(log_collector, "MAX_LOG_BYTES", 300_000)

    async def body(scene: Scene) -> None:
        scene.node.text = b"x" * 1_000_000
        scene.collector.follow(scene.pods.pod, PREFIX)
        await scene.settle(60)
        assert scene.node.streams == 1 and len(await scene.stored()) == 300_000
        await scene.end()
        scene.collector.follow(scene.pods.pod, PREFIX)
        await scene.settle(60)
        assert scene.node.streams == 1
        assert scene.collector.was_cut(scene.pods.pod) and scene.collector.complete(scene.pods.pod)

    play(body)


def test_a_log_that_just_fits_is_whole(play, monkeypatch):
    monkeypatch.setattr(log_collector, "MAX_LOG_BYTES", 300_000)

    async def body(scene: Scene) -> None:
        scene.collector.follow(scene.pods.pod, PREFIX)
        await scene.end(b"x" * 300_000)
        await scene.settle(60)
        assert len(await scene.stored()) == 300_000
        assert scene.collector.complete(scene.pods.pod) and not scene.collector.was_cut(scene.pods.pod)

    play(body)


def test_a_pod_whose_log_is_gone_is_not_waited_for(play):
    async def body(scene: Scene) -> None:
        scene.node.faults = [NotFound("gone")] * 100
        scene.collector.follow(scene.pods.pod, PREFIX)
        await scene.end()
        await scene.settle(120)
        assert scene.collector.complete(scene.pods.pod)

    play(body)


def test_a_container_that_has_not_begun_is_not_followed(play):
    async def body(scene: Scene) -> None:
        scene.pods.pod = pod("waiting")
        scene.collector.follow(scene.pods.pod, PREFIX)
        await scene.settle()
        assert scene.node.streams == 0 and scene.collector.complete(scene.pods.pod)

    play(body)


def test_what_is_forgotten_is_followed_no_longer(play):
    async def body(scene: Scene) -> None:
        scene.collector.follow(scene.pods.pod, PREFIX)
        await scene.settle()
        scene.collector.forget("u")
        scene.node.text = b"late"
        await scene.settle()
        assert await scene.stored() == b""

    play(body)
