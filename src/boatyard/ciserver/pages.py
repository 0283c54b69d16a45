"""The pages: the list of builds and one build, with the parts of them that follow what happens."""

from __future__ import annotations

import asyncio
import importlib.resources
import mimetypes
from typing import TYPE_CHECKING, Any

from aiohttp import web

from boatyard.ci.pipeline import RESERVED_CONTAINERS
from boatyard.ciserver import security
from boatyard.ciserver.history import BEYOND
from boatyard.ciserver.logview import Sender, stream_logs
from boatyard.ciserver.render import moment, render
from boatyard.ciserver.security import Doorkeeper
from boatyard.ciserver.server import ANY, CiServer
from boatyard.ciserver.summary import Summary, summary
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.runtime.world import World

if TYPE_CHECKING:
    from boatyard.ciserver.web import Asked

PAGE = 30
_SETTLE_SECONDS = 0.15
_ADVICE = {
    "OOMKilled": "A container went over its memory limit. Raise resources.limits.memory in the podTemplate, or use less.",
    "Timeout": "It took longer than it may. Raise timeout in boatyard.yaml (up to the CiConfig's), or find what hangs in the log.",
    "StepFailed": "The log below ends where the step failed.",
    "InvalidPipeline": "Correct boatyard.yaml where the line says, and push again.",
    "NoPipeline": "Add a boatyard.yaml to the repository, or a strategy.standardBuild to the CiConfig.",
    "MergeConflict": "Merge the target branch into the pull request, and push again.",
    "ForkNotTrusted": "Push the branch to this repository to have it built.",
    "RepositoryUnavailable": "Check the repository's address and credential in the CiConfig; then build again.",
}
_TRIGGERS = {"push": "a push", "pullRequest": "a pull request", "retry": "a retry", "manual": "hand", "schedule": "schedule"}


class Pages:
    """Handlers of the HTTP shell that answer with HTML or with events for it."""

    def __init__(self, server: CiServer, world: World, doorkeeper: Doorkeeper) -> None:
        self._server, self._world, self._doorkeeper = server, world, doorkeeper

    async def builds(self, asked: Asked) -> web.StreamResponse:
        """``GET /?before=N``."""
        before = asked.request.query.get("before", "")
        limit = int(before) if before.isascii() and before.isdigit() and len(before) < 13 else BEYOND
        found = await self._server.page(limit, PAGE + 1)
        skipped = [(d, why, moment(when)) for d, why, when in await self._server.inbox.last_skipped(10)] if limit == BEYOND else []
        return self._page(
            asked, "builds.html", builds=found[:PAGE], more=len(found) > PAGE, newest=limit == BEYOND, skipped=skipped,
            waiting=sorted(self._server.waiting.items()) if limit == BEYOND else [],
        )  # fmt: skip

    async def build(self, asked: Asked) -> web.StreamResponse:
        """``GET /builds/N``."""
        document = await self._server.document(asked.number)
        if document is None and not self._server.expects(asked.number):
            return self._page(asked, "absent.html", status=404, number=asked.number)
        values = await self._facts(asked, document)
        return self._page(asked, "build.html", quiet=RESERVED_CONTAINERS[1:], **values)

    async def builds_events(self, asked: Asked) -> web.StreamResponse:
        """``GET /events``: the list again whenever it changes."""
        sender = await Sender.open(asked.request)
        last = ""
        while True:
            news = self._server.bell.waiter(ANY)
            waiting = sorted(self._server.waiting.items())
            html = render("list.html", builds=await self._server.page(limit=PAGE), waiting=waiting, prefix=asked.prefix)
            if html != last:
                await sender.send("part", {"id": "list", "html": html})
                last = html
            await sender.wait(news)
            await self._world.sleep(_SETTLE_SECONDS)

    async def build_events(self, asked: Asked) -> web.StreamResponse:
        """``GET /builds/N/events``: facts and logs as they come, until the build is over."""
        sender = await Sender.open(asked.request)
        logs = asyncio.ensure_future(stream_logs(sender, self._server, asked.number, self._containers))
        last = ""
        try:
            while True:
                news = self._server.bell.waiter(asked.number)
                document = await self._server.document(asked.number)
                values = await self._facts(asked, document)
                html = render("facts.html", **values)
                if html != last:
                    await sender.send("part", {"id": "facts", "html": html})
                    last = html
                if (document is None and not self._server.expects(asked.number)) or values["b"].final:
                    break
                await sender.wait(news)
                await self._world.sleep(_SETTLE_SECONDS)
            await logs
            await sender.send("end", {})
        finally:
            logs.cancel()
            await asyncio.wait((logs,))
        await sender.response.write_eof()
        return sender.response

    async def static(self, asked: Asked) -> web.StreamResponse:
        """``GET /static/NAME``."""
        file = importlib.resources.files("boatyard.ciserver") / "static" / asked.values["name"]
        if not file.is_file():
            return web.Response(status=404, text="There is nothing here.\n")
        kind = mimetypes.guess_type(asked.values["name"])[0] or "application/octet-stream"
        headers = {"Content-Type": kind, "Cache-Control": "max-age=300", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=file.read_bytes(), headers=headers)

    async def artifact(self, asked: Asked) -> web.StreamResponse:
        """``GET /builds/N/artifacts/ATTEMPT/PATH``: bytes to save, whatever they say they are."""
        path = asked.values["path"]
        pieces = self._server.archive.artifact(asked.number, int(asked.values["attempt"]), path)
        try:
            first = await anext(pieces)
        except (KeyError, StopAsyncIteration):
            return web.Response(status=404, text="There is no such artifact.\n")
        name = "".join(c if c.isalnum() or c in "._-" else "_" for c in path.rpartition("/")[2]) or "artifact"
        headers = {**security.FILE_HEADERS, "Content-Type": "application/octet-stream",
                   "Content-Disposition": f'attachment; filename="{name}"'}  # fmt: skip
        response = web.StreamResponse(headers=headers)
        await response.prepare(asked.request)
        await response.write(first)
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
        return response

    async def _facts(self, asked: Asked, document: Object | None) -> dict[str, Any]:
        """What ``facts.html`` shows."""
        name = f"{self._server.environment.name}-{asked.number}"
        found = summary(document) if document else Summary(asked.number, name)
        status: Object = (document or {}).get("status") or {}
        spec: Object = (document or {}).get("spec") or {}
        source = spec.get("source") or {}
        why = spec.get("trigger") or {}
        steps = status.get("steps") or [{"name": s.get("name"), "container": s.get("container")} for s in spec.get("steps") or ()]
        return {
            "prefix": asked.prefix, "b": found, "living": self._server.living(asked.number) is not None,
            "advice": _ADVICE.get(found.reason, ""), "token": self._doorkeeper.form_token(asked.user), "request": found.uid[:36],
            "target": (source.get("pullRequest") or {}).get("target") or "",
            "trigger": _TRIGGERS.get(str(why.get("type")), "hand") + (f" of {why['by']}" if why.get("by") else ""),
            "reports": await self._server.reporter.of(asked.number), "tests": _tests(status),
            "problems": status.get("problems") or [],
            "steps": [_step(one) for one in steps], "artifacts": status.get("artifacts") or [],
            "attempts": [_attempt(one) for one in status.get("attempts") or ()],
            "containers": [] if found.refused else await self._containers(asked.number),
        }  # fmt: skip

    async def _containers(self, number: int) -> list[str]:
        """The containers whose logs a build's page shows, in the order in which they run."""
        document = await self._server.document(number)
        spec = (document or {}).get("spec") or {}
        if document is not None and spec.get("refusal"):
            return []
        template = (spec.get("podTemplate") or {}).get("spec") or {}
        named = [c.get("name") for group in ("initContainers", "containers") for c in template.get(group) or ()]
        first, last = RESERVED_CONTAINERS
        return list(dict.fromkeys([first, *(name for name in named if isinstance(name, str)), last]))

    def _page(self, asked: Asked, template: str, *, status: int = 200, **values: Any) -> web.Response:
        environment = self._server.environment
        values = {"prefix": asked.prefix, "name": environment.name, "namespace": environment.namespace, **values}
        text = render(template, **values)
        return web.Response(status=status, text=text, content_type="text/html", headers=security.HEADERS)


def _tests(status: Object) -> dict[str, Any] | None:
    tests = status.get("tests")
    if not isinstance(tests, dict):
        return None
    counts = tests.get("counts") or {}
    told = {key: counts.get(key) or 0 for key in ("total", "failed", "skipped")}
    failures = [{"name": one.get("name") or "", "message": one.get("message") or ""} for one in tests.get("failures") or ()]
    return {"counts": told, "failures": failures, "problems": tests.get("problems") or []}


def _step(step: Object) -> Object:
    return {"outcome": "", "exitCode": None, "durationMillis": None, "name": "", "container": "", **step}


def _attempt(attempt: Object) -> Object:
    return {"node": "", "outcome": "", "reason": "", "message": "", "pod": "", "number": 0, **attempt}
