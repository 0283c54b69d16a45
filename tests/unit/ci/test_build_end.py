"""The end of a build: archive, logs, results, and that nothing of it is left."""

from __future__ import annotations

import json

import pytest

from boatyard.ci.kinds import Build, CiConfig
from boatyard.machinery.meta.core import (
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    SERVICES,
)
from boatyard.machinery.meta.errors import NotFound
from unit.ci.yard import BAD, Yard


def test_a_finished_build_leaves_after_its_time_to_live_and_stays_in_the_archive(yard):
    async def body(y: Yard) -> None:
        await y.push()
        await y.says("shop-7", "Failed", said=BAD, code=3)
        reported = {"status": {"reported": [{"state": "failure", "context": "boatyard/shop"}]}}
        await y.client.patch(Build.resource, "shop-7", reported, "team", subresource="status")
        await y.settle(500)
        assert await y.phase() == ("Failed", "StepFailed")
        await y.settle(200)
        assert await y.build() is None
        assert (await y.archived())["status"]["reported"][0]["state"] == "failure"

    yard(body, builds={"retention": {"ttl": "10m"}})


@pytest.mark.parametrize("when", ["waiting", "starting", "running"])
def test_cancelling(yard, when):
    async def body(y: Yard) -> None:
        if when == "waiting":
            await y.client.patch(CiConfig.resource, "shop", {"spec": {"paused": True}}, "team")
            await y.settle()
        await y.push()
        if when == "running":
            await y.says("shop-7", "Running")
        await y.client.patch(Build.resource, "shop-7", {"metadata": {"annotations": {"boatyard.dev/cancel": "ada"}}}, "team")
        await y.settle(10)
        if when == "running":
            assert (await y.pod())["metadata"]["deletionTimestamp"]
            await y.restart()
            await y.says("shop-7", "Failed", said="boatyard/1\n1 cancelled 143 1767225600000 10\n", code=143)
        await y.settle(100)
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"], status["message"]) == ("Cancelled", "Cancelled", "Cancelled by ada.")
        assert (await y.archived())["status"]["phase"] == "Cancelled"
        assert await y.pod() is None

    yard(body)


def test_a_build_that_is_deleted_ends_its_pod_and_is_archived(yard):
    async def body(y: Yard) -> None:
        await y.push()
        await y.says("shop-7", "Running")
        await y.client.delete(Build.resource, "shop-7", "team")
        await y.settle(10)
        assert (await y.pod())["metadata"]["deletionTimestamp"]
        await y.says("shop-7", "Failed", said="", code=143)
        await y.settle(100)
        assert await y.build() is None and await y.pod() is None
        assert (await y.archived())["status"]["reason"] == "Deleted"

    yard(body)


def test_claims_and_service_come_and_go_with_the_build(yard):
    text = """
spec:
  podTemplate:
    spec:
      containers: [{name: build, image: boatyard.dev/host, ports: [{containerPort: 80}]}]
      volumes:
      - name: cache
        ephemeral: {volumeClaimTemplate: {spec: {resources: {requests: {storage: 1Gi}}, accessModes: [ReadWriteOnce]}}}
  steps: [{name: a, run: a}, {name: b, run: b}, {name: c, run: c}]
"""

    async def body(y: Yard) -> None:
        await y.push(pipeline=text)
        assert await y.names(PERSISTENT_VOLUME_CLAIMS, "team") == ["shop-7-cache"]
        assert await y.names(SERVICES, "team") == ["shop-7"]
        await y.says("shop-7", "Failed", reason="Evicted")
        await y.settle(60)
        assert await y.names(PERSISTENT_VOLUME_CLAIMS, "team") == ["shop-7-r2-cache"]
        await y.says("shop-7-r2", "Succeeded")
        await y.settle(60)
        assert await y.names(SERVICES, "team") == [] and await y.names(PERSISTENT_VOLUME_CLAIMS, "team") == []

    yard(body)


def test_a_node_that_cannot_be_reached_costs_the_log_not_the_verdict(yard):
    async def body(y: Yard) -> None:
        y.streams.broken = True
        await y.push()
        await y.says("shop-7", "Succeeded")
        assert (await y.phase())[0] == "Starting"
        await y.settle(120)
        status = (await y.build())["status"]
        assert status["phase"] == "Succeeded" and "Logs are incomplete" in status["problems"][0]

    yard(body)


def test_an_object_store_that_is_full_delays_the_archive_not_the_verdict_for_ever(yard):
    async def body(y: Yard) -> None:
        whole = y.objects.put

        async def full(key: str, value: bytes) -> None:
            raise OSError(28, "No space left on device")

        y.objects.put = full  # type: ignore[method-assign]
        await y.push()
        await y.says("shop-7", "Succeeded")
        await y.settle(300)
        found = await y.build()
        assert found["status"]["phase"] == "Succeeded"
        condition = next(one for one in found["status"]["conditions"] if one["type"] == "Archived")
        assert condition["status"] == "False" and "No space left" in condition["message"]
        y.objects.put = whole  # type: ignore[method-assign]
        await y.settle(400)
        found = await y.build()
        assert next(one for one in found["status"]["conditions"] if one["type"] == "Archived")["status"] == "True"
        assert await y.archived() is not None

    yard(body)


def test_full_results_come_from_the_object_store(yard):
    async def body(y: Yard) -> None:
        failures = [{"name": f"t{n}", "message": "m" * 400, "file": "r.xml"} for n in range(20)]
        whole = {"outcome": "testsFailed", "tests": {"total": 20, "failed": 20}, "failures": failures, "problems": []}
        await y.objects.put("builds/team/shop/7/artifacts/1/.boatyard/results.json", json.dumps(whole).encode())
        said = json.dumps({**whole, "full": True, "failures": [{"name": "t0"}]})
        await y.push()
        await y.says("shop-7", "Failed", collect={"terminated": {"exitCode": 1, "reason": "Error", "message": said}})
        await y.settle(30)
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"]) == ("Failed", "TestsFailed")
        assert len(status["tests"]["failures"]) == 20 and status["tests"]["failures"][19]["message"] == "m" * 400
        assert len(json.dumps(status)) < 64 * 1024

    yard(body)


def test_a_pod_whose_build_is_gone_is_let_go(yard):
    async def body(y: Yard) -> None:
        await y.push()
        await y.client.patch(Build.resource, "shop-7", {"metadata": {"finalizers": None}}, "team")
        await y.client.delete(Build.resource, "shop-7", "team")
        await y.client.delete(PODS, "shop-7", "team", grace_period_seconds=0)
        await y.settle(10)
        with pytest.raises(NotFound):
            await y.client.get(PODS, "shop-7", "team")

    yard(body)
