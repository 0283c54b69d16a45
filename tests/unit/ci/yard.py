"""Queue and build controller in virtual time, for tests that are user, scheduler and node themselves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from boatyard.ci import build_controller, queue_controller
from boatyard.ci.kinds import Build, CiConfig
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import (
    CUSTOM_RESOURCE_DEFINITIONS,
    NAMESPACES,
    PODS,
)
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.component import Incarnation
from boatyard.machinery.runtime.durable import DurableStore
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.simulation import SimWorld
from boatyard.machinery.schema.crd import crd_of
from unit.ci.documents import PIPELINE, build, ciconfig, settings
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
