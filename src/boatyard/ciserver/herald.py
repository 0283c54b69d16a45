"""Follows the team's Builds: the index gets what is final, the SCM gets a word at the beginning and one at the end.

Level-triggered: what is to be told is derived from the Build as it is; that it is told once is the reporter's business.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable

from boatyard.ci.kinds import RETRY_ANNOTATION
from boatyard.ci.scm.scm import Report
from boatyard.ciserver.archive import Archive
from boatyard.ciserver.database import FAULTS
from boatyard.ciserver.deliveries import NotReady
from boatyard.ciserver.environment import Environment
from boatyard.ciserver.history import History
from boatyard.ciserver.inbox import Rerun
from boatyard.ciserver.reporter import Reporter
from boatyard.ciserver.summary import STATES, Summary, description, number_of, summary
from boatyard.ciserver.team import Team
from boatyard.machinery.meta import objects
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.runtime.cache import Cache
from boatyard.machinery.runtime.queue import WorkQueue
from boatyard.machinery.runtime.world import World

_LOG = logging.getLogger(__name__)


class Herald:
    """Works a queue of build numbers that a cache feeds."""

    def __init__(
        self, environment: Environment, team: Team, builds: Cache, archive: Archive, history: History, reporter: Reporter,
        world: World, again: Callable[[str, Rerun], Awaitable[object]],
    ) -> None:  # fmt: skip
        self._environment, self._team, self._builds, self._archive = environment, team, builds, archive
        self._history, self._reporter, self._again = history, reporter, again
        self._queue: WorkQueue[int] = WorkQueue(world, base_seconds=0.2, max_seconds=30)
        self._told: dict[int, tuple[str, str]] = {}
        """Phase and retry request that a number had when it was last worked on: most changes of a Build are none for us."""
        builds.on_change(self._changed)

    async def run(self) -> None:
        """Work for ever."""
        while True:
            number = await self._queue.get()
            try:
                await self._tell(number)
                self._queue.forget(number)
            except (NotReady, *FAULTS) as error:
                _LOG.warning("build %d: %s", number, error)
                self._queue.add_rate_limited(number)
            finally:
                self._queue.done(number)

    async def catch_up(self, *, report: bool) -> None:
        """Index what was archived while nobody looked; with ``report`` the SCM is told of it too."""
        known = await self._history.numbers()
        for number in await self._archive.numbers():
            if number not in known and self._living(number) is None:
                await self._remember(number, report=report)

    async def _remember(self, number: int, *, report: bool) -> None:
        """Index an archived build."""
        document = await self._archive.build(number)
        if document is None:
            return
        found = summary(document)
        if report:
            await self._report(found)
        await self._history.put(found)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        build = new if new is not None else old
        if build is None or not (number := number_of(build)):
            return
        if new is None:
            self._told.pop(number, None)
            self._reporter.forget(objects.uid(build))
            self._queue.add(number)
            return
        mark = (new.get("status") or {}).get("phase") or "Pending", objects.annotations(new).get(RETRY_ANNOTATION, "")
        if self._told.get(number) != mark:
            self._told[number] = mark
            self._queue.add(number)

    async def _tell(self, number: int) -> None:
        build = self._living(number)
        if build is None:
            # It has left the API. Its end may never have been seen: while the API was out of reach, or before it could be told.
            if await self._history.get(number) is None:
                await self._remember(number, report=True)
            return
        found = summary(build)
        await self._report(found)
        if found.final:
            await self._history.put(found)
            await self._repeat(build, objects.annotations(build).get(RETRY_ANNOTATION, ""))

    async def _repeat(self, build: Object, request: str) -> None:
        """Somebody asked by annotation to build it once more: once per value."""
        if request:
            event = Rerun(number_of(build), request.partition("/")[0])
            digest = hashlib.sha256(request.encode()).hexdigest()[:32]
            await self._again(f"retry:{objects.uid(build)}:{digest}", event)

    async def _report(self, found: Summary) -> None:
        if not (await self._team.scm())[1].listens or not found.uid or not found.revision:
            return
        if found.final:
            await self._reporter.intend(self._word(found), build=found.uid, final=True)
        elif not found.refused:
            await self._reporter.intend(self._word(found), build=found.uid, final=False)

    def _word(self, found: Summary) -> Report:
        return Report(
            sha=found.revision, context=self._team.report_context, state=STATES.get(found.phase, "pending"),
            description=description(found), target_url=self._environment.build_url(found.number),
            key=f"{found.uid}-{'final' if found.final else 'pending'}", build=found.name, number=found.number, ref=found.ref,
            pull_request=found.pull_request,
        )  # fmt: skip

    def _living(self, number: int) -> Object | None:
        return self._builds.get(f"{self._environment.name}-{number}", self._environment.namespace)
