"""The audit trail: who changed what, and who was refused. Bodies are never written."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from boatyard.machinery.runtime.world import World
from boatyard.machinery.telemetry.logs import get_logger
from boatyard.server.call import Call

log = get_logger("audit")

_READS = ("GET", "HEAD")
_BEGUN: web.RequestKey[float] = web.RequestKey("begun", float)


class Audit:
    """Writes one line per call that changed something, reached into a pod, or was refused for who asked."""

    def __init__(self, world: World) -> None:
        self._world = world

    def begin(self, call: Call) -> None:
        call.request[_BEGUN] = self._world.monotonic()

    def end(self, request: web.Request, call: Call | None, status: int) -> None:
        """``call`` is None when the caller could not be told."""
        intrusive = request.path.endswith(("/exec", "/attach", "/portforward"))
        if request.method in _READS and status not in (401, 403) and not intrusive:
            return
        fields: dict[str, Any] = {"method": request.method, "path": request.path, "status": status, "remote": request.remote}
        if call is not None:
            fields["user"] = call.caller.name
            fields["seconds"] = round(self._world.monotonic() - request[_BEGUN], 4)
        log.info("refused" if status in (401, 403) else "call", **fields)
