"""Which builds get a place, and what those that wait are told."""

from __future__ import annotations

from boatyard.ci.kinds import Build
from boatyard.machinery.meta.core import CONFIG_MAPS, PODS
from unit.ci.yard import Yard


def test_no_more_run_than_may(yard):
    async def body(y: Yard) -> None:
        for number in range(1, 6):
            await y.push(number)
        phases = [(await y.phase(f"shop-{number}"))[0] for number in range(1, 6)]
        assert phases == ["Starting", "Starting", "Queued", "Queued", "Queued"]
        assert (await y.phase("shop-4"))[1] == "WaitingForTurn"
        await y.says("shop-2", "Succeeded")
        await y.settle(10)
        assert (await y.phase("shop-3"))[0] == "Starting"
        assert sorted(await y.names(PODS, "team")) == ["shop-1", "shop-3"]

    yard(body, builds={"concurrency": 2})


def test_places_are_counted_anew_after_a_restart_and_deleted_builds_give_theirs_back(yard):
    async def body(y: Yard) -> None:
        for number in range(1, 5):
            await y.push(number)
        await y.restart()
        await y.settle(10)
        assert await y.names(PODS, "team") == ["shop-1"]
        await y.client.delete(Build.resource, "shop-2", "team")  # it waits, and never has a place
        await y.client.delete(Build.resource, "shop-1", "team")
        await y.settle(100)
        assert await y.names(PODS, "team") == ["shop-3"]
        assert (await y.phase("shop-4"))[0] == "Queued"

    yard(body, builds={"concurrency": 1})


def test_a_build_that_changes_while_it_waits_is_admitted_as_it_is_then(yard):
    async def body(y: Yard) -> None:
        for number in range(1, 3):
            await y.push(number)
        await y.client.patch(Build.resource, "shop-2", {"metadata": {"annotations": {"note": "x"}}}, "team")
        await y.says("shop-1", "Succeeded")
        await y.settle(10)
        assert (await y.phase("shop-2"))[0] == "Starting"

    yard(body, builds={"concurrency": 1})


def test_beyond_the_queues_limit_builds_end_at_once(yard):
    async def body(y: Yard) -> None:
        for number in range(1, 4):
            await y.push(number)
        assert await y.phase("shop-3") == ("Error", "QueueFull")
        await y.settle(10)
        assert (await y.archived(3))["status"]["reason"] == "QueueFull"

    yard(body, builds={"concurrency": 1, "queueLimit": 1})


def test_limits_for_all_together_are_a_config_map(yard):
    async def body(y: Yard) -> None:
        limits = {"metadata": {"name": "build-limits", "namespace": "boatyard-system"}, "data": {"total": "1"}}
        await y.client.create(CONFIG_MAPS, limits, "boatyard-system")
        await y.settle()
        await y.push(1)
        await y.push(2)
        assert [(await y.phase(f"shop-{number}"))[0] for number in (1, 2)] == ["Starting", "Queued"]
        await y.client.patch(CONFIG_MAPS, "build-limits", {"data": {"total": "2"}}, "boatyard-system")
        await y.settle()
        assert (await y.phase("shop-2"))[0] == "Starting"

    yard(body)
