"""The CI server of one team, put together from its parts. I/O comes in by ports, so a simulation can run it as it is."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from boatyard.ci.kinds import BUILD_LABEL, CANCEL_ANNOTATION, CICONFIG_LABEL, Build
from boatyard.ci.scm import scm
from boatyard.ci.scm.events import Trigger
from boatyard.ci.scm.http import Http
from boatyard.ciserver.archive import Archive
from boatyard.ciserver.bell import Bell
from boatyard.ciserver.builder import FIELD_MANAGER, Builder
from boatyard.ciserver.database import FAULTS, Database
from boatyard.ciserver.deliveries import Deliveries, NotReady
from boatyard.ciserver.environment import Environment
from boatyard.ciserver.herald import Herald
from boatyard.ciserver.history import BEYOND, History
from boatyard.ciserver.inbox import Accepted, Inbox, Rerun
from boatyard.ciserver.livelog import Facts, LiveLog
from boatyard.ciserver.metrics import Metrics
from boatyard.ciserver.planner import Planner
from boatyard.ciserver.reporter import Reporter
from boatyard.ciserver.repository import Repository
from boatyard.ciserver.summary import Summary, number_of, summary
from boatyard.ciserver.team import Team
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta import objects
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.objects.store import ObjectStore
from boatyard.machinery.runtime.cache import Cache
from boatyard.machinery.runtime.events import Recorder
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World

_LOG = logging.getLogger(__name__)
_HOUSEKEEPING_SECONDS = 86400.0
ANY = "any"
"""The bell's key for news of any build."""


class CiServer:
    """Serves one CiConfig. ``objects_prefix`` is where its part of the object store begins."""

    def __init__(
        self, environment: Environment, client: Client, world: World, *, database: Database, store: ObjectStore, http: Http,
        objects_prefix: str = "", repository: Callable[[Team], Callable[[], Awaitable[Repository]]],
    ) -> None:  # fmt: skip
        self.environment, self._client, self._world = environment, client, world
        name, namespace = environment.name, environment.namespace
        self.metrics, self.bell = Metrics(), Bell()
        self.archive = Archive(store, objects_prefix)
        self.team = Team(environment, client, world, http)
        mine = f"{CICONFIG_LABEL}={name}"
        self.builds = Cache(client, Build.resource, world, namespace=namespace, label_selector=mine)
        self._pods = Cache(client, PODS, world, namespace=namespace, label_selector=mine)
        self.inbox, self.history = Inbox(database, name), History(database)
        self.reporter = Reporter(database, self.team, world, self.metrics, self._show_reports)
        planner = Planner(self.team, repository(self.team), self.document, world)
        self._builder = Builder(
            client, namespace, self.inbox, planner, self.archive, world, self.metrics, settled=self._settled, waits=self._waits
        )  # fmt: skip
        self._recorder = Recorder(client, world, "ciserver")
        self.waiting: dict[int, str] = {}
        """Why accepted deliveries have no Build yet, by the number that it will have."""
        self._herald = Herald(
            environment, self.team, self.builds, self.archive, self.history, self.reporter, world, again=self._accept
        )  # fmt: skip
        self.deliveries = Deliveries(self, self.inbox, world, self.metrics, self._builder.accepted)
        self.logs = LiveLog(client, namespace, world, self.archive, self.bell, self._facts, self._pod, self._pod_name)
        self._created: dict[int, None] = {}
        """Numbers whose Build was made and hasn't come back by the watch yet."""
        self.builds.on_change(self._seen)
        self.builds.on_change(self.bell.rings_for(lambda build: (number_of(build), ANY)))
        self._pods.on_change(self.bell.rings_for(self._numbers_of_pod))
        self.ready = False

    async def run(self) -> None:
        """Work until cancelled; nothing is accepted before what an earlier run left is known."""
        try:
            async with TaskGroup() as group:
                for cache in (self.team.cache, self.builds, self._pods):
                    group.start(cache.run(), f"cache-{cache.resource.plural}")
                for cache in (self.team.cache, self.builds, self._pods):
                    await cache.synced()
                await self._recover()
                group.start(self._builder.run(), "builder")
                group.start(self._herald.run(), "herald")
                group.start(self.reporter.run(), "reporter")
                group.start(self._keep_house(), "housekeeping")
                self.ready = True
        finally:
            self.ready = False

    async def _keep_house(self) -> None:
        while True:
            await self._world.sleep(_HOUSEKEEPING_SECONDS)
            with suppress(*FAULTS):
                await self.inbox.forget_old(self._world.now())

    async def _recover(self) -> None:
        """Numbers that anything knows of are taken; what was archived meanwhile is indexed and reported."""
        await self.inbox.forget_old(self._world.now())
        living = [number_of(build) for build in self.builds.list()]
        taken = [*living, *await self.archive.numbers()]
        unknown = not await self.inbox.last_number()
        if taken:
            await self.inbox.reserve_up_to(max(taken))
        if unknown and taken:
            _LOG.warning("the database is new and there are builds: it is filled again from the archive and the API")
            self.reporter.memory_lost = True
        await self._herald.catch_up(report=not unknown)

    # What deliveries ask of the team: see deliveries.Desk.

    async def scm(self, *, fresh: bool = False) -> tuple[str, scm.Scm]:
        if not self.ready:
            raise NotReady("the CI server is starting")
        return await self.team.scm(fresh=fresh)

    def starts_nothing(self, event: Trigger) -> str:
        return self.team.starts_nothing(event)

    # What the pages ask and want.

    async def document(self, number: int) -> Object | None:
        """A Build, living or archived; read-only."""
        return self.living(number) or await self.archive.build(number)

    def living(self, number: int) -> Object | None:
        """A Build that is still in the API; read-only."""
        return self.builds.get(f"{self.environment.name}-{number}", self.environment.namespace)

    def expects(self, number: int) -> bool:
        """Whether an accepted delivery is about to become this number."""
        return self._builder.expects(number) or number in self._created

    async def page(self, before: int = BEYOND, limit: int = 30) -> list[Summary]:
        """Builds with numbers below ``before``, newest first."""
        found = {one.number: one for one in await self.history.before(before, limit)}
        found |= {one.number: one for one in map(summary, self.builds.list()) if one.number < before}
        return [found[number] for number in sorted(found, reverse=True)[:limit]]

    async def last_attempt(self, number: int) -> int:
        """The number of the last attempt that a build, living or archived, has begun."""
        build = await self.document(number)
        return summary(build).attempts if build else 1

    async def cancel(self, number: int, by: str) -> None:
        """Ask for a build's end. Raises ApiError."""
        patch = {"metadata": {"annotations": {CANCEL_ANNOTATION: f"{by} (from the page)"}}}
        name = f"{self.environment.name}-{number}"
        await self._client.patch(Build.resource, name, patch, self.environment.namespace, field_manager=FIELD_MANAGER)

    async def retry(self, number: int, by: str, request: str) -> int:
        """Build the same tree again; the new build's number. ``request`` names this wish: the same one is granted once."""
        accepted = await self._accept(f"retry:{number}:{request}", Rerun(number, by))
        return accepted.number or int(accepted.answer.rpartition(":")[2].rstrip("}"))

    async def _accept(self, delivery: str, event: Rerun) -> Accepted:
        accepted = await self.inbox.accept(delivery, event, self._world.now())
        if accepted.fresh:
            self._builder.accepted(accepted.seq, accepted.number)
        return accepted

    async def _waits(self, number: int, why: str) -> None:
        """Show it to who looks at the pages or at the CiConfig: the delivery was acknowledged, and nothing is to be seen of it."""
        if self.waiting.get(number) == why:
            return
        self.waiting[number] = why
        self.bell.ring(ANY)
        with suppress(NotReady):
            await self._recorder.event(self.team.object, "Warning", "DeliveryWaits", f"Build {number} waits: {why}")

    def _settled(self, number: int, created: bool) -> None:
        self.waiting.pop(number, None)
        if created and self.living(number) is None:
            self._created[number] = None
        self.bell.ring(number)

    def _seen(self, old: Object | None, new: Object | None) -> None:
        build = new if new is not None else old
        if build is not None:
            self._created.pop(number_of(build), None)

    async def _show_reports(self, number: int) -> None:
        """Show in the Build's status what the SCM was told. For people only: the database is what counts."""
        build = self.living(number)
        if build is None:
            return
        closed = [one for one in await self.reporter.of(number) if one.state != "open"]
        if all(one.state == "done" and one.report.state == "pending" for one in closed):
            return  # the last word, which follows, shows this one too
        told = [{"context": one.report.context, "state": one.report.state, "note": one.note[:500]} for one in closed]
        name, where = f"{self.environment.name}-{number}", self.environment.namespace
        with suppress(ApiError, OSError, TimeoutError):
            patch = {"status": {"reported": told}}
            await self._client.patch(Build.resource, name, patch, where, subresource="status", field_manager=FIELD_MANAGER)

    def _facts(self, number: int) -> Facts:
        build = self.living(number)
        if build is None:
            expected = self.expects(number)
            return Facts(known=expected, finished=not expected, attempt=1)
        found = summary(build)
        return Facts(known=True, finished=found.final, attempt=found.attempts)

    def _pod_name(self, number: int, attempt: int) -> str:
        name = f"{self.environment.name}-{number}"
        return name if attempt == 1 else f"{name}-r{attempt}"

    def _pod(self, number: int, attempt: int) -> Object | None:
        return self._pods.get(self._pod_name(number, attempt), self.environment.namespace)

    def _numbers_of_pod(self, pod: Object) -> tuple[int, ...]:
        build = objects.labels(pod).get(BUILD_LABEL, "")
        number = build.removeprefix(f"{self.environment.name}-")
        with suppress(ValueError):
            return (int(number),)
        return ()
