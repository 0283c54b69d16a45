"""From an accepted delivery to its Build: exactly one, whatever crashes in between.

The number is the intent's; creating is idempotent by name and delivery. A delivery that can't be built becomes a Build that is an
Error from its beginning, with the reason; one that the repository's own filters don't want gives its number back.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from boatyard.ci.kinds import Build
from boatyard.ciserver.archive import Archive
from boatyard.ciserver.database import FAULTS
from boatyard.ciserver.inbox import Inbox, Intent
from boatyard.ciserver.metrics import Metrics
from boatyard.ciserver.planner import Planner, Skip, Wait
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, BadRequest, Invalid, NotFound, RequestEntityTooLarge
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.runtime.queue import WorkQueue
from boatyard.machinery.runtime.world import World

_LOG = logging.getLogger(__name__)
FIELD_MANAGER = "ciserver"
_REFUSED = (Invalid, BadRequest, RequestEntityTooLarge)


class Builder:
    """Settles intents, those of an earlier run first."""

    def __init__(
        self, client: Client, namespace: str, inbox: Inbox, planner: Planner, archive: Archive, world: World, metrics: Metrics,
        settled: Callable[[int, bool], None], waits: Callable[[int, str], Awaitable[None]],
    ) -> None:  # fmt: skip
        """``settled`` hears of a number that has its Build, or gets none; ``waits`` of one that can't be planned yet, and why."""
        self._client, self._namespace, self._inbox, self._planner = client, namespace, inbox, planner
        self._archive, self._world, self._metrics, self._settled, self._waits = archive, world, metrics, settled, waits
        self._queue: WorkQueue[int] = WorkQueue(world, base_seconds=0.1, max_seconds=15)
        self._open: dict[int, int] = {}
        """Number by seq of what is accepted and not settled, as far as this run knows."""
        self._inherited: dict[int, None] = {}
        self._unused: dict[int, None] = {}
        """Intents that end without a Build to be awaited."""

    def expects(self, number: int) -> bool:
        """Whether a delivery was accepted that shall become this number."""
        return any(number == one for one in self._open.values())

    def accepted(self, seq: int, number: int) -> None:
        """A delivery was accepted and given a number."""
        self._open[seq] = number
        self._queue.add(seq)

    async def run(self) -> None:
        """Settle what is accepted, for ever."""
        for intent in await self._inbox.open():
            if intent.seq not in self._open:
                self._inherited[intent.seq] = None
            self._open[intent.seq] = intent.number
            self._queue.add(intent.seq)
        while True:
            self._metrics.open_intents.set(len(self._open))
            seq = await self._queue.get()
            try:
                if await self._settle(seq):
                    self._queue.forget(seq)
                    self._inherited.pop(seq, None)
                    number = self._open.pop(seq, 0)
                    self._settled(number, seq not in self._unused)
                    self._unused.pop(seq, None)
                else:
                    self._queue.add_rate_limited(seq)
            except FAULTS as error:
                _LOG.error("the database can't be used now: %s", error)
                self._queue.add_rate_limited(seq)
            finally:
                self._queue.done(seq)

    async def _settle(self, seq: int) -> bool:
        intent = await self._inbox.get(seq)
        if intent is None:
            return True
        self._open[seq] = intent.number
        if seq in self._inherited and (done := await self._archived(intent)) is not None:
            return done
        plan = await self._planner.plan(intent)
        if isinstance(plan, Wait):
            _LOG.warning("build %d waits: %s", intent.number, plan.why)
            await self._waits(intent.number, plan.why)
            return False
        if isinstance(plan, Skip):
            await self._inbox.skipped(intent, plan.why)
            self._unused[seq] = None
            self._metrics.builds.labels("skipped").inc()
            return True
        return await self._create(intent, plan)

    async def _archived(self, intent: Intent) -> bool | None:
        """A Build may have lived and left the API while nobody looked; its archive tells. None: it has not."""
        archived = await self._archive.build(intent.number)
        if archived is None:
            return None
        if _delivery(archived) == intent.delivery:
            await self._inbox.created(intent)
            self._unused[intent.seq] = None
            return True
        await self._inbox.renumber(intent)
        return False

    async def _create(self, intent: Intent, body: Object) -> bool:
        outcome = "refused" if body["spec"].get("refusal") else "created"
        try:
            await self._client.create(Build.resource, body, self._namespace, field_manager=FIELD_MANAGER)
        except AlreadyExists:
            return await self._exists(intent, body["metadata"]["name"])
        except _REFUSED as error:
            if outcome == "refused":
                _LOG.error("build %d can't even be an error: %s", intent.number, error)
                return False
            refusal = await self._planner.refusal(intent, "Refused", f"The API server refused the build: {error}")
            return await self._create(intent, refusal)
        except (ApiError, OSError, TimeoutError) as error:
            _LOG.warning("build %d can't be created now: %s", intent.number, error)
            return False
        await self._inbox.created(intent)
        self._metrics.builds.labels(outcome).inc()
        self._metrics.creation_seconds.observe(max(0.0, self._world.now() - intent.received))
        return True

    async def _exists(self, intent: Intent, name: str) -> bool:
        """A Build of that name is there: ours from before a crash, or another's from before the database was lost."""
        try:
            found = await self._client.get(Build.resource, name, self._namespace)
        except NotFound:
            return False
        except (ApiError, OSError, TimeoutError):
            return False
        if _delivery(found) == intent.delivery:
            await self._inbox.created(intent)
            self._metrics.builds.labels("created").inc()
            return True
        await self._inbox.renumber(intent)
        return False


def _delivery(build: Object) -> str:
    return ((build.get("spec") or {}).get("trigger") or {}).get("delivery") or ""
