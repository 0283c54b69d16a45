"""``kill -9`` of the API server under load: what was acknowledged is there, watches go on without a gap or a double."""

from __future__ import annotations

import asyncio
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import Gone
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.check import check
from boatyard.server.auth.pki import Pki
from durability.team import NAMESPACE, Watcher, Writer
from parts import free_port

WRITERS = 8


class Server:
    """A process that is killed and started again, and clients of it."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port = directory, free_port()
        self.kept = 3000
        """Revisions of history: more than a watch can miss while the server is started again."""
        self._pki = Pki(directory / "pki", RealWorld())
        self._pid = 0
        self._ready, writing = os.pipe()
        command = [sys.executable, str(Path(__file__).with_name("server.py")), str(directory), str(self.port), str(writing)]
        with open(directory / "log", "ab") as log:
            self._starter = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, pass_fds=(writing,), text=True
            )
        os.close(writing)

    def client(self) -> HttpClient:
        cert, key = self._pki.admin()
        return HttpClient(f"https://127.0.0.1:{self.port}", ca_file=str(self._pki.ca), cert_file=str(cert), key_file=str(key))

    async def start(self) -> None:
        """Returns when it listens."""
        assert self._starter.stdin and self._starter.stdout
        print(self.kept, file=self._starter.stdin, flush=True)
        self._pid = int(await asyncio.to_thread(self._starter.stdout.readline))
        patience = time.monotonic() + 60
        while not select.select([self._ready], [], [], 0)[0]:
            assert time.monotonic() < patience and self._runs(), (self.directory / "log").read_text()[-3000:]
            await asyncio.sleep(0.01)
        assert os.read(self._ready, 5) == b"ready"

    async def kill(self) -> None:
        """As a crash would."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        while self._runs():
            await asyncio.sleep(0.005)

    def _runs(self) -> bool:
        return Path(f"/proc/{self._pid}").exists()

    async def end(self) -> None:
        await self.kill()
        self._starter.kill()
        self._starter.communicate()
        os.close(self._ready)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    running = Server(tmp_path)
    await running.start()
    yield running
    await running.end()


ROUNDS = [pytest.param(1, id="10 rounds"), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 11))]


@pytest.mark.parametrize("seed", ROUNDS)
async def test_kill_9_under_load_loses_nothing_and_watches_have_no_gap(server: Server, seed: int):
    rng = random.Random(seed)
    client = server.client()
    writers = [Writer(f"w{number}", client, random.Random(100 * seed + number)) for number in range(WRITERS)]
    watcher = Watcher(server.client(), (await client.list(CONFIG_MAPS, NAMESPACE)).resource_version)
    watching = asyncio.create_task(watcher.run())
    for _ in range(10):
        working = [asyncio.create_task(writer.work()) for writer in writers]
        enough = sum(len(writer.acknowledged) for writer in writers) + rng.randint(1, 120)
        while sum(len(writer.acknowledged) for writer in writers) < enough:
            await asyncio.sleep(0.001)
        await server.kill()
        await asyncio.wait_for(asyncio.gather(*working), 60)
        await server.start()
        for writer in writers:
            await writer.check()
    await everything_was_seen(watcher, writers)
    assert not watching.done()
    watching.cancel()
    report = check(server.directory / "store.db")
    assert report.findings == []
    acknowledged, unsure = sum(len(writer.acknowledged) for writer in writers), sum(len(writer.unsure) for writer in writers)
    print(f"seed {seed}: 10 rounds, {acknowledged} acknowledged, {unsure} done and not told")
    for one in (client, watcher.client):
        await one.close()


async def everything_was_seen(watcher: Watcher, writers: list[Writer]) -> None:
    """Each acknowledged change once, in order, and nothing that nobody asked for."""
    expected = sum(len(writer.acknowledged) + len(writer.unsure) for writer in writers)
    patience = time.monotonic() + 60
    while len(watcher.seen) < expected and time.monotonic() < patience:
        await asyncio.sleep(0.05)
    revisions = [revision for *_, revision in watcher.seen]
    assert revisions == sorted(set(revisions))
    for writer in writers:
        seen = [(type, number) for name, type, number, _ in watcher.seen if name == writer.name]
        told = {(type, number) for type, number, _ in writer.acknowledged}
        assert [event for event in seen if event in told] == [(type, number) for type, number, _ in writer.acknowledged]
        assert sorted(event for event in seen if event not in told) == sorted(writer.unsure)
        at = {(name, type, number): revision for name, type, number, revision in watcher.seen}
        assert all(at[(writer.name, type, number)] == revision for type, number, revision in writer.acknowledged if revision)


async def too_old(client: HttpClient, revision: str) -> bool:
    """Whether the server has forgotten what came after a revision."""
    async with aclosing(client.watch(CONFIG_MAPS, NAMESPACE, resource_version=revision)) as events:
        try:
            await asyncio.wait_for(anext(events), 60)
        except Gone:
            return True
    return False


async def test_what_is_compacted_away_is_told_after_a_restart_as_before(server: Server):
    await server.kill()
    server.kept = 5
    await server.start()
    client = server.client()
    revisions = [(await client.create(CONFIG_MAPS, {"metadata": {"name": "one"}}, NAMESPACE))["metadata"]["resourceVersion"]]
    for number in range(20):
        patch = {"data": {"number": str(number)}}
        revisions.append((await client.patch(CONFIG_MAPS, "one", patch, NAMESPACE, type="merge"))["metadata"]["resourceVersion"])
    async with asyncio.timeout(60):
        while not await too_old(client, revisions[0]):
            await asyncio.sleep(0.05)
    await server.kill()
    await server.start()
    async with aclosing(client.watch(CONFIG_MAPS, NAMESPACE, resource_version=revisions[-3])) as events:
        seen = [(await asyncio.wait_for(anext(events), 60)).object["metadata"]["resourceVersion"] for _ in range(2)]
    assert seen == revisions[-2:]
    with pytest.raises(Gone, match=f"too old resource version: {revisions[0]}"):
        await asyncio.wait_for(anext(client.watch(CONFIG_MAPS, NAMESPACE, resource_version=revisions[0])), 60)
    await client.close()
