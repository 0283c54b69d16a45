"""``python -m boatyard.ciserver`` as a pod runs it: over HTTPS to the API, with a repository, killed and stopped."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from boatyard.ci.scm.scm import sign_hmac_sha256
from boatyard.machinery.meta.core import SERVICE_ACCOUNTS
from boatyard.server.auth.pki import Pki
from boatyard.server.server import ApiServer
from parts import free_port
from unit.ciserver.conftest import PIPELINE, SECRET

MOST_MEMORY_KIB = 60 * 1024


class Process:
    """The program, its environment, and what a test asks of it."""

    def __init__(self, environment: dict[str, str], http: aiohttp.ClientSession) -> None:
        self.environment, self.http, self.url = environment, http, f"http://127.0.0.1:{environment['BOATYARD_PORT']}"
        self.process: asyncio.subprocess.Process

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(sys.executable, "-m", "boatyard.ciserver", env=self.environment)
        async with asyncio.timeout(60):
            while not await self._healthy():
                assert self.process.returncode is None, "it ended"
                await asyncio.sleep(0.02)

    async def _healthy(self) -> bool:
        try:
            async with self.http.get(f"{self.url}/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def push(self, sha: str) -> Any:
        body = json.dumps({"ref": "refs/heads/main", "after": sha}).encode()
        headers = {"X-Boatyard-Delivery": sha, "X-Boatyard-Signature": "sha256=" + sign_hmac_sha256(SECRET, body)}
        async with self.http.post(f"{self.url}/hooks/generic", data=body, headers=headers) as answer:
            return answer.status, await answer.json()

    def memory_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))

    async def end(self, number: int) -> int:
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 60)


@pytest.fixture
async def program(world, origin, tmp_path: Path) -> AsyncIterator[Process]:
    from boatyard.ci.kinds import CiConfig

    scm = {"type": "generic", "webhookSecret": {"secretRef": {"name": "hook"}}}
    await world.client.patch(
        CiConfig.resource, "shop", {"spec": {"source": {"git": {"url": str(origin.directory)}, "scm": scm}}}, "team"
    )
    pki = Pki(tmp_path / "pki", world.clock)
    server = ApiServer(world.client.registry, pki=pki, world=world.clock)
    await server.start()
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ci-shop", "namespace": "team"}}
    await world.client.create(SERVICE_ACCOUNTS, account, "team")
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    token = await world.client.create(SERVICE_ACCOUNTS, request, "team", name="ci-shop", subresource="token")
    mounted = tmp_path / "account"
    mounted.mkdir()
    (mounted / "token").write_text(token["status"]["token"])
    (mounted / "ca.crt").write_text(pki.ca_pem())
    environment = {
        "PATH": os.environ["PATH"], "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(server.port),
        "BOATYARD_SERVICE_ACCOUNT_DIRECTORY": str(mounted), "BOATYARD_CICONFIG": "shop", "BOATYARD_NAMESPACE": "team",
        "BOATYARD_PORT": str(free_port()), "BOATYARD_HOST": "127.0.0.1", "BOATYARD_BASE_PATH": "/ci/team/shop",
        "BOATYARD_URL": "https://ci.example/ci/team/shop", "BOATYARD_DATA": str(tmp_path / "data"),
        "BOATYARD_OBJECTS": (tmp_path / "objects").as_uri(), "BOATYARD_GATEWAY_TOKEN": "t0ken",
    }  # fmt: skip
    async with aiohttp.ClientSession(headers={"X-Boatyard-Gateway-Token": "t0ken"}) as http:
        made = Process(environment, http)
        await made.start()
        yield made
        if made.process.returncode is None:
            await made.end(signal.SIGKILL)
    await server.stop()


async def test_pushes_before_and_after_a_kill_and_a_clean_end(world, origin, program: Process):
    first = origin.commit({"boatyard.yaml": PIPELINE}, "First")
    assert (await program.push(first))[0] == 202
    assert (await world.build("shop-1"))["spec"]["source"]["subject"] == "First"
    second = origin.commit({"a": "1"}, "Second")
    assert (await program.push(second))[0] == 202
    await program.end(signal.SIGKILL)
    await program.start()
    assert (await world.build("shop-2"))["spec"]["source"]["revision"] == second
    assert (await program.push(second))[0] == 200
    async with program.http.get(f"{program.url}/ci/team/shop") as answer:
        assert answer.status == 200 and "Second" in await answer.text()
    assert program.memory_kib() < MOST_MEMORY_KIB
    assert await program.end(signal.SIGTERM) == 0
    assert sorted(await world.builds()) == ["shop-1", "shop-2"]


async def test_an_environment_that_lacks_things_names_them_all():
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "boatyard.ciserver",
        env={"PATH": os.environ["PATH"], "BOATYARD_PORT": "x"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate()
    assert process.returncode == 1
    for name in (b"BOATYARD_CICONFIG", b"BOATYARD_NAMESPACE", b"BOATYARD_DATA", b"BOATYARD_PORT: must be a port"):
        assert name in told
