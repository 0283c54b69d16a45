"""The demo's stand-in for an SCM: serves a bare repository over HTTP, by git's own CGI program, and tells of pushes.

It only ever serves a repository that the demo made, to this machine.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

from aiohttp import web

from boatyard.machinery.serving.listening import listening_socket


class GitHost:
    """Repositories below ``root``, readable by everybody who reaches it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._backend = str(
            Path(subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip())
            / "git-http-backend"
        )
        self._runner: web.AppRunner | None = None

    async def start(self, address: str) -> int:
        """Serve on ``address``; gives the port."""
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        listening = listening_socket(address, 0)
        await web.SockSite(self._runner, listening).start()
        return listening.getsockname()[1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.Response:
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "GIT_PROJECT_ROOT": str(self._root), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": "/" + request.match_info["path"], "QUERY_STRING": request.query_string, "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""), "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""), "REMOTE_ADDR": request.remote or "",
        }  # fmt: skip
        body = await request.read()
        environment["CONTENT_LENGTH"] = str(len(body))
        process = await asyncio.create_subprocess_exec(
            self._backend,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _ = await process.communicate(body)
        head, _, content = out.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0])
        return web.Response(status=status, headers=headers, body=content)
