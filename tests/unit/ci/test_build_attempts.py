"""Attempts of a build: what the infrastructure loses is tried again, and kept in the history."""

from __future__ import annotations

from boatyard.machinery.meta.core import (
    PODS,
)
from unit.ci.yard import Yard


def test_a_lost_pod_is_followed_by_another_attempt_and_kept_in_the_history(yard):
    async def body(y: Yard) -> None:
        await y.push()
        await y.says("shop-7", "Running")
        await y.says("shop-7", "Failed", reason="Evicted")
        await y.settle(30)
        assert await y.phase() == ("Starting", "Retrying")
        assert await y.pod() is None and (await y.pod("shop-7-r2")) is not None
        await y.says("shop-7-r2", "Succeeded")
        await y.settle(60)
        status = (await y.build())["status"]
        assert [(one["pod"], one["outcome"], one["reason"]) for one in status["attempts"]] == [
            ("shop-7", "Lost", "Evicted"), ("shop-7-r2", "Succeeded", "Succeeded"),
        ]  # fmt: skip

    yard(body)


def test_a_pod_that_vanishes_is_lost(yard):
    async def body(y: Yard) -> None:
        await y.push()
        await y.says("shop-7", "Running")
        await y.client.patch(PODS, "shop-7", {"metadata": {"finalizers": None}}, "team")
        await y.client.delete(PODS, "shop-7", "team", grace_period_seconds=0)
        await y.settle(30)
        assert (await y.build())["status"]["attempts"][0]["reason"] == "PodGone"
        assert await y.pod("shop-7-r2") is not None

    yard(body)


def test_when_the_retries_are_used_up_it_is_an_error(yard):
    async def body(y: Yard) -> None:
        await y.push()
        for pod in ("shop-7", "shop-7-r2"):
            await y.says(pod, "Failed", reason="NodeLost")
            await y.settle(60)
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"]) == ("Error", "NodeLost")
        assert "Lost 2 times" in status["message"] and len(status["attempts"]) == 2

    yard(body, builds={"infrastructureRetries": 1})


def test_what_belongs_to_somebody_else_is_left_alone(yard):
    async def body(y: Yard) -> None:
        other = {"metadata": {"name": "shop-7"}, "spec": {"containers": [{"name": "a", "image": "x"}]}}
        other["metadata"]["labels"] = {"boatyard.dev/build": "shop-7"}
        await y.client.create(PODS, other, "team")
        await y.push()
        await y.settle(100)
        assert (await y.phase())[0] == "Starting"
        await y.client.delete(PODS, "shop-7", "team", grace_period_seconds=0)
        await y.settle(100)
        assert (await y.pod())["metadata"]["ownerReferences"][0]["kind"] == "Build"

    yard(body)
