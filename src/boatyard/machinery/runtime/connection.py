"""A connection between two components of a simulation: the client of a program that talks to another over HTTP.

A call takes a little while, runs in the server's life, and is carried out even when whoever asked has died meanwhile. When the
server dies, calls fail without anybody knowing whether they were carried out, and watches break.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any

from boatyard.machinery.client.client import Client, WatchEvent
from boatyard.machinery.runtime.component import Component, Incarnation

WRITES = frozenset({"create", "update", "patch", "apply", "delete"})
LATENCY_SECONDS = 0.002


class Connection:
    """The :class:`~boatyard.machinery.client.client.Client` of ``incarnation`` to the service of ``server``.

    ``open_client`` is applied to what the server's life offers under ``service`` and gives the client that serves this caller.
    """

    def __init__(
        self, incarnation: Incarnation, server: Component, service: str = "api",
        open_client: Callable[[Any], Client] = lambda offered: offered,
    ) -> None:  # fmt: skip
        self._incarnation, self._server, self._service, self._open = incarnation, server, service, open_client
        self._world = incarnation.world
        for method in ("get", "list", "create", "update", "patch", "apply", "delete", "exec"):
            setattr(self, method, self._method(method))

    async def watch(self, *args: Any, **options: Any) -> AsyncGenerator[WatchEvent]:
        """Events as the server's client gives them; ConnectionResetError when the server dies."""
        life, client = await self._reach()
        channel = _Channel(self._world.loop)

        async def pump() -> None:
            try:
                async for event in client.watch(*args, **options):
                    channel.put(event)
                channel.end(None)
            except Exception as error:
                channel.end(error)

        task = life.start(pump(), f"{self._server.name}-watch")
        hang_up = life.at_death(lambda: channel.end(ConnectionResetError(f"{self._server.name} is gone")))
        leave = self._incarnation.at_death(task.cancel)  # type: ignore[arg-type]
        try:
            async for event in channel.items():
                yield event
        finally:
            hang_up()
            leave()
            task.cancel()

    async def close(self) -> None:
        """Nothing is kept open."""

    def _method(self, method: str) -> Callable[..., Any]:
        writes = method in WRITES

        async def call(*args: Any, **options: Any) -> Any:
            if writes:
                await self._incarnation.crash_point(f"before {method}")
            life, client = await self._reach()
            answer: asyncio.Future[Any] = self._world.loop.create_future()

            async def serve() -> None:
                try:
                    result = await getattr(client, method)(*args, **options)
                except Exception as error:
                    _fail(answer, error)
                else:
                    if not answer.done():
                        answer.set_result(result)

            life.start(serve(), f"{self._server.name}-{method}")
            forget = life.at_death(lambda: _fail(answer, ConnectionResetError(f"{self._server.name} is gone")))
            try:
                result = await answer
            finally:
                forget()
            if writes:
                await self._incarnation.crash_point(f"after {method}")
            return result

        return call

    async def _reach(self) -> tuple[Incarnation, Client]:
        await asyncio.sleep(self._world.random.random() * LATENCY_SECONDS)
        life = self._server.current
        if life is None or self._service not in life.services:
            raise ConnectionRefusedError(f"{self._server.name} does not answer")
        return life, self._open(life.services[self._service])


def _fail(answer: asyncio.Future[Any], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


class _Channel:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pending: deque[WatchEvent] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._ended = False
        self._error: Exception | None = None

    def put(self, event: WatchEvent) -> None:
        self._pending.append(event)
        self._rouse()

    def end(self, error: Exception | None) -> None:
        if not self._ended:
            self._ended, self._error = True, error
            self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def items(self) -> AsyncGenerator[WatchEvent]:
        while True:
            while self._pending:
                yield self._pending.popleft()
            if self._ended:
                if self._error is not None:
                    raise self._error
                return
            self._wake = self._loop.create_future()
            await self._wake
