"""The audit trail: who asked what, from where, and what came of it. Secrets and tokens are never in it."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.meta.timestamps import rfc3339_micro
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.runtime.world import World
from boatyard.server import path
from boatyard.server.audit import event
from boatyard.server.audit.log import AuditLog
from boatyard.server.audit.policy import Asked, Policy, Verdict
from boatyard.server.auth.pki import NODE_PREFIX
from boatyard.server.authorize import verb_of
from boatyard.server.call import Call

ID: web.RequestKey[str] = web.RequestKey("audit_id", str)
"""What a call is known by, in the log and in the header of its answer."""
HEADER = "Audit-Id"
_READS = ("GET", "HEAD")
_INTRUSIVE = ("/exec", "/attach", "/portforward")
_METADATA = Verdict("Metadata")
_encode = msgspec.json.Encoder().encode


def call_id(request: web.Request, world: World) -> str:
    """The id that the caller gave its call, or a fresh one."""
    given = request.headers.get(HEADER, "")
    return given if given and given.isascii() and given.isprintable() else world.uid()


class Audit:
    """Tells calls to a log, by a policy.

    Without one: what changes something, what reaches into a pod, and who is refused (401, 403); not what node agents tell about
    themselves and their pods, which is much and always the same.
    """

    def __init__(self, log: AuditLog, world: World, policy: Policy | None = None) -> None:
        self._log, self._world, self._policy = log, world, policy

    def started(self, request: web.Request, caller: Caller | None, call: Call | None) -> None:
        """A stream has begun: it may last for days, and what follows may never be told."""
        if self._policy is None and not request.path.endswith(_INTRUSIVE):
            return
        asked, version = _asked(request, caller)
        verdict = self._policy.verdict(asked) if self._policy is not None else _METADATA
        if verdict.level != "None" and "ResponseStarted" not in verdict.omit_stages:
            self._tell("ResponseStarted", request, caller, call, asked, version, verdict, None, {"metadata": {}, "code": 200}, 0.0)

    def end(
        self, request: web.Request, caller: Caller | None, call: Call | None, response: web.StreamResponse, seconds: float,
        error: ApiError | None = None,
    ) -> None:  # fmt: skip
        """A call is over. ``caller`` is None when nobody we know was asking, ``call`` when it came to nothing before it began."""
        status = response.status
        if self._policy is None and not _notable(request, caller, status):
            return
        asked, version = _asked(request, caller)
        verdict = self._policy.verdict(asked) if self._policy is not None else _METADATA
        if verdict.level == "None" or "ResponseComplete" in verdict.omit_stages:
            return
        result: dict[str, Any] = {"metadata": {}, "code": status}
        if error is not None:
            result |= {"status": "Failure", "reason": error.reason}
            if not event.secret(asked):
                # A message may quote what was sent.
                result["message"] = error.message
        self._tell("ResponseComplete", request, caller, call, asked, version, verdict, response, result, seconds)

    def _tell(
        self, stage: str, request: web.Request, caller: Caller | None, call: Call | None, asked: Asked, version: str,
        verdict: Verdict, response: web.StreamResponse | None, result: dict[str, Any], seconds: float,
    ) -> None:  # fmt: skip
        now = self._world.now()
        told: dict[str, Any] = {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": verdict.level, "auditID": request[ID], "stage": stage,
            "requestURI": request.raw_path, "verb": asked.verb, "user": event.user(caller),
        }  # fmt: skip
        if call is not None and call.caller is not caller:
            told["impersonatedUser"] = event.user(call.caller)
        told["sourceIPs"] = [request.remote or ""]
        if agent := request.headers.get("User-Agent"):
            told["userAgent"] = agent
        if not asked.path:
            told["objectRef"] = event.object_reference(asked, version, response)
        told["responseStatus"] = result
        if verdict.level != "Metadata":
            told |= event.objects(request, response, asked, verdict)
        told["requestReceivedTimestamp"] = rfc3339_micro(now - seconds)
        told["stageTimestamp"] = rfc3339_micro(now)
        self._log.write(_line(told))


def _line(told: dict[str, Any]) -> bytes:
    try:
        return _encode(told)
    except UnicodeEncodeError:
        # An address or a header with bytes that are no text.
        return _encode(_text_only(told))


def _text_only(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _text_only(inner) for name, inner in value.items()}
    return [_text_only(inner) for inner in value] if isinstance(value, list) else value


def _notable(request: web.Request, caller: Caller | None, status: int) -> bool:
    if status in (401, 403):
        return True
    if request.method in _READS and not request.path.endswith(_INTRUSIVE):
        return False
    return status >= 400 or caller is None or not caller.name.startswith(NODE_PREFIX)


def _asked(request: web.Request, caller: Caller | None) -> tuple[Asked, str]:
    """What a rule looks at, and the API version."""
    name, groups = (caller.name, caller.groups) if caller is not None else ("", ())
    target = path.parse(request.path)
    if target is None or not target.plural:
        return Asked(name, groups, request.method.lower(), path=request.path), ""
    verb = verb_of(request, target)
    namespace = target.name if (target.group, target.plural) == ("", "namespaces") else target.namespace
    return Asked(name, groups, verb, target.group, target.plural, target.subresource, namespace, target.name), target.version
