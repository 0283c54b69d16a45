from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import EVENTS, NODES
from boatyard.machinery.meta.errors import ServiceUnavailable
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.events import Recorder
from boatyard.machinery.runtime.simulation import SimWorld, simulate
from boatyard.machinery.store.memory import MemoryStore

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default", "uid": "1"}}


def in_world(body: Callable[[SimWorld, EmbeddedClient], Awaitable[None]]) -> None:
    async def scenario(world: SimWorld) -> None:
        registry = Registry(MemoryStore(), world)
        await registry.start()
        await body(world, EmbeddedClient(registry))

    simulate(1, scenario)


async def told(client: EmbeddedClient) -> list[tuple[str, int]]:
    return [(event["reason"], event["count"]) for event in (await client.list(EVENTS)).items]


def test_an_event_says_what_befell_whom_and_who_says_so() -> None:
    async def body(world: SimWorld, client: EmbeddedClient) -> None:
        await Recorder(client, world, "tester").event(POD, "Warning", "Broken", "it broke")
        event = (await client.list(EVENTS, "default")).items[0]
        assert event["involvedObject"] == {"apiVersion": "v1", "kind": "Pod", "name": "p", "namespace": "default", "uid": "1"}
        assert (event["type"], event["message"], event["source"]) == ("Warning", "it broke", {"component": "tester"})
        assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-01T00:00:00Z"

    in_world(body)


def test_repeats_are_counted_in_one_object_and_not_written_each() -> None:
    async def body(world: SimWorld, client: EmbeddedClient) -> None:
        recorder = Recorder(client, world, "tester")
        for _ in range(5):
            await recorder.event(POD, "Normal", "Same", "again")
        await recorder.event(POD, "Normal", "Other", "once")
        assert sorted(await told(client)) == [("Other", 1), ("Same", 1)]
        await world.sleep(11)
        await recorder.event(POD, "Normal", "Same", "again")
        assert sorted(await told(client)) == [("Other", 1), ("Same", 6)]

    in_world(body)


def test_counting_goes_on_after_a_restart() -> None:
    async def body(world: SimWorld, client: EmbeddedClient) -> None:
        for _ in range(3):
            await Recorder(client, world, "tester").event(POD, "Normal", "Same", "again")
        assert await told(client) == [("Same", 3)]

    in_world(body)


def test_an_event_that_was_swept_away_begins_anew() -> None:
    async def body(world: SimWorld, client: EmbeddedClient) -> None:
        recorder = Recorder(client, world, "tester")
        await recorder.event(POD, "Normal", "Same", "again")
        event = (await client.list(EVENTS)).items[0]
        await client.delete(EVENTS, event["metadata"]["name"], "default")
        await world.sleep(11)
        await recorder.event(POD, "Normal", "Same", "again")
        assert await told(client) == [("Same", 1)]

    in_world(body)


def test_what_lies_in_no_namespace_is_told_in_default_and_long_messages_are_cut() -> None:
    async def body(world: SimWorld, client: EmbeddedClient) -> None:
        node = await client.create(NODES, {"metadata": {"name": "n"}})
        await Recorder(client, world, "tester").event(node, "Normal", "Long", "x" * 5000)
        event = (await client.list(EVENTS, "default")).items[0]
        assert len(event["message"]) == 1024

    in_world(body)


def test_it_never_fails_its_caller() -> None:
    class Broken:
        async def create(self, *args: Any, **options: Any) -> Any:
            raise ServiceUnavailable("down")

    async def scenario(world: SimWorld) -> None:
        await Recorder(Broken(), world, "tester").event(POD, "Normal", "Lost", "nobody hears")  # type: ignore[arg-type]

    simulate(1, scenario)
