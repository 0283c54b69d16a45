"""The audit trail: who changed what, and who was refused. Bodies are never written."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.telemetry.logs import get_logger
from boatyard.server.auth.pki import NODE_PREFIX
from boatyard.server.call import Call

log = get_logger("audit")

_READS = ("GET", "HEAD")


class Audit:
    """Writes one line per call that changed something, reached into a pod, or was refused for who asked."""

    def end(self, request: web.Request, caller: Caller | None, call: Call | None, status: int, seconds: float) -> None:
        """``caller`` is None when nobody we know was asking; ``call`` when it came to nothing before it began."""
        intrusive = request.path.endswith(("/exec", "/attach", "/portforward"))
        if request.method in _READS and status not in (401, 403) and not intrusive:
            return
        fields: dict[str, Any] = {"method": request.method, "path": request.path, "status": status, "remote": request.remote}
        fields["seconds"] = round(seconds, 4)
        if caller is not None:
            fields["user"] = caller.name
        if call is not None and call.caller is not caller:
            fields["as"] = call.caller.name
        if status in (401, 403):
            log.warning("refused", **fields)
        elif caller is not None and caller.name.startswith(NODE_PREFIX) and status < 400:
            # Heartbeats and pod statuses: many, and the same each time.
            log.debug("call", **fields)
        else:
            log.info("call", **fields)
