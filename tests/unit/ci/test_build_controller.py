"""The life of a build: what is written when, and what happens when something else than the usual happens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from boatyard.ci import build_controller, queue_controller
from boatyard.ci.compose import refused_build
from boatyard.ci.kinds import Build, CiConfig
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import (
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    NAMESPACES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    SERVICES,
)
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.component import Incarnation
from boatyard.machinery.runtime.durable import DurableStore
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.simulation import SimWorld, simulate
from boatyard.machinery.schema.crd import crd_of
from unit.ci.documents import PIPELINE, build, ciconfig, settings, trigger
from unit.cluster.conftest import Cluster

GOOD = "boatyard/1\n1 ok 0 1767225600000 10\n2 ok 0 1767225600010 10\n3 ok 0 1767225600020 10\n"
BAD = "boatyard/1\n1 ok 0 1767225600000 10\n2 failed 3 1767225600010 10\n3 ok 0 1767225600020 10\n"
PASSED = json.dumps({"outcome": "ok", "tests": {"total": 4, "passed": 4, "failed": 0, "skipped": 0, "files": 1, "millis": 5}})


class Streams:
    """Logs of pods: a line each; ``broken`` says that no node can be reached."""

    broken = False

    async def logs(self, namespace: str, pod: str, *, container: str, **options: Any) -> AsyncIterator[bytes]:
        if self.broken:
            raise OSError("the node can't be reached")
        yield f"{pod} {container}\n".encode()


class Yard(Cluster):
    """Queue and build controller over a memory store; the tests are user, scheduler and node."""

    def __init__(self, world: SimWorld) -> None:
        self.objects, self.streams = MemoryObjects(), Streams()
        super().__init__(world, (), 0.0)

    async def _main(self, life: Incarnation) -> None:
        registry = Registry(DurableStore(life, self.store), self.world)
        await registry.start()
        client = EmbeddedClient(registry, pod_streams=self.streams)  # type: ignore[arg-type]
        manager = Manager(client, self.world)
        for module in (queue_controller, build_controller):
            manager.add(module.controller(manager, settings(object_store=self.objects)))
        life.services["api"] = client
        await manager.run()

    async def declare(self, **spec: Any) -> None:
        for model in (CiConfig, Build):
            await self.client.apply(CUSTOM_RESOURCE_DEFINITIONS, crd_of(model), field_manager="test")
        await self.settle(30)
        for namespace in ("team", "boatyard-system"):
            if await self.find(NAMESPACES, namespace) is None:
                await self.client.create(NAMESPACES, {"metadata": {"name": namespace}})
        body = ciconfig(**spec)
        body["metadata"].pop("uid")
        self.config = await self.client.create(CiConfig.resource, body, "team")

    async def push(self, number: int = 7, pipeline: str = PIPELINE, **given: Any) -> Any:
        """A Build; the CI server would make it."""
        body = build(pipeline, number, config=self.config, **given)
        for field in ("uid", "resourceVersion", "creationTimestamp"):
            body["metadata"].pop(field)
        return await self.make(body)

    async def make(self, body: Any) -> Any:
        made = await self.client.create(Build.resource, body, "team")
        await self.settle()
        return made

    async def build(self, name: str = "shop-7") -> Any:
        return await self.find(Build.resource, name, "team")

    async def phase(self, name: str = "shop-7") -> tuple[str, str]:
        status = (await self.build(name)).get("status") or {}
        return status.get("phase", ""), status.get("reason", "")

    async def pod(self, name: str = "shop-7") -> Any:
        return await self.find(PODS, name, "team")

    async def says(self, pod: str, phase: str, *, said: str = GOOD, code: int = 0, reason: str = "", **states: Any) -> None:
        """The node reports: ``build`` ended with that message, unless ``states`` say something else."""
        found = await self.pod(pod)
        running: Any = {"running": {"startedAt": "2026-01-01T00:00:10Z"}}
        ended: Any = {"terminated": {"exitCode": code, "reason": "Completed", "message": said}}
        default = running if phase in ("Pending", "Running") else ended
        status: Any = {"phase": phase, "startTime": "2026-01-01T00:00:10Z", "reason": reason or None}
        for group, field in (("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")):
            status[field] = []
            for one in found["spec"].get(group, []):
                usual = default if one["name"] == "build" else self._other(one["name"], phase, running)
                told = {"name": one["name"], "image": one["image"], "imageID": "", "ready": False, "restartCount": 0}
                status[field].append({**told, "state": states.get(one["name"]) or usual})
        await self.client.patch(PODS, pod, {"status": status}, "team", subresource="status")
        await self.settle(5)

    def _other(self, name: str, phase: str, running: Any) -> Any:
        message = {"source": '{"outcome":"ok"}', "collect": PASSED}.get(name, "")
        ended = {"terminated": {"exitCode": 0, "reason": "Completed", "message": message}}
        return ended if name == "source" or phase not in ("Pending", "Running") else running

    async def archived(self, number: int = 7) -> Any:
        try:
            return json.loads(await self.objects.get(f"builds/team/shop/{number}/build.json"))
        except KeyError:
            return None


@pytest.fixture
def yard():
    def run(body: Callable[[Yard], Coroutine[Any, Any, None]], **spec: Any) -> None:
        async def scenario(world: SimWorld) -> None:
            made = Yard(world)
            await made.start()
            await made.declare(**spec)
            await body(made)

        simulate(1, scenario)

    return run


def test_a_push_becomes_a_verdict(yard):
    async def body(y: Yard) -> None:
        await y.push()
        assert await y.phase() == ("Starting", "")
        assert (await y.pod())["metadata"]["labels"]["boatyard.dev/attempt"] == "1"
        await y.says("shop-7", "Running")
        assert await y.phase() == ("Running", "")
        await y.says("shop-7", "Succeeded")
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"]) == ("Succeeded", "Succeeded")
        assert [(one["name"], one["outcome"]) for one in status["steps"]] == [
            ("compile", "Succeeded"), ("test", "Succeeded"), ("clean up", "Succeeded"),
        ]  # fmt: skip
        assert status["tests"]["counts"] == {"total": 4, "passed": 4, "failed": 0, "skipped": 0}
        assert status["attempts"][0]["outcome"] == "Succeeded"
        assert await y.pod() is None
        assert await y.objects.get("builds/team/shop/7/logs/1/build/000000000000") == b"shop-7 build\n"
        assert (await y.archived())["status"]["phase"] == "Succeeded"

    yard(body)


def test_it_takes_few_writes(yard):
    async def body(y: Yard) -> None:
        before = len(y.world.history)
        await y.push()
        await y.says("shop-7", "Running")
        await y.says("shop-7", "Succeeded")
        await y.settle(4000)
        assert await y.build() is None
        lines = [line for line in y.world.history[before:].decode().splitlines() if " put " in line or " delete " in line]
        # Three of them are the test's own: the Build is made, and the node speaks twice.
        assert 0 < len(lines) - 3 <= 8, "\n".join(lines)

    yard(body)


def test_nothing_is_written_while_nothing_happens(yard):
    async def body(y: Yard) -> None:
        await y.push()
        await y.says("shop-7", "Running")
        y.quiet()
        await y.settle(1000)
        assert y.quiet()
        await y.says("shop-7", "Succeeded")
        y.quiet()
        await y.restart()
        await y.settle(600)
        assert y.quiet()

    yard(body)


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


def test_a_refused_build_is_an_error_at_once_and_has_no_pod(yard):
    async def body(y: Yard) -> None:
        await y.make(refused_build(y.config, trigger(), 8, "InvalidPipeline", "line 3: no"))
        assert await y.phase("shop-8") == ("Error", "InvalidPipeline")
        assert (await y.archived(8))["status"]["message"] == "line 3: no"
        assert await y.names(PODS, "team") == []

    yard(body)


def test_a_build_made_around_the_ci_server_gets_no_more_than_one_made_by_it(yard):
    async def body(y: Yard) -> None:
        made = build(config=y.config)
        for field in ("uid", "resourceVersion", "creationTimestamp"):
            made["metadata"].pop(field)
        made["spec"]["podTemplate"]["spec"]["hostNetwork"] = True
        await y.make(made)
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"]) == ("Error", "TemplateRefused")
        assert "spec.podTemplate.spec.hostNetwork" in status["message"]

    yard(body)


def test_a_build_fetches_with_the_secret_of_its_ciconfig_or_with_none(yard):
    async def body(y: Yard) -> None:
        made = build(config=y.config)
        for field in ("uid", "resourceVersion", "creationTimestamp"):
            made["metadata"].pop(field)
        made["spec"]["source"] |= {"url": "https://evil.example/x.git", "credentials": {"name": "production-database"}}
        await y.make(made)
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"]) == ("Error", "CredentialRefused")
        assert await y.names(PODS, "team") == []

    yard(body)


def test_an_image_that_cannot_be_had_ends_the_build(yard):
    async def body(y: Yard) -> None:
        await y.push()
        waiting = {"waiting": {"reason": "ErrImagePull", "message": "no container runtime here"}}
        await y.says("shop-7", "Pending", build=waiting)
        assert (await y.pod())["metadata"]["deletionTimestamp"]
        await y.says("shop-7", "Failed", said="", code=137)
        await y.settle(100)
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"]) == ("Error", "ImageUnavailable")
        assert "no container runtime here" in status["message"]

    yard(body)


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


def test_the_spec_cannot_be_changed(yard):
    async def body(y: Yard) -> None:
        await y.push()
        with pytest.raises(Exception, match="can't be changed"):
            await y.client.patch(Build.resource, "shop-7", {"spec": {"timeout": "9h"}}, "team")

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


def test_a_template_that_is_no_pods_is_refused_even_where_nobody_checked_it(yard, monkeypatch):
    async def body(y: Yard) -> None:
        def broken(*_: Any) -> Any:
            raise TypeError("'int' object is not iterable")

        monkeypatch.setattr(build_controller, "build_pod", broken)
        await y.push()
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"]) == ("Error", "TemplateRefused")

    yard(body)
