"""The CI server dies at every point between two effects, is started again, and every delivery becomes one build and its words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boatyard.ciserver.database import Connection, InlineDatabase
from unit.ciserver.conftest import World

A, B = "a" * 40, "b" * 40


class Died(BaseException):
    """Not an Exception: nothing may catch it and go on."""


class Fate:
    """Counts effects; at the chosen one the process dies, before or after it, and stays dead."""

    def __init__(self, at: int) -> None:
        self.at, self.steps, self.dead = at, 0, False

    def step(self) -> None:
        if not self.dead:
            self.steps += 1
            self.dead = self.steps == self.at
        if self.dead:
            raise Died


class DyingDatabase:
    """Dies before a statement, before a commit or after one."""

    def __init__(self, inner: InlineDatabase, fate: Fate) -> None:
        self._inner, self._fate = inner, fate

    async def run(self, work: Callable[[Connection], Any]) -> Any:
        fate = self._fate

        class Mortal:
            def __init__(self, connection: Connection) -> None:
                self._connection = connection

            def execute(self, statement: str, values: Any = (), /) -> Any:
                if not statement.lstrip().startswith("SELECT"):
                    fate.step()
                elif fate.dead:
                    raise Died
                return self._connection.execute(statement, values)

        def guarded(connection: Connection) -> Any:
            before = fate.steps
            result = work(Mortal(connection))
            if fate.steps > before:
                fate.step()
            return result

        before = fate.steps
        result = self._inner.run_now(guarded)
        if fate.steps > before:
            fate.step()
        return result

    async def close(self) -> None:
        await self._inner.close()


class DyingCalls:
    """Dies before or after a call that changes something outside."""

    def __init__(self, inner: Any, fate: Fate, names: tuple[str, ...]) -> None:
        self._inner, self._fate, self._names = inner, fate, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._names:
            return found

        async def call(*arguments: Any, **options: Any) -> Any:
            self._fate.step()
            result = await found(*arguments, **options)
            self._fate.step()
            return result

        return call


async def life(world: World, at: int) -> bool:
    """Two deliveries and a verdict, dying at effect ``at``; whether it died."""
    fate = Fate(at)
    client, scm = world.client, world.scm
    world.database = InlineDatabase(str(world.path / "ciserver.db"))
    world.client, world.scm = DyingCalls(client, fate, ("create",)), DyingCalls(scm, fate, ("request",))  # type: ignore[assignment]
    acknowledged: dict[str, bool] = {}
    try:
        await world.start(DyingDatabase(world.database, fate))
        for sha in (A, B):
            acknowledged[sha] = (await world.push(sha)).status == 202
        await world.until(lambda: fate.dead or (len(scm.told(A)), len(scm.told(B))) == (1, 1))
    except Died:
        pass
    world.client, world.scm = client, scm
    if not fate.dead:
        await world.becomes("shop-1", "Succeeded")
        await world.until(lambda: fate.dead or len(scm.told(A)) == 2)
    await world.stop()
    await world.start()
    for sha in (A, B):
        if not acknowledged.get(sha):
            await world.push(sha)
    return fate.dead


async def last_word(scm: Any, sha: str) -> list[str]:
    """All words on a commit, as soon as the last one is there."""
    for _ in range(6000):
        if scm.told(sha)[-1:] not in ([], ["pending"]):
            break
        await asyncio.sleep(0.01)
    return scm.told(sha)


async def test_any_death_is_survived(tmp_path: Path):
    at, died = 0, True
    while died:
        at += 1
        path = tmp_path / str(at)
        path.mkdir()
        world = World(path)
        await world.prepare()
        try:
            died = await life(world, at)
            await world.build("shop-1")
            await world.build("shop-2")
            await world.becomes("shop-1", "Succeeded")
            await world.becomes("shop-2", "Failed")
            told = {"shop-1": ["pending", "success"], "shop-2": ["pending", "failure"]}
            builds = await world.builds()
            assert sorted(builds) == ["shop-1", "shop-2"], f"death at effect {at}"
            by_name = {name: build["spec"]["source"]["revision"] for name, build in builds.items()}
            assert sorted(by_name.values()) == [A, B], f"death at effect {at}"
            for name, words in told.items():
                told_last = await last_word(world.scm, by_name[name])
                # A build that ends before its beginning is told has only its end told.
                assert told_last in (words, words[1:]), f"death at effect {at}"
        finally:
            await world.stop()
    assert at > 25


async def test_a_lost_database_is_filled_again_and_nothing_is_doubled(world):
    await world.start()
    for sha in (A, B):
        await world.push(sha)
    await world.build("shop-2")
    await world.becomes("shop-1", "Succeeded")
    await world.until(lambda: world.scm.told(A) == ["pending", "success"] and world.scm.told(B) == ["pending"])
    await world.stop()
    for file in world.path.glob("ciserver.db*"):
        file.unlink()
    await world.start()
    await asyncio.sleep(0.1)
    await world.push("c" * 40)
    await world.build("shop-3")
    await world.until(lambda: world.scm.told("c" * 40) == ["pending"])
    assert world.scm.told(A) == ["pending", "success"] and world.scm.told(B) == ["pending"]
    assert [one.number for one in await world.server.page()] == [3, 2, 1]


async def test_a_delivery_repeated_after_the_database_was_lost_gets_another_number_never_anothers(world):
    await world.start()
    await world.push(A)
    await world.build("shop-1")
    await world.stop()
    for file in world.path.glob("ciserver.db*"):
        file.unlink()
    await world.start()
    await world.push(B)
    build = await world.build("shop-2")
    assert build["spec"]["source"]["revision"] == B


async def test_a_build_that_lived_and_left_while_nobody_looked_is_not_made_again(world):
    import json

    await world.start()
    await world.push(A)
    build = await world.build("shop-1")
    await world.until(lambda: world.scm.told(A) == ["pending"])
    await world.stop()
    # As if the crash had come between the creation and the word of it in the database.
    import sqlite3

    with sqlite3.connect(world.path / "ciserver.db") as db:
        db.execute("UPDATE intents SET state = 'open'")
    db.close()
    from boatyard.ci.kinds import Build

    archived = {**build, "status": {"phase": "Failed", "reason": "StepFailed"}}
    await world.objects.put("1/build.json", json.dumps(archived).encode())
    await world.client.patch(Build.resource, "shop-1", {"metadata": {"finalizers": None}}, "team")
    await world.client.delete(Build.resource, "shop-1", "team")
    await world.start()
    await world.until(lambda: world.scm.told(A) == ["pending", "failure"])
    await asyncio.sleep(0.1)
    assert await world.builds() == {}
    assert [(one.number, one.phase) for one in await world.server.page()] == [(1, "Failed")]


@pytest.mark.parametrize("damage", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_broken_database_is_put_aside(tmp_path: Path, damage: bytes):
    from boatyard.ciserver.database import SqliteDatabase

    file = tmp_path / "ciserver.db"
    file.write_bytes(damage)
    database, broken = await SqliteDatabase.open(file)
    assert broken and file.with_name("ciserver.db.broken").read_bytes() == damage
    assert await database.run(lambda db: db.execute("SELECT number FROM counter").fetchone()[0]) == 0
    await database.close()


async def test_data_of_a_newer_program_is_left_alone(tmp_path: Path):
    import sqlite3

    from boatyard.ciserver.database import NewerData, SqliteDatabase

    file = tmp_path / "ciserver.db"
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(NewerData, match="99"):
        await SqliteDatabase.open(file)


async def test_a_transaction_that_raises_leaves_nothing(tmp_path: Path):
    from boatyard.ciserver.database import SqliteDatabase

    database, _ = await SqliteDatabase.open(tmp_path / "ciserver.db")

    def work(db: Connection) -> None:
        db.execute("UPDATE counter SET number = 7")
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        await database.run(work)
    assert await database.run(lambda db: db.execute("SELECT number FROM counter").fetchone()[0]) == 0
    await database.close()
