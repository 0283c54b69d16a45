"""Version and health: what may be asked without a name."""

from __future__ import annotations

import platform

from aiohttp import web

from boatyard.server.answers import answer
from boatyard.server.call import Call

PROTOCOL = (1, 34)
"""The version of Kubernetes whose protocol we follow; kubectl warns when it is far from its own."""


class Health:
    """``/version``, ``/healthz``, ``/livez``, ``/readyz``."""

    def __init__(self, version: str) -> None:
        self._version = version
        self.stopping = False

    def answer(self, call: Call) -> web.Response | None:
        """The answer, or None when the address is another."""
        if call.request.method not in ("GET", "HEAD"):
            return None
        path = call.request.path.rstrip("/")
        if path == "/version":
            return answer(self._told())
        if path in ("/healthz", "/livez"):
            return web.Response(text="ok")
        if path == "/readyz":
            return web.Response(text="stopping", status=503) if self.stopping else web.Response(text="ok")
        return None

    def _told(self) -> dict[str, str]:
        major, minor = PROTOCOL
        return {
            "major": str(major), "minor": str(minor), "gitVersion": f"v{major}.{minor}.0+boatyard.{self._version}", "gitCommit": "",
            "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "",
            "compiler": platform.python_implementation(), "platform": f"{platform.system().lower()}/{platform.machine()}",
        }  # fmt: skip
