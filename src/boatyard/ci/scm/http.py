"""The few HTTP calls that SCM adapters make, as a port: a fake answers in a simulation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import aiohttp

MAX_ANSWER_BYTES = 4 * 1024 * 1024


class Answer(NamedTuple):
    """What came back. ``body`` is cut at 4 MiB."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The decoded body. Raises ValueError."""
        return json.loads(self.body)


class Unreachable(Exception):
    """No answer: refused, reset, timed out or not resolvable."""


class Http(Protocol):
    """One request, one answer."""

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Any status is an answer; redirects are not followed (a token must not travel on). Raises Unreachable."""
        ...


class AiohttpHttp:
    """The real one. The session is opened on the first call; 20 s for a call, 10 of them to connect."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20, connect=10))
        try:
            async with self._session.request(method, url, headers=headers, data=body or None, allow_redirects=False) as response:
                body_read = bytearray()
                # One read gives what is there, not all there will be.
                while len(body_read) < MAX_ANSWER_BYTES and (piece := await response.content.readany()):
                    body_read += piece
                return Answer(response.status, bytes(body_read[:MAX_ANSWER_BYTES]))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}"[:300]) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
