"""A team whose SCM is a script: signed webhooks in, reports to a callback out. No other software is needed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from boatyard.app.demo.githost import GitHost
from boatyard.app.follow import archived, outcome, phase
from boatyard.ci.kinds import Build, CiConfig
from boatyard.machinery.meta.conditions import is_true
from boatyard.machinery.meta.core import SECRETS
from boatyard.machinery.meta.errors import ApiError, NotFound
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.objects.directory import DirectoryObjects
from boatyard.machinery.serving.listening import listening_socket
from e2e.gitea_api import Clone
from e2e.installation import Installation

NAME, NAMESPACE = "team", "default"


class Callback:
    """Where reports go. Keeps every one that came, by build and stage."""

    def __init__(self) -> None:
        self.secret = ""
        self.came: list[tuple[str, dict[str, Any]]] = []
        """(idempotency key, report), in order."""
        self._runner: web.AppRunner | None = None

    async def start(self, address: str) -> str:
        """Listen there; gives the URL."""
        app = web.Application()
        app.router.add_post("/", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        listening = listening_socket(address, 0)
        await web.SockSite(self._runner, listening).start()
        return f"http://{address}:{listening.getsockname()[1]}/"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        if request.headers.get("X-Boatyard-Signature") != f"sha256={signature}":
            return web.Response(status=403)
        self.came.append((request.headers["Idempotency-Key"], json.loads(body)))
        return web.Response()

    def of(self, number: int) -> list[tuple[str, str]]:
        """(key, state) of each report of a build, those repeated with the same key once."""
        return list(dict.fromkeys((key, report["state"]) for key, report in self.came if report["number"] == number))

    @property
    def repeated(self) -> int:
        """How many reports came again."""
        return len(self.came) - len({key for key, _ in self.came})


class Team:
    """A repository, a CI for it, and the webhooks of its pushes."""

    def __init__(
        self, installation: Installation, clone: Clone, callback: Callback, session: aiohttp.ClientSession, url: str, secret: str
    ) -> None:
        self.installation, self.clone, self.callback, self.url = installation, clone, callback, url
        self.served = Path(clone.git("remote", "get-url", "origin"))
        """The repository that pushes go to and builds fetch from."""
        self.objects = DirectoryObjects(installation.data.objects)
        self._session, self._secret = session, secret

    async def push(self, sha: str) -> int:
        """Tell of a commit until it is acknowledged, as an SCM does: again with the same delivery; the build's number."""
        body = json.dumps({"ref": "refs/heads/main", "after": sha}).encode()
        signature = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Boatyard-Delivery": sha, "X-Boatyard-Signature": f"sha256={signature}"}
        async with asyncio.timeout(60):
            while True:
                try:
                    async with self._session.post(f"{self.url}/hooks/generic", data=body, headers=headers) as answer:
                        if answer.status == 202:
                            return int(json.loads(await answer.text())["number"])
                        assert answer.status >= 500, f"webhook: {answer.status} {await answer.text()}"
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.2)

    async def end(self, number: int, *, seconds: float = 120) -> Object:
        """A build once it is over and archived, whatever becomes of the API server meanwhile."""
        name = f"{NAME}-{number}"
        last: Object = {}
        try:
            async with asyncio.timeout(seconds):
                while not is_true(last, "Archived"):
                    try:
                        last = await outcome(self.installation.client, name, NAMESPACE)
                    except (NotFound, ApiError, OSError):
                        pass
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{name} was not over after {seconds} s: {last or await self._build(name)}") from None
        return last

    async def running(self, number: int, wanted: str = "Running", *, seconds: float = 60) -> Object:
        """A build once it is there and runs, or is in another phase."""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    reached = lambda build: phase(build) == wanted  # noqa: E731
                    return await self.installation.until(Build.resource, f"{NAME}-{number}", NAMESPACE, reached, seconds=seconds)
                except NotFound:
                    await asyncio.sleep(0.1)

    async def lines(self, build: Object, container: str = "build") -> list[str]:
        """What a container of the last attempt wrote, as the object store has it."""
        last = len(build["status"]["attempts"])
        return [
            line.text.decode(errors="replace")
            async for line in archived(self.objects, build)
            if line.attempt == last and line.container == container
        ]

    async def remove(self) -> None:
        """Take the CI away, and wait until it is gone."""
        client = self.installation.client
        await client.delete(CiConfig.resource, NAME, NAMESPACE)
        async with asyncio.timeout(60):
            while True:
                try:
                    await client.get(CiConfig.resource, NAME, NAMESPACE)
                except NotFound:
                    return
                await asyncio.sleep(0.1)

    async def _build(self, name: str) -> object:
        try:
            return await self.installation.client.get(Build.resource, name, NAMESPACE)
        except (ApiError, OSError) as error:
            return error


@asynccontextmanager
async def generic_team(installation: Installation, directory: Path, **builds: Any) -> AsyncIterator[Team]:
    """A team with an empty repository; ``builds`` goes into ``spec.builds`` of its CiConfig."""
    host, callback = GitHost(directory / "served"), Callback()
    address = installation.addresses.internal_host
    bare = directory / "served" / "repository.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare], check=True)
    subprocess.run(["git", "-C", bare, "config", "uploadpack.allowAnySHA1InWant", "true"], check=True)
    clone = Clone(directory / "clone", str(bare))
    try:
        port = await host.start(address)
        scm = {"type": "generic", "callbackUrl": await callback.start(address)}
        document: Object = {
            "apiVersion": CiConfig.resource.api_version, "kind": "CiConfig", "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": {
                "source": {"git": {"url": f"http://{address}:{port}/repository.git"}, "scm": scm},
                "strategy": {"standardBuild": {"type": "shell", "builder": "boatyard.dev/host"}},
                "builds": builds,
            },
        }  # fmt: skip
        await installation.client.create(CiConfig.resource, document, NAMESPACE)
        config = await installation.until(CiConfig.resource, NAME, NAMESPACE, lambda config: phase(config) == "Awake")
        keys = await installation.client.get(SECRETS, f"ci-{NAME}", NAMESPACE)
        callback.secret = secret = base64.b64decode(keys["data"]["webhook"]).decode()
        trust = ssl.create_default_context(cafile=str(installation.data.pki / "ca.crt"))
        timeout = aiohttp.ClientTimeout(total=15)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust, limit=0), timeout=timeout) as session:
            yield Team(installation, clone, callback, session, config["status"]["url"].rstrip("/"), secret)
    finally:
        await callback.stop()
        await host.stop()
