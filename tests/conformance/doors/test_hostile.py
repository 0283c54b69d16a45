"""Hostile bodies, headers, paths and frames: no fault of ours, no leak, no growth, and the doors still open."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from boatyard.machinery.runtime.world import RealWorld
from boatyard.server.auth.pki import Pki

from . import hostile
from .house import CANARY, ENCODED

ROOT = Path(__file__).parents[3]
ANSWER_SECONDS = 0.7
AT_ONCE = 8
GROWTH_BYTES = 24 << 20
"""What a process may have grown by after it warmed up; one leaked body of the deep ones would be more after a few hundred."""


class Target:
    """A process with every door open, and its log."""

    def __init__(self, process: subprocess.Popen[str], urls: dict[str, str], path: Path) -> None:
        self.process, self.urls, self.path = process, urls, path
        pki = Pki(path / "house" / "pki", RealWorld())
        self.ca, self.pairs = str(pki.ca), {"api": pki.admin(), "kubelet": pki.kubelet_client()}

    def log(self) -> str:
        return (self.path / "log").read_text(errors="replace")

    def audit(self) -> Iterator[str]:
        for file in (self.path / "house").glob("audit*.log"):
            yield file.read_text(errors="replace")

    def resident_bytes(self) -> int:
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def secrets(self) -> dict[str, str]:
        keys = {file.name: file.read_text().splitlines()[1] for file in sorted((self.path / "house" / "pki").glob("*.key"))}
        return {"canary": CANARY, "canary in base64": ENCODED, **keys}

    async def send(self, door: str, data: bytes, seconds: float = ANSWER_SECONDS) -> bytes:
        """Everything that comes back within a moment; nothing when it hangs up or waits for more."""
        _, _, host, port = re.fullmatch(r"(https?)(://)(.*):(\d+)", self.urls[door]).groups()  # type: ignore[union-attr]
        tls = None
        if self.urls[door].startswith("https"):
            tls = ssl.create_default_context(cafile=self.ca)
            tls.check_hostname = False
            if door in self.pairs:
                tls.load_cert_chain(*self.pairs[door])
        reader, writer = await asyncio.open_connection(host, int(port), ssl=tls)
        answer = b""
        try:
            writer.write(data)
            async with asyncio.timeout(seconds):
                await writer.drain()
                answer = await reader.read(1 << 16)
        except (OSError, TimeoutError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort()
        return answer

    async def assault(self, door: str, assaults: list[bytes]) -> dict[int, int]:
        """Send them, some at once; how often each status came."""
        codes: dict[int, int] = {}
        waiting = iter(assaults)
        secrets = [value.encode() for value in self.secrets().values()]

        async def work() -> None:
            for data in waiting:
                answer = await self.send(door, data)
                status = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
                code = int(status[1]) if status else 0
                codes[code] = codes.get(code, 0) + 1
                assert code not in (500, 501), (door, data[:600], answer[:600])
                assert b"Traceback" not in answer, (door, data[:600])
                if b"/secrets" not in data and b"/pods" not in data:  # the administrator may read them
                    assert not any(secret in answer for secret in secrets), (door, data[:600], answer[:600])

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return codes


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    command = [sys.executable, "-m", "tests.conformance.doors.serve", str(tmp_path / "house")]
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None and process.stdin is not None
    line = await asyncio.get_running_loop().run_in_executor(None, process.stdout.readline)
    try:
        yield Target(process, json.loads(line), tmp_path)
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
async def test_nothing_breaks_leaks_or_grows(target: Target, rounds: int) -> None:
    seeds = itertools.count(rounds * 1000)
    doors: dict[str, int] = {"api": 80, "gateway": 20, "kubelet": 12, "ciserver": 20}

    async def round_() -> dict[str, Any]:
        return {
            door: await target.assault(door, [*hostile.LINES, *itertools.islice(hostile.requests(next(seeds)), number)])
            for door, number in doors.items()
        }

    told = await round_()
    warm = target.resident_bytes()
    for _ in range(rounds):
        told = await round_()
    grown = target.resident_bytes() - warm
    assert told["api"].get(200) and told["api"].get(400) and told["api"].get(404), told
    for door in doors:
        path = "/version" if door == "api" else "/healthz"
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        assert b"200" in (await target.send(door, request, 60))[:20], door
    log = target.log()
    assert "Traceback" not in log, log[log.index("Traceback") - 2000 :][:6000]
    assert "failed inside" not in log
    told = list(target.audit())
    for name, secret in target.secrets().items():
        assert secret not in log, name
        for audit in told:
            assert secret not in audit, (name, "in the audit log", audit[: audit.index(secret)][-3000:])
    assert any(told), "nothing is in the audit log"
    assert grown < GROWTH_BYTES, f"{grown >> 20} MiB more"
