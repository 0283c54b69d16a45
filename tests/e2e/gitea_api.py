"""What tests ask of Gitea's API, and a way for pods to reach a Gitea that listens on the loopback address only."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from boatyard.machinery.serving.listening import listening_socket


class Gitea:
    """Gitea's API as its administrator. ``host`` is where pods find it."""

    def __init__(self, session: aiohttp.ClientSession, access: dict[str, Any], host: str) -> None:
        self._session, self.access, self.host = session, access, host

    async def call(self, method: str, path: str, **body: Any) -> Any:
        """A call; the decoded answer."""
        headers = {"Authorization": f"token {self.access['token']}"}
        async with self._session.request(
            method, f"{self.access['url']}/api/v1{path}", json=body or None, headers=headers
        ) as answer:
            text = await answer.text()
            assert answer.status < 300, f"{method} {path}: {answer.status} {text}"
            return await answer.json() if text else None

    async def repository(self, name: str) -> str:
        """Make an empty one; its clone address as pods see it."""
        await self.call("POST", "/user/repos", name=name, private=True, default_branch="main")
        return f"http://{self.host}:{self.access['port']}/ci/{name}.git"

    async def hook(self, name: str, url: str, secret: str) -> None:
        """Have pushes and pull requests told to ``url``."""
        config = {"url": url, "content_type": "json", "secret": secret}
        events = ["push", "pull_request", "pull_request_sync"]
        await self.call("POST", f"/repos/ci/{name}/hooks", type="gitea", config=config, events=events, active=True)

    async def statuses(self, name: str, sha: str) -> list[str]:
        """States of a commit's statuses, the oldest first."""
        found = await self.call("GET", f"/repos/ci/{name}/statuses/{sha}?sort=oldest&limit=50")
        return [status["status"] for status in sorted(found, key=lambda status: status["id"])]

    def push_address(self, name: str) -> str:
        """Where a developer of this test pushes to."""
        return f"http://ci:{self.access['password']}@127.0.0.1:{self.access['port']}/ci/{name}.git"


@asynccontextmanager
async def gitea_client(access: dict[str, Any], host: str) -> AsyncIterator[Gitea]:
    """The API, and a forwarder on ``host`` when pods see this machine by another address than the loopback one."""
    async with aiohttp.ClientSession() as session:
        if host == "127.0.0.1":
            yield Gitea(session, access, host)
            return
        listening = listening_socket(host, access["port"])
        server = await asyncio.start_server(lambda r, w: _carry(r, w, access["port"]), sock=listening)
        try:
            yield Gitea(session, access, host)
        finally:
            server.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    try:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.close()
        return
    with suppress(asyncio.CancelledError):
        await asyncio.gather(_pour(reader, there_writer), _pour(there_reader, writer))


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()


class Clone:
    """A developer's working copy."""

    def __init__(self, directory: Path, address: str) -> None:
        self.directory = directory
        directory.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "origin", address)

    def git(self, *arguments: str) -> str:
        """Run git there."""
        identity = ("-c", "user.name=Dev", "-c", "user.email=dev@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", "-C", self.directory, *identity, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"git {arguments[0]}: {done.stderr}"
        return done.stdout.strip()

    def commit(self, files: dict[str, str], subject: str) -> str:
        """Write files and commit them; the commit's hash."""
        for name, text in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def push(self, branch: str = "main") -> None:
        """Push HEAD to a branch."""
        self.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
