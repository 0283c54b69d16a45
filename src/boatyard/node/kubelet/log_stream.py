"""A container's log as a client asked for it: from where, how much, and on and on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.timestamps import parse_time, rfc3339_micro
from boatyard.node.kubelet.log_file import BLOCK_BYTES, LogParser, tail_offset


class LogOptions(NamedTuple):
    """What of a log is wanted."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since: str = ""
    """Lines before this moment are left out; RFC 3339, UTC, comparable as text."""
    limit_bytes: int | None = None


def parse_options(query: Mapping[str, str], now: float) -> LogOptions:
    """The query of ``/containerLogs``. Raises BadRequest."""
    try:
        tail = int(query["tailLines"]) if query.get("tailLines") else None
        limit = int(query["limitBytes"]) if query.get("limitBytes") else None
        since = ""
        if query.get("sinceSeconds"):
            since = rfc3339_micro(now - float(query["sinceSeconds"])).removesuffix("Z")
        elif query.get("sinceTime"):
            since = rfc3339_micro(parse_time(query["sinceTime"])).removesuffix("Z")
    except ValueError as error:
        raise BadRequest(f"unable to decode the log options: {error}") from None
    if tail is not None and tail < 0:
        raise BadRequest("tailLines must be greater than or equal to 0")
    if limit is not None and limit < 1:
        raise BadRequest("limitBytes must be greater than 0")
    return LogOptions(_true(query, "follow"), _true(query, "previous"), _true(query, "timestamps"), tail, since, limit)


async def stream(
    path: Path, options: LogOptions, over: Callable[[], Awaitable[bool]], news: Callable[[], Awaitable[None]]
) -> AsyncGenerator[bytes]:
    """The log's text in pieces of bounded size. With ``follow`` it goes on until the container is ``over()`` and all is read;
    ``news()`` returns when there may be more. Raises OSError."""
    parser = LogParser(timestamps=options.timestamps, since=options.since)
    left = options.limit_bytes
    with path.open("rb") as file:
        if options.tail_lines is not None:
            file.seek(tail_offset(path, options.tail_lines))
        ending = False
        while True:
            data = file.read(BLOCK_BYTES)
            if data:
                text = parser.feed(data)
                if left is not None:
                    text = text[:left]
                    left -= len(text)
                if text:
                    yield text
                if left == 0:
                    return
            elif not options.follow or ending:
                return
            elif await over():
                ending = True  # what was written before the end is read before we leave
            else:
                await news()


def _true(query: Mapping[str, str], key: str) -> bool:
    return query.get(key, "").lower() in ("true", "1")
