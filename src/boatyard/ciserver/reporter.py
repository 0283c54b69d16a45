"""Reports to the SCM: one when a build begins, one when it has ended, each once.

The intent is a row before anything is posted (one per build and stage, whatever happens how often). A row that may have been tried
before, by an earlier run of this program or by a call that ended without an answer, is looked up at the SCM before it is posted.
Rows of a build go out in their order; a refused report is closed with what the SCM said, and one that found no open door for a day
too.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from boatyard.ci.scm import scm
from boatyard.ciserver import statements
from boatyard.ciserver.database import FAULTS, Connection, Database
from boatyard.ciserver.deliveries import Desk, NotReady
from boatyard.ciserver.metrics import Metrics
from boatyard.machinery.runtime.queue import WorkQueue
from boatyard.machinery.runtime.world import World

_LOG = logging.getLogger(__name__)
LONGEST_RETRY_SECONDS = 30.0
GIVE_UP_SECONDS = 86400.0
_REPORT = msgspec.json.Decoder(scm.Report)


class Told(NamedTuple):
    """A report and what became of it: open, done or refused."""

    report: scm.Report
    state: str
    note: str


class Reporter:
    """Keeps the intents and works them off."""

    def __init__(
        self, database: Database, desk: Desk, world: World, metrics: Metrics, settled: Callable[[int], Awaitable[None]]
    ) -> None:
        """``settled`` is awaited with a build's number after something of it was reported; it must not raise."""
        self._database, self._desk, self._world, self._metrics, self._settled = database, desk, world, metrics, settled
        self._queue: WorkQueue[int] = WorkQueue(world, base_seconds=0.25, max_seconds=LONGEST_RETRY_SECONDS)
        self._written: dict[str, bool] = {}
        """Reports of this run known to be rows already, by key."""
        self._untried: dict[int, None] = {}
        """Rows that this run wrote and has not tried: nobody can have posted them."""
        self.memory_lost = False
        """The database is younger than the builds: a new row may have been posted by an earlier run all the same."""

    async def intend(self, report: scm.Report, *, build: str, final: bool) -> None:
        """Make sure that this is, or was, reported. ``build`` is the Build's uid. Durable when it returns; cheap when repeated."""
        key = f"{build}/{final:d}"
        if self._written.get(key):
            return
        values = (build, report.number, int(final), msgspec.json.encode(report), self._world.now())

        def work(db: Connection) -> int:
            if not db.execute(statements.ADD_REPORT, values).rowcount:
                return 0
            return db.execute(statements.OPEN_REPORTS_OF, (report.number,)).fetchall()[-1][0]

        if seq := await self._database.run(work):
            if not self.memory_lost:
                self._untried[seq] = None
            self._queue.add(report.number)
        self._written[key] = True

    def forget(self, build: str) -> None:
        """The Build is gone: what this run remembers of it may go too."""
        self._written.pop(f"{build}/0", None)
        self._written.pop(f"{build}/1", None)

    async def of(self, number: int) -> list[Told]:
        """The reports of a build, in their order."""
        rows = await self._database.run(lambda db: db.execute(statements.REPORTS_OF, (number,)).fetchall())
        return [Told(_REPORT.decode(row[0]), row[1], row[2]) for row in rows]

    async def run(self) -> None:
        """Work the intents off, for ever; those that an earlier run left first."""
        for number in await self._database.run(lambda db: [row[1] for row in db.execute(statements.OPEN_REPORTS).fetchall()]):
            self._queue.add(number)
        while True:
            number = await self._queue.get()
            try:
                if await self._send_all(number):
                    self._queue.forget(number)
                else:
                    self._metrics.reports.labels("retried").inc()
                    self._queue.add_rate_limited(number)
            except FAULTS as error:
                _LOG.error("the database can't be used now: %s", error)
                self._queue.add_rate_limited(number)
            finally:
                self._queue.done(number)

    async def _send_all(self, number: int) -> bool:
        """Send a build's open reports in their order; False when one must wait."""
        for seq, report, written in await self._open(number):
            try:
                _, adapter = await self._desk.scm()
                fresh = self._untried.pop(seq, False) is None
                if not fresh and await adapter.reported(report):
                    outcome, note = "found", ""
                else:
                    await adapter.report(report)
                    outcome, note = "posted", ""
            except (scm.Unavailable, NotReady) as error:
                if self._world.now() - written < GIVE_UP_SECONDS:
                    _LOG.warning("report %s of build %d waits: %s", report.state, number, error)
                    return False
                outcome, note = "refused", f"given up after a day: {error}"
            except scm.Refused as error:
                _LOG.warning("report %s of build %d was refused: %s", report.state, number, error)
                outcome, note = "refused", str(error)
            state = "refused" if outcome == "refused" else "done"
            await self._close(seq, state, note)
            self._metrics.reports.labels(outcome).inc()
            await self._settled(number)
        return True

    async def _open(self, number: int) -> list[tuple[int, scm.Report, float]]:
        rows = await self._database.run(lambda db: db.execute(statements.OPEN_REPORTS_OF, (number,)).fetchall())
        return [(row[0], _REPORT.decode(row[1]), row[2]) for row in rows]

    async def _close(self, seq: int, state: str, note: str) -> None:
        await self._database.run(lambda db: db.execute(statements.CLOSE_REPORT, (state, note, seq)).rowcount)
