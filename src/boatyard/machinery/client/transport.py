"""One HTTP request to a Kubernetes API: connection, TLS, token, and every fault as an ApiError."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import aiohttp
import msgspec
from yarl import URL

import boatyard
from boatyard.machinery.client.credentials import BearerToken, Credentials
from boatyard.machinery.meta import errors

REQUEST_SECONDS = 60.0
MAX_RETRIES_WHEN_TOLD_TO_WAIT = 4
LONGEST_WAIT_SECONDS = 10.0
LONGEST_REFUSAL_BYTES = 1 << 20

Params: TypeAlias = Mapping[str, str] | list[tuple[str, str]]
NONE: Params = {}


class Transport:
    """A pool of connections to one server. Made anywhere; its first request binds it to the running loop."""

    def __init__(self, address: str, credentials: Credentials) -> None:
        self.address = address.rstrip("/")
        self._credentials = credentials
        self._token = BearerToken(credentials.token, credentials.token_file)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def request(
        self, method: str, path: str, params: Params = NONE, *, body: Any = None, content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Any:  # fmt: skip
        """The decoded answer. Repeats the call only when the server said it did nothing and when to come back (429)."""
        data = None if body is None else msgspec.json.encode(body)
        for attempt in range(MAX_RETRIES_WHEN_TOLD_TO_WAIT + 1):
            try:
                async with self.open(
                    method, path, params, data=data, content_type=content_type, accept=accept,
                    timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
                ) as response:  # fmt: skip
                    with faults(self.address, sent=method != "GET"):
                        raw = await response.read()
                    return msgspec.json.decode(raw) if raw else {}
            except errors.TooManyRequests as error:
                wait = error.details.get("retryAfterSeconds") or 0
                if attempt == MAX_RETRIES_WHEN_TOLD_TO_WAIT or not 0 < wait <= LONGEST_WAIT_SECONDS:
                    raise
                await asyncio.sleep(wait)
            except msgspec.DecodeError as error:
                told = f"{self.address} answered {method} {path} with something that isn't JSON: {error}"
                raise errors.InternalError(told) from error
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def open(
        self, method: str, path: str, params: Params = NONE, *, data: bytes | None = None, content_type: str = "",
        accept: str = "application/json", timeout: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:  # fmt: skip
        """A response whose status was below 400, its body not yet read. Raises the ApiError that the server's Status tells of."""
        headers = {"Accept": accept, **self.headers()}
        if data is not None:
            headers["Content-Type"] = content_type
        with faults(self.address, sent=method != "GET"):
            response = await self.session().request(
                method, self.url(path), params=params, data=data, headers=headers, allow_redirects=False,
                server_hostname=self.server_name, timeout=timeout or aiohttp.ClientTimeout(total=None, sock_connect=10),
            )  # fmt: skip
        try:
            yield response
        finally:
            # Not release(): an unread body (a watch) must not be drained.
            response.close() if not response.content.at_eof() else response.release()

    def headers(self) -> dict[str, str]:
        """The bearer token of this moment, if there is one."""
        token = self._token.current()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def url(self, path: str) -> URL:
        """The address of a path whose parts are quoted already."""
        return URL(self.address + path, encoded=True)

    @property
    def server_name(self) -> str | None:
        return self._credentials.server_name or None

    def session(self) -> aiohttp.ClientSession:
        """The connection pool, made on first use. Raises ServiceUnavailable after :meth:`close`."""
        if self._closed:
            raise errors.ServiceUnavailable("this client was closed")
        if self._session is None:
            tls = self._credentials.tls() if self.address.startswith("https:") else False
            # No limit of connections: every watch holds one.
            connector = aiohttp.TCPConnector(ssl=tls, limit=0, keepalive_timeout=30)
            self._session = aiohttp.ClientSession(
                connector=connector, auto_decompress=True, headers={"User-Agent": f"boatyard/{boatyard.__version__}"},
                cookie_jar=aiohttp.DummyCookieJar(), read_bufsize=1 << 18, raise_for_status=_refuse,
            )  # fmt: skip
        return self._session

    async def close(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()


class faults:
    """``with faults(address, sent=…)``: failures of the connection become ApiErrors.

    ``sent`` says that the call may have changed something: then a broken connection is ServerTimeout (it may or may not have been
    carried out) instead of ServiceUnavailable.
    """

    def __init__(self, address: str, *, sent: bool) -> None:
        self._address, self._sent = address, sent

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, aiohttp.ClientConnectorError):
            raise errors.ServiceUnavailable(f"{self._address} is out of reach: {error}") from error
        if isinstance(error, TimeoutError):
            raise errors.ServerTimeout(f"{self._address} did not answer in time") from error
        if isinstance(error, (aiohttp.ClientError, ConnectionError)):
            told = f"{self._address} broke the connection: {error or type(error).__name__}"
            raise (errors.ServerTimeout(told) if self._sent else errors.ServiceUnavailable(told)) from error


async def _refuse(response: aiohttp.ClientResponse) -> None:
    """Raise what an answer of failure tells. Called for every answer, a websocket's handshake included."""
    if response.status >= 300:
        try:
            raise status_error(response.status, await _told(response.content), response.headers)
        finally:
            response.release()


async def _told(content: aiohttp.StreamReader) -> bytes:
    """All of a refusal, which may come in pieces; of one that is too long its beginning."""
    body = bytearray()
    while piece := await content.read(LONGEST_REFUSAL_BYTES - len(body)):
        body += piece
    return bytes(body)


def status_error(code: int, body: bytes, headers: Mapping[str, str]) -> errors.ApiError:
    """The error that an answer tells of: its Status when it holds one, else its code and text."""
    try:
        status = msgspec.json.decode(body)
    except msgspec.DecodeError:
        status = None
    if not isinstance(status, dict) or status.get("kind") != "Status":
        status = {"code": code, "message": body.decode("utf-8", "replace").strip()[:4096] or f"the server answered {code}"}
    error = errors.from_status(status)
    if isinstance(error, errors.TooManyRequests) and "retryAfterSeconds" not in error.details:
        after = headers.get("Retry-After", "")
        error.details = {**error.details, "retryAfterSeconds": int(after) if after.isdigit() else 1}
    return error
