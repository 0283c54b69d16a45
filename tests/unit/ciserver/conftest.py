"""What the CI server's tests share: a real git repository to push to, and a small world around a CI server."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from boatyard.ci.kinds import Build, CiConfig
from boatyard.ci.scm.memory import MemoryGitea
from boatyard.ci.scm.scm import sign_hmac_sha256
from boatyard.ciserver.database import Database, InlineDatabase
from boatyard.ciserver.deliveries import Response
from boatyard.ciserver.environment import Environment
from boatyard.ciserver.mirrors import Mirrors
from boatyard.ciserver.repository import MemoryRepository, Repository
from boatyard.ciserver.server import CiServer
from boatyard.machinery.client.client import ExecResult
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, PODS, SECRETS
from boatyard.machinery.meta.errors import AlreadyExists, BadRequest, NotFound
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.schema.crd import crd_of, discover
from boatyard.machinery.store.memory import MemoryStore

PIPELINE = """
spec:
  steps:
  - {name: test, run: make test}
"""


class Origin:
    """A work tree whose own repository plays the SCM."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "uploadpack.allowAnySHA1InWant", "false")

    @property
    def url(self) -> str:
        return f"file://{self.directory}"

    def git(self, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.directory), "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com", "GIT_COMMITTER_NAME": "Ann",
            "GIT_COMMITTER_EMAIL": "ann@example.com",
        }  # fmt: skip
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.directory, env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    def commit(self, files: dict[str, str | bytes | None], message: str = "Change") -> str:
        """Write (None: remove) files and commit; the commit's hash."""
        for name, text in files.items():
            path = self.directory / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "origin")


class Logs:
    """Pods' logs, as a node would serve them: a test writes, readers follow."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str], bytes] = {}
        self.ended: dict[tuple[str, str], bool] = {}
        self.opened = 0
        self._news = asyncio.Event()

    def write(self, pod: str, container: str, text: bytes, *, end: bool = False) -> None:
        self.texts[pod, container] = self.texts.get((pod, container), b"") + text
        self.ended[pod, container] = end
        self._news.set()
        self._news = asyncio.Event()

    async def logs(
        self, namespace: str, pod: str, *, container: str, follow: bool, previous: bool, timestamps: bool, tail_lines: int | None,
        since_seconds: float | None, limit_bytes: int | None,
    ) -> AsyncGenerator[bytes]:  # fmt: skip
        if (pod, container) not in self.texts:
            raise BadRequest("container is waiting to start")
        self.opened += 1
        sent = 0
        while True:
            news = self._news
            text = self.texts[pod, container]
            if len(text) > sent:
                piece, sent = text[sent:], len(text)
                yield piece
            elif not follow or self.ended.get((pod, container)):
                return
            else:
                await news.wait()

    async def exec(self, namespace: str, pod: str, command: list[str], *, container: str, stdin: bytes) -> ExecResult:
        raise AssertionError("a CI server runs nothing in pods")


SECRET = b"hook secret"
NAMESPACE = "team"


class World:
    """A CI server in a small world: an API server, a repository that is told, a Gitea that is told, an archive in memory."""

    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path
        self.clock = RealWorld()
        self.scm, self.pods, self.repository, self.objects = MemoryGitea(), Logs(), MemoryRepository(), MemoryObjects()
        self.client: EmbeddedClient
        self.server: CiServer
        self.database: InlineDatabase
        self._task: asyncio.Task[None] | None = None

    async def prepare(self, **spec: Any) -> None:
        registry = Registry(MemoryStore(), self.clock)
        await registry.start()
        self.client = EmbeddedClient(registry, pod_streams=self.pods)
        for model in discover():
            if model.info.stored:
                await self.client.create(CUSTOM_RESOURCE_DEFINITIONS, crd_of(model))
        await self.client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        secret = {"hook": base64.b64encode(SECRET).decode()}
        await self.client.create(
            SECRETS,
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hook", "namespace": NAMESPACE}, "data": secret},
            NAMESPACE,
        )
        wanted = {
            "source": {
                "git": {"url": "http://git.example/team/shop.git", "branches": ["main", "release/*"]},
                "scm": {"type": "gitea", "webhookSecret": {"secretRef": {"name": "hook"}}},
            },
            **spec,
        }
        metadata = {"name": "shop", "namespace": NAMESPACE}
        config = {"apiVersion": "ci.boatyard.dev/v1alpha1", "kind": "CiConfig", "metadata": metadata, "spec": wanted}
        await self.client.create(CiConfig.resource, config, NAMESPACE)

    async def start(self, database: Database | None = None, mirrors: bool = False) -> CiServer:
        """Start a CI server; a second one finds the first one's file. With ``mirrors`` its repository is a real one."""
        self.database = InlineDatabase(str(self.path / "ciserver.db")) if database is None else self.database
        environment = Environment(
            "shop", NAMESPACE, 0, "/ci/team/shop", "https://ci.example/ci/team/shop", self.path, "memory:", "t0ken", "127.0.0.1"
        )

        async def repository() -> Repository:
            return self.repository

        self.server = CiServer(
            environment, self.client, self.clock, database=database or self.database, store=self.objects, http=self.scm,
            repository=lambda team: Mirrors(self.path, team).repository if mirrors else repository,
        )  # fmt: skip
        self._task = asyncio.create_task(self.server.run())
        await self.until(lambda: self.server.ready or self._failed())
        return self.server

    def _failed(self) -> bool:
        return self._task is not None and self._task.done()

    async def stop(self) -> None:
        """Drop the CI server as a crash would, as far as that is possible in one process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
            self._task = None
            await self.database.close()

    async def push(
        self, sha: str, *, delivery: str = "", pipeline: str | None = PIPELINE, ref: str = "refs/heads/main"
    ) -> Response:
        """A signed delivery of a push."""
        self.repository.pipelines.setdefault(sha, pipeline)
        body = json.dumps({
            "ref": ref, "before": "0" * 40, "after": sha, "repository": {"full_name": "team/shop"},
            "head_commit": {"message": f"Commit {sha[:4]}", "author": {"name": "Ann"}}, "sender": {"login": "ann"},
        }).encode()  # fmt: skip
        return await self.deliver("push", body, delivery or f"d-{sha}")

    async def deliver(self, event: str, body: bytes, delivery: str = "d", **headers: str) -> Response:
        sent = {
            "x-gitea-event": event, "x-gitea-delivery": delivery, "content-type": "application/json",
            "x-gitea-signature": sign_hmac_sha256(SECRET, body), **headers,
        }  # fmt: skip
        return await self.server.deliveries.handle_delivery("gitea", sent, body)

    async def builds(self) -> dict[str, Any]:
        """The Builds there are, by name."""
        found = await self.client.list(Build.resource, NAMESPACE)
        return {build["metadata"]["name"]: build for build in found.items}

    async def build(self, name: str) -> Any:
        """A Build, as soon as it is there."""
        for _ in range(6000):
            try:
                return await self.client.get(Build.resource, name, NAMESPACE)
            except NotFound:
                await asyncio.sleep(0.01)
        raise AssertionError(f"{name} was not created; there are {list(await self.builds())}")

    async def becomes(self, name: str, phase: str, **status: Any) -> None:
        """What the build controller would write."""
        patch = {"status": {"phase": phase, **status}}
        await self.client.patch(Build.resource, name, patch, NAMESPACE, subresource="status")

    async def pod(self, name: str, containers: Mapping[str, str], *, build: str = "", attempt: int = 1) -> None:
        """A build's pod with the state of each container; made or changed."""
        spec = {"containers": [{"name": one, "image": "x"} for one in containers]}
        labels = {"boatyard.dev/ciconfig": "shop", "boatyard.dev/build": build or name, "boatyard.dev/attempt": str(attempt)}
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
            "spec": spec,
        }
        try:
            await self.client.create(PODS, body, NAMESPACE)
        except AlreadyExists:
            pass
        told = [
            {"name": one, "image": "x", "imageID": "", "ready": False, "restartCount": 0, "state": _STATES[state]}
            for one, state in containers.items()
        ]
        await self.client.patch(PODS, name, {"status": {"containerStatuses": told}}, NAMESPACE, subresource="status")

    async def until(self, true: Callable[[], Any], seconds: float = 60) -> None:
        """Wait for something to be true."""
        for _ in range(int(seconds / 0.005)):
            if true():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("it never came true")


_STATES = {
    "waiting": {"waiting": {"reason": "PodInitializing"}},
    "running": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
    "terminated": {"terminated": {"exitCode": 0}},
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.prepare()
    yield made
    await made.stop()
