"""Clients of a server that is killed: writers that remember what was acknowledged, and a watcher that goes on where it was."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import ApiError, NotFound
from boatyard.machinery.meta.objects import Object

NAMESPACE = "default"


def number_of(obj: Object) -> int:
    """The number that a writer wrote into it."""
    return int((obj.get("data") or {})["number"])


@dataclass
class Writer:
    """Writes one object, again and again, and knows what it must be.

    ``known`` is the number and revision that were acknowledged last, None when the deletion was; ``trying`` is what was begun and
    not answered: the number, or None for a deletion.
    """

    name: str
    client: HttpClient
    rng: random.Random
    known: tuple[int, int] | None = None
    trying: list[int | None] = field(default_factory=list)
    acknowledged: list[tuple[str, int, int]] = field(default_factory=list)
    """Type of the event, number, and revision (0: a deletion's isn't told)."""
    unsure: list[tuple[str, int]] = field(default_factory=list)
    """Events of calls that were never answered."""
    _number: int = 0

    async def work(self) -> None:
        """Until a call isn't answered."""
        with suppress(ApiError, OSError):
            while True:
                await self._step()

    async def _step(self) -> None:
        before = self.known[0] if self.known else 0
        self._number += 1
        if self.known and self.rng.random() < 0.15:
            self.trying = [None]
            await self.client.delete(CONFIG_MAPS, self.name, NAMESPACE)
            self.acknowledged.append(("DELETED", before, 0))
            self.known, self.trying = None, []
            return
        self.trying = [self._number]
        body: Object = {"metadata": {"name": self.name}, "data": {"number": str(self._number), "filling": "x" * 1500}}
        if self.known is None:
            done = await self.client.create(CONFIG_MAPS, body, NAMESPACE)
            kind = "ADDED"
        elif self.rng.random() < 0.5:
            body["metadata"] |= {"namespace": NAMESPACE, "resourceVersion": str(self.known[1])}
            done = await self.client.update(CONFIG_MAPS, body)
            kind = "MODIFIED"
        else:
            done = await self.client.patch(CONFIG_MAPS, self.name, {"data": body["data"]}, NAMESPACE, type="merge")
            kind = "MODIFIED"
        self.known, self.trying = (self._number, int(done["metadata"]["resourceVersion"])), []
        self.acknowledged.append((kind, *self.known))

    async def check(self) -> None:
        """After a restart: the object is what was acknowledged last, or what was begun and not answered; nothing else."""
        try:
            found: Object | None = await self.client.get(CONFIG_MAPS, self.name, NAMESPACE)
        except NotFound:
            found = None
        now = (number_of(found), int(found["metadata"]["resourceVersion"])) if found else None
        if now == self.known:
            return
        assert self.trying, f"{self.name}: {self.known} was acknowledged, {now} is there"
        (tried,) = self.trying
        assert (now[0] if now else None) == tried, f"{self.name}: {self.known}, then {tried} was tried, {now} is there"
        assert not now or not found or found["data"]["filling"] == "x" * 1500
        kind = "DELETED" if now is None else "MODIFIED" if self.known else "ADDED"
        self.unsure.append((kind, now[0] if now else self.known[0] if self.known else 0))
        self.known, self.trying = now, []


@dataclass
class Watcher:
    """Sees every event once, over all restarts: it goes on from the revision that it saw last."""

    client: HttpClient
    revision: str
    seen: list[tuple[str, str, int, int]] = field(default_factory=list)
    """Name, type, number, revision."""

    async def run(self) -> None:
        while True:
            with suppress(OSError):
                try:
                    await self._watch()
                except ApiError as error:
                    assert error.code != 410, f"it was away for too long: {error}"
            await asyncio.sleep(0.02)

    async def _watch(self) -> None:
        events = self.client.watch(CONFIG_MAPS, NAMESPACE, resource_version=self.revision)
        async with aclosing(events) as events:
            async for event in events:
                metadata: dict[str, Any] = event.object["metadata"]
                self.revision = metadata["resourceVersion"]
                if event.type != "BOOKMARK" and metadata["name"].startswith("w"):
                    told = (metadata["name"], event.type, number_of(event.object), int(self.revision))
                    self.seen.append(told)
