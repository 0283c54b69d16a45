"""The list of builds that are over: an index in SQLite of what the archive holds, newest first."""

from __future__ import annotations

import msgspec

from boatyard.ciserver import statements
from boatyard.ciserver.database import Connection, Database
from boatyard.ciserver.summary import Summary

_SUMMARY = msgspec.json.Decoder(Summary)
BEYOND = 1 << 62
"""Greater than every number."""


class History:
    """Puts and pages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, summary: Summary) -> None:
        """Remember the last word on a build; numbers up to it are taken."""
        data = msgspec.json.encode(summary)

        def work(db: Connection) -> None:
            row = db.execute(statements.BUILD, (summary.number,)).fetchone()
            if row is None or row[0] != data:
                db.execute(statements.PUT_BUILD, (summary.number, data))
                db.execute(statements.RAISE_NUMBER, (summary.number,))

        await self._database.run(work)

    async def get(self, number: int) -> Summary | None:
        """One build."""
        row = await self._database.run(lambda db: db.execute(statements.BUILD, (number,)).fetchone())
        return _SUMMARY.decode(row[0]) if row else None

    async def before(self, number: int, limit: int) -> list[Summary]:
        """Up to ``limit`` builds with lower numbers, newest first."""
        rows = await self._database.run(lambda db: db.execute(statements.BUILDS_BEFORE, (number, limit)).fetchall())
        return [_SUMMARY.decode(row[1]) for row in rows]

    async def numbers(self) -> set[int]:
        """Every number in the index; for membership only."""
        rows = await self._database.run(lambda db: db.execute(statements.BUILD_NUMBERS).fetchall())
        return {row[0] for row in rows}
