"""The durable inbox: what was acknowledged, the number it got, and what became of it.

A delivery's id, its number and the intent to build are one transaction. Later an intent ends in one of two ways: its build exists
(``created``), or the repository's own filters say that it starts nothing (``skipped``: the number goes back and the next delivery
gets it, so that there are no gaps).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from boatyard.ci.scm.events import PullRequest, Push
from boatyard.ciserver import statements
from boatyard.ciserver.database import Connection, Database

DELIVERY_MEMORY_SECONDS = 30 * 86400
"""A delivery repeated after this time counts as new. No SCM repeats one after more than some days."""


class Rerun(msgspec.Struct, frozen=True, tag="rerun"):
    """Somebody wants the same tree built again."""

    of: int
    """The number of the build to repeat."""
    by: str = ""


_EVENT = msgspec.json.Decoder(Push | PullRequest | Rerun)


class Intent(NamedTuple):
    """A delivery that shall become the build ``number``."""

    seq: int
    delivery: str
    number: int
    event: Push | PullRequest | Rerun
    received: float


class Accepted(NamedTuple):
    """What a delivery was answered, and whether it came for the first time."""

    answer: str
    fresh: bool
    seq: int = 0
    number: int = 0


class Inbox:
    """The inbox's verbs, each one transaction."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    async def accept(self, delivery: str, event: Push | PullRequest | Rerun, now: float) -> Accepted:
        """Give the delivery a number and remember the intent; a repeated one gets its first answer."""

        def work(db: Connection) -> Accepted:
            known = db.execute(statements.FIND_DELIVERY, (delivery,)).fetchone()
            if known:
                return Accepted(known[0], False)
            number = _next(db)
            answer = msgspec.json.encode({"delivery": delivery, "build": f"{self._name}-{number}", "number": number}).decode()
            db.execute(statements.ADD_DELIVERY, (delivery, now, answer))
            db.execute(statements.ADD_INTENT, (delivery, number, msgspec.json.encode(event), now))
            seq = db.execute(statements.SEQ_OF_DELIVERY, (delivery,)).fetchone()[0]
            return Accepted(answer, True, seq, number)

        return await self._database.run(work)

    async def open(self) -> list[Intent]:
        """What was acknowledged and isn't settled, oldest first."""
        rows = await self._database.run(lambda db: db.execute(statements.OPEN_INTENTS).fetchall())
        return [_intent(row) for row in rows]

    async def get(self, seq: int) -> Intent | None:
        """An open intent."""
        row = await self._database.run(lambda db: db.execute(statements.INTENT, (seq,)).fetchone())
        return _intent(row) if row else None

    async def created(self, intent: Intent) -> None:
        """Its build exists."""
        closed = ("created", "", intent.number, intent.seq)
        await self._database.run(lambda db: db.execute(statements.CLOSE_INTENT, closed).rowcount)

    async def skipped(self, intent: Intent, why: str) -> None:
        """It starts nothing: the number goes back."""

        def work(db: Connection) -> None:
            if db.execute(statements.CLOSE_INTENT, ("skipped", why, None, intent.seq)).rowcount:
                db.execute(statements.RELEASE, (intent.number,))

        await self._database.run(work)

    async def renumber(self, intent: Intent) -> Intent:
        """Give the intent a fresh number: the one it had belongs to a build of another delivery (the database was lost since)."""

        def work(db: Connection) -> int:
            number = _next(db)
            db.execute(statements.RENUMBER_INTENT, (number, intent.seq))
            return number

        return intent._replace(number=await self._database.run(work))

    async def last_number(self) -> int:
        """The highest number ever given; 0 in a new database."""
        return await self._database.run(lambda db: db.execute(statements.LAST_NUMBER).fetchone()[0])

    async def reserve_up_to(self, number: int) -> None:
        """Numbers up to this one are taken, whatever the database knows of them."""
        await self._database.run(lambda db: db.execute(statements.RAISE_NUMBER, (number,)).rowcount)

    async def forget_old(self, now: float) -> None:
        """Drop what is settled and older than DELIVERY_MEMORY_SECONDS."""

        def work(db: Connection) -> None:
            db.execute(statements.FORGET_DELIVERIES, (now - DELIVERY_MEMORY_SECONDS,))
            db.execute(statements.FORGET_INTENTS, (now - DELIVERY_MEMORY_SECONDS,))

        await self._database.run(work)

    async def last_skipped(self, limit: int) -> list[tuple[str, str, float]]:
        """(delivery, why, when) of the last deliveries that started nothing."""
        rows = await self._database.run(lambda db: db.execute(statements.SKIPPED, (limit,)).fetchall())
        return [(row[0], row[1], row[2]) for row in rows]


def _next(db: Connection) -> int:
    rows = db.execute(statements.TAKE_RELEASED).fetchall() or db.execute(statements.NEXT_NUMBER).fetchall()
    return rows[0][0]


def _intent(row: tuple[int, str, int, bytes, float]) -> Intent:
    return Intent(row[0], row[1], row[2], _EVENT.decode(row[3]), row[4])
