"""A sequence of calls on one server: what it answered, as comparable values."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from .call import Call
from .memory import Memory, parsed
from .wire import Reply, Wire

WATCH_SECONDS = 60.0
"""It costs time only where a server never sends what the other does: the last event of every watch comes on both."""


class Answer(NamedTuple):
    """What one call came to."""

    status: int
    type: str
    """The content type."""
    warnings: tuple[str, ...]
    body: Any
    """Without what is the server's own."""
    raw: bytes


class Run:
    """One server in one sequence. ``name`` makes names that the servers share unique."""

    def __init__(self, wire: Wire, name: str) -> None:
        self.wire = wire
        self.memory = Memory({"ns": name, "id": name})

    def begun_by(self) -> str:
        """A line that makes the namespace."""
        name = self.memory.filled("@{ns}")
        return f"kubectl create namespace {name} && kubectl -n {name} create serviceaccount default"

    async def all(self, calls: Sequence[Call]) -> list[Answer]:
        return [await self.one(call) for call in calls]

    async def one(self, call: Call) -> Answer:
        memory = self.memory
        if call.verb == "watch" or (call.verb in ("get", "list") and dict(call.query).get("resourceVersion")):
            await self._caught_up(call)
        if call.until is not None:
            return await self._watch(call)
        reply = await self.wire.ask(call.method, call.target(memory), call.headers(), call.payload(memory))
        found = parsed(reply.body, reply.header("content-type"))
        if isinstance(found, dict):
            prefix = call.body.get("metadata") if isinstance(call.body, dict) else None
            if call.method == "POST" and isinstance(prefix, dict) and isinstance(prefix.get("generateName"), str):
                # Also who is refused is told the name.
                told = found.get("details") if reply.status >= 400 else found.get("metadata")
                memory.generated(memory.filled(prefix["generateName"]), str((told or {}).get("name", "")))
            if reply.status < 300 and ("dryRun", "All") not in call.query:
                memory.told(call.path, found)
        return self._answer(reply, found)

    async def _caught_up(self, call: Call) -> None:
        """What may be answered at any revision, and every watch, comes from a cache, which may be a few writes behind: a list that
        may not waits for it, so that it isn't chance what is compared."""
        path = call.path.rpartition("/")[0] if call.verb == "get" else call.path
        await self.wire.ask("GET", f"{self.memory.filled(path)}?fieldSelector=metadata.name%3Dnobody", {}, b"")

    def _answer(self, reply: Reply, found: Any) -> Answer:
        warnings = tuple(self.memory.plain(value) for name, value in reply.headers if name == "warning")
        type = reply.header("content-type")
        return Answer(reply.status, type, warnings, self.memory.plain(found), reply.body)

    async def _watch(self, call: Call) -> Answer:
        """All events up to that of the object ``until``, which is created once the watch is answered."""
        memory = self.memory
        path, document = call.until
        events: list[Any] = []
        last = document["metadata"]["name"]
        async with self.wire.lines(call.target(memory)) as (status, lines):
            if status != 200:
                return Answer(status, "", (), memory.plain(parsed(b"".join([line async for line in lines]))), b"")
            payload = memory.filled(json.dumps(document)).encode()
            made = await self.wire.ask("POST", memory.filled(path), {"Content-Type": "application/json"}, payload)
            if made.status != 201:
                return Answer(status, "", (str(made.status),), [], b"")
            try:
                async with asyncio.timeout(WATCH_SECONDS):
                    async for line in lines:
                        event = parsed(line)
                        if event.get("type") == "BOOKMARK":
                            continue
                        if event.get("type") == "ERROR":
                            events.append(event)
                            break
                        if _name(event["object"]) == last:
                            break
                        events.append(event)
            except TimeoutError:
                events.append("nothing came any more")
        await self.wire.ask("DELETE", f"{memory.filled(path)}/{last}", {}, b"")
        if dict(call.query).get("resourceVersion", "") in ("", "0"):
            # What is there already comes in no certain order.
            events.sort(key=lambda event: memory.plain(_name(event["object"])) if isinstance(event, dict) else "")
        return Answer(status, "", (str(made.status),), [memory.plain(event) for event in events], b"")


def shown(obj: Any) -> Any:
    """The object that an event is about, in whatever form."""
    return obj["rows"][0]["object"] if isinstance(obj, dict) and obj.get("kind") == "Table" else obj


def _name(obj: Any) -> str:
    return str((shown(obj).get("metadata") or {}).get("name", ""))
