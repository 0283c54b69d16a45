"""Buildbot as a peer: a real master and one worker on loopback, its generic change hook, its web page's event stream."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bench.etcd import free_port

PROGRAMS = Path(os.environ.get("BOATYARD_BENCH_BUILDBOT", ".venv/buildbot/bin"))
"""Where ``buildbot`` and ``buildbot-worker`` are: an environment of their own, so that their dependencies don't meet ours."""

CONFIGURATION = """
from buildbot.plugins import schedulers, steps, util, worker
c = BuildmasterConfig = {{}}
c["workers"] = [worker.Worker("worker", "secret", max_builds={parallel})]
c["protocols"] = {{"pb": {{"port": "tcp:{pb}:interface=127.0.0.1"}}}}
c["builders"] = [util.BuilderConfig(name="builder", workernames=["worker"], factory=util.BuildFactory([
    steps.Git(repourl="{repository}", mode="full", method="clobber", shallow=True),
    steps.ShellCommand(command=["sh", "-c", "{command}"]),
]))]
c["schedulers"] = [schedulers.AnyBranchScheduler(name="all", builderNames=["builder"], treeStableTimer=None)]
c["collapseRequests"] = False
c["www"] = dict(port="tcp:{www}:interface=127.0.0.1", change_hook_dialects={{"base": True}})
c["db"] = {{"db_url": "sqlite:///state.sqlite"}}
c["buildbotNetUsageData"] = None
c["buildbotURL"] = "http://127.0.0.1:{www}/"
"""


class Buildbot:
    """A running master. Times are from the webhook on, as a browser with its page open would see them."""

    def __init__(self, session: aiohttp.ClientSession, url: str, events: aiohttp.ClientWebSocketResponse) -> None:
        self._session, self._url, self._events = session, url, events
        self._sent = 0

    async def push(self) -> None:
        """Send a webhook; every one makes a build."""
        self._sent += 1
        change = {"author": "bench", "comments": f"change {self._sent}", "revision": "", "branch": "", "project": ""}
        async with self._session.post(f"{self._url}/change_hook/base", data=change) as answer:
            answer.raise_for_status()

    async def first_line(self) -> float:
        """Seconds from a webhook to the first log line of its git step; waits for the build's end."""
        begun = time.perf_counter()
        await self.push()
        first = 0.0
        async for topic in self._topics():
            if topic.startswith("logs/") and not first:
                first = time.perf_counter() - begun
            elif topic.startswith("builds/"):
                return first
        raise RuntimeError("the event stream ended")

    async def burst(self, count: int) -> float:
        """Seconds from the first of ``count`` webhooks to the last build's end."""
        begun = time.perf_counter()
        await asyncio.gather(*(self.push() for _ in range(count)))
        finished = 0
        async for topic in self._topics():
            finished += topic.startswith("builds/")
            if finished == count:
                return time.perf_counter() - begun
        raise RuntimeError("the event stream ended")

    async def _topics(self) -> AsyncIterator[str]:
        async for message in self._events:
            topic = json.loads(message.data).get("k")
            if topic:
                yield topic


@asynccontextmanager
async def buildbot(repository: Path, *, parallel: int, command: str) -> AsyncIterator[Buildbot]:
    """A master and a worker with a directory of their own. Raises FileNotFoundError where Buildbot isn't installed."""
    if not (PROGRAMS / "buildbot").exists():
        raise FileNotFoundError(f"Buildbot isn't installed in {PROGRAMS} (PyPI: buildbot buildbot-www buildbot-worker)")
    with TemporaryDirectory(prefix="boatyard-bench-") as directory:
        www, pb = free_port(), free_port()
        _run("buildbot", "create-master", "-q", f"{directory}/master")
        Path(directory, "master", "master.cfg").write_text(
            CONFIGURATION.format(www=www, pb=pb, repository=repository, parallel=parallel, command=command)
        )
        _run("buildbot-worker", "create-worker", "-q", f"{directory}/worker", f"127.0.0.1:{pb}", "worker", "secret")
        _run("buildbot", "start", f"{directory}/master")
        try:
            _run("buildbot-worker", "start", f"{directory}/worker")
            try:
                async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{www}/ws") as events:
                    for number, topic in enumerate(("logs/*/append", "builds/*/finished"), 1):
                        await events.send_json({"cmd": "startConsuming", "path": topic, "_id": number})
                        await events.receive()
                    await asyncio.sleep(2)
                    yield Buildbot(session, f"http://127.0.0.1:{www}", events)
            finally:
                _run("buildbot-worker", "stop", f"{directory}/worker")
        finally:
            _run("buildbot", "stop", f"{directory}/master")


def version() -> str:
    """``Buildbot 4.3.0``."""
    return (
        subprocess.run([PROGRAMS / "buildbot", "--version"], capture_output=True, text=True)
        .stdout.split("\n")[0]
        .replace(" version:", "")
    )


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run([PROGRAMS / program, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{program} {arguments[0]} failed: {done.stdout}{done.stderr}")
