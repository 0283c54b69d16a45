"""A whole installation for a bench: ``boatyard up`` in a scratch directory, a repository, a CI, and webhooks sent to it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import aiohttp

from boatyard.app import addresses, processes
from boatyard.app.demo.githost import GitHost
from boatyard.app.follow import phase, states
from boatyard.app.layout import DataDirectory
from boatyard.ci.kinds import FINAL_PHASES, Build, CiConfig
from boatyard.gateway.sessions import COOKIE, Sessions
from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta.core import SECRETS
from boatyard.machinery.runtime.world import RealWorld

NAME, NAMESPACE = "bench", "default"


class Installation:
    """A running installation. Times are from the webhook on, as whoever sends it sees them."""

    def __init__(
        self, data: DataDirectory, client: HttpClient, session: aiohttp.ClientSession, repository: Path, url: str, secret: str
    ) -> None:
        self.data, self.client = data, client
        self._session, self._repository, self._url, self._secret = session, repository, url.rstrip("/"), secret
        self._tree = _git(repository, "rev-parse", "main^{tree}")
        self._head = _git(repository, "rev-parse", "main")
        self._commits = 0

    def commit(self, pipeline: str = "") -> str:
        """A new commit on main, as if pushed: the same files, or with another ``boatyard.yaml``."""
        self._commits += 1
        tree = self._tree
        if pipeline:
            blob = _git(self._repository, "hash-object", "-w", "--stdin", said=pipeline)
            tree = _git(self._repository, "mktree", said=f"100644 blob {blob}\tboatyard.yaml\n")
        self._head = _git(self._repository, "commit-tree", tree, "-p", self._head, "-m", f"change {self._commits}")
        _git(self._repository, "update-ref", "refs/heads/main", self._head)
        return self._head

    async def push(self, sha: str, *, delivery: str = "") -> int:
        """Send the webhook of a push; the number of the build that it makes."""
        body = json.dumps({"ref": "refs/heads/main", "after": sha}).encode()
        signature = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Boatyard-Delivery": delivery or sha, "X-Boatyard-Signature": f"sha256={signature}"}
        async with self._session.post(f"{self._url}/hooks/generic", data=body, headers=headers) as answer:
            told = await answer.text()
            if answer.status != 202:
                raise RuntimeError(f"webhook: {answer.status} {told}")
            return int(json.loads(told)["number"])

    async def first_line(self) -> float:
        """Seconds from a webhook to the first log line of ``source`` in a browser's stream; waits for the build's end."""
        sha = self.commit()
        begun = time.perf_counter()
        number = await self.push(sha)
        stream = f"{self._url}/builds/{number}/log/source?follow=1"
        first = 0.0
        async with self._session.get(stream, headers={"Accept": "text/event-stream"}) as answer:
            async for line in answer.content:
                if line.startswith(b"data:") and b'"text"' in line:
                    first = time.perf_counter() - begun
                    break
        await self.end(number)
        return first

    async def end(self, number: int) -> None:
        """Wait until a build is over, also one that isn't there yet."""
        await self._over({f"{NAME}-{number}"})

    async def _over(self, names: set[str]) -> None:
        listed = await self.client.list(Build.resource, NAMESPACE)
        left = names - {build["metadata"]["name"] for build in listed.items if phase(build) in FINAL_PHASES}
        async with aclosing(self.client.watch(Build.resource, NAMESPACE, resource_version=listed.resource_version)) as events:
            while left:
                event = await anext(events)
                if event.type != "BOOKMARK" and phase(event.object) in FINAL_PHASES:
                    left.discard(event.object["metadata"]["name"])

    async def burst(self, count: int) -> float:
        """Seconds from the first of ``count`` webhooks to the last build's end."""
        commits = [self.commit() for _ in range(count)]
        begun = time.perf_counter()
        numbers = await asyncio.gather(*(self.push(sha) for sha in commits))
        await self._over({f"{NAME}-{number}" for number in numbers})
        return time.perf_counter() - begun

    def process(self, name: str) -> int:
        """Pid of ``control`` or ``node``."""
        found = processes.running(self.data.run / f"{name}.pid")
        if found is None:
            raise RuntimeError(f"{name} doesn't run")
        return found.pid


@asynccontextmanager
async def installation(*, parallel: int, command: str) -> AsyncIterator[Installation]:
    """Up, with one CI whose builds are one step; afterwards everything is gone."""
    directory = Path(tempfile.mkdtemp(prefix="boatyard-bench-"))
    directory.chmod(0o711)
    data = DataDirectory(directory / "data")
    _boatyard(data, "up", "--detach", "--api-port", "0", "--gateway-port", "0")
    host = GitHost(directory / "served")
    client = from_kubeconfig(data.kubeconfig)
    try:
        repository = _repository(directory, command)
        chosen = addresses.load(data.root / "control" / "addresses.json")
        assert chosen is not None
        port = await host.start(chosen.internal_host)
        document = {
            "apiVersion": CiConfig.resource.api_version, "kind": "CiConfig", "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": {
                "source": {"git": {"url": f"http://{chosen.internal_host}:{port}/repository.git"}, "scm": {"type": "generic"}},
                "strategy": {"standardBuild": {"type": "shell", "builder": "boatyard.dev/host"}},
                "builds": {"concurrency": parallel},
            },
        }  # fmt: skip
        await client.create(CiConfig.resource, document, NAMESPACE)
        async with asyncio.timeout(60), aclosing(states(client, CiConfig.resource, NAME, NAMESPACE)) as configs:
            async for config in configs:
                if phase(config) == "Awake":
                    break
        config = await client.get(CiConfig.resource, NAME, NAMESPACE)
        secret = base64.b64decode((await client.get(SECRETS, f"ci-{NAME}", NAMESPACE))["data"]["webhook"]).decode()
        cookie = Sessions((data.pki / "sessions.secret").read_bytes(), data.keys / "used-links", RealWorld()).session()
        trust = ssl.create_default_context(cafile=str(data.pki / "ca.crt"))
        connector = aiohttp.TCPConnector(ssl=trust, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, headers={"Cookie": f"{COOKIE}={cookie}"}, timeout=timeout) as session:
            yield Installation(data, client, session, repository, config["status"]["url"], secret)
    finally:
        await client.close()
        await host.stop()
        _boatyard(data, "down", "--pods")
        shutil.rmtree(directory, ignore_errors=True)


def _repository(directory: Path, command: str) -> Path:
    copy, bare = directory / "copy", directory / "served" / "repository.git"
    copy.mkdir()
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", copy], check=True)
    (copy / "boatyard.yaml").write_text(f"spec:\n  steps:\n  - name: step\n    run: {command}\n")
    _git(copy, "add", ".")
    _git(copy, "commit", "--quiet", "-m", "begin")
    subprocess.run(["git", "clone", "--quiet", "--bare", copy, bare], check=True)
    _git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
    return bare


def _git(repository: Path, *arguments: str, said: str | None = None) -> str:
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", repository, *identity, *arguments]
    return subprocess.run(command, input=said, capture_output=True, text=True, check=True).stdout.strip()


def _boatyard(data: DataDirectory, command: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "boatyard.cli.main", command, "--data", str(data.root), *arguments],
        capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"boatyard {command}: {done.stderr}")
