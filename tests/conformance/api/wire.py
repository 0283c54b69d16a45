"""Plain HTTP to a server of the API: what a Client doesn't say, and what it never lets one see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import msgspec
from multidict import CIMultiDictProxy

from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.client.lines import decoded_lines

SECONDS = 60.0
"""How long a test waits for an answer, or for the next event of a watch."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def said(self) -> tuple[int, str, str]:
        """Code, reason and message of a Status."""
        status = self.json
        assert status["kind"] == "Status" and status["apiVersion"] == "v1" and status["code"] == self.status, status
        return self.status, status.get("reason", ""), status.get("message", "")

    @property
    def type(self) -> str:
        return self.headers["Content-Type"]


class Events:
    """A watch as it comes over the wire."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self._lines = aiter(decoded_lines(response.content.iter_any()))

    async def next(self) -> dict[str, Any]:
        """The next event. Raises StopAsyncIteration when the server has ended the watch."""
        async with asyncio.timeout(SECONDS):
            return await anext(self._lines)

    async def some(self, count: int) -> list[tuple[str, str]]:
        """The next events as (type, name); a BOOKMARK has no name."""
        found = [await self.next() for _ in range(count)]
        return [(event["type"], event["object"]["metadata"].get("name", "")) for event in found]

    async def rest(self) -> list[dict[str, Any]]:
        """Everything until the server ends the watch."""
        found: list[dict[str, Any]] = []
        while True:
            try:
                found.append(await self.next())
            except StopAsyncIteration:
                return found


class Wire:
    """Requests with the administrator's credentials."""

    def __init__(self, client: HttpClient) -> None:
        self.transport = client._transport

    async def __call__(
        self, method: str, path: str, body: Any = None, *, type: str = "application/json", accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """``path`` holds the query. A body that isn't bytes is sent as JSON."""
        async with self._open(method, path, body, type, accept, headers or {}) as response:
            async with asyncio.timeout(SECONDS):
                return Answer(response.status, response.headers, await response.read())

    @asynccontextmanager
    async def watch(self, path: str, *, accept: str = "application/json") -> AsyncIterator[Events]:
        """Watch an address, which says ``watch=…`` itself."""
        async with self._open("GET", path, None, "", accept, {}) as response:
            assert response.status == 200, await response.text()
            yield Events(response)

    @asynccontextmanager
    async def _open(
        self, method: str, path: str, body: Any, type: str, accept: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        data = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        sent = {**self.transport.headers(), **({"Accept": accept} if accept else {}), **headers}
        if data is not None:
            sent["Content-Type"] = type
        response = await self.transport.session().request(
            method, self.transport.url(path), data=data, headers=sent, raise_for_status=False, allow_redirects=False,
            skip_auto_headers=() if accept else ("Accept",),
        )  # fmt: skip
        try:
            yield response
        finally:
            response.close() if not response.content.at_eof() else response.release()
