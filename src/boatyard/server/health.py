"""Version and health: what may be asked without a name."""

from __future__ import annotations

import platform
from collections.abc import Collection, Mapping

from aiohttp import web

from boatyard.server.answers import answer
from boatyard.server.call import Call

PROTOCOL = (1, 34)
"""The version of Kubernetes whose protocol we follow; kubectl warns when it is far from its own."""


_HEADERS = {"Cache-Control": "no-cache, private", "X-Content-Type-Options": "nosniff"}


class Health:
    """``/version``, ``/healthz``, ``/livez``, ``/readyz``: ``?verbose`` tells every check, ``?exclude=ping`` leaves one out, and
    each has an address of its own (``/readyz/ping``)."""

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
        kind, *one = path[1:].split("/")
        if kind not in ("healthz", "livez", "readyz") or len(one) > 1:
            return None
        checks = {"ping": True} if kind != "readyz" else {"ping": True, "shutdown": not self.stopping}
        if one:
            return None if one[0] not in checks else _said(f"{kind} check", {one[0]: checks[one[0]]}, (), False)
        return _said(f"{kind} check", checks, call.request.query.getall("exclude", ()), "verbose" in call.query)

    def _told(self) -> dict[str, str]:
        major, minor = PROTOCOL
        return {
            "major": str(major), "minor": str(minor), "gitVersion": f"v{major}.{minor}.0+boatyard.{self._version}", "gitCommit": "",
            "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "",
            "compiler": platform.python_implementation(), "platform": f"{platform.system().lower()}/{platform.machine()}",
        }  # fmt: skip


def _said(what: str, checks: Mapping[str, bool], excluded: Collection[str], verbose: bool) -> web.Response:
    """In the words of apiserver's ``healthz`` package; 503 where it says 500, since it is nobody's fault."""
    lines = [
        f"[+]{name} excluded: ok" if name in excluded else f"[+]{name} ok" if good else f"[-]{name} failed"
        for name, good in checks.items()
    ]
    good = all(good or name in excluded for name, good in checks.items())
    told = "\n".join((*lines, f"{what} {'passed' if good else 'failed'}", ""))
    return web.Response(text=told if verbose or not good else "ok", status=200 if good else 503, headers=_HEADERS)
