"""Logs: one line per event, with its fields, to standard error. JSON unless a person watches."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO, cast

import structlog

HIDDEN = frozenset({"authorization", "token", "password", "secret", "cookie", "signature", "credentials"})
"""Fields whose values are never written, whatever they hold."""


def _hide(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for field in event:
        if field.lower() in HIDDEN:
            event[field] = "(hidden)"
    return event


def _our_fault(record: logging.LogRecord) -> bool:
    """Whether a record of the HTTP server's is about more than a request that was no HTTP.

    Anybody can send such a request, as often as he likes; its refusal is answer enough. A traceback each time would fill the disk,
    and it quotes headers, which may hold somebody's token.
    """
    error = record.exc_info[1] if record.exc_info else None
    return type(error).__module__ != "aiohttp.http_exceptions" and type(error).__name__ != "RequestPayloadError"


class _Forgiving:
    """A stream whose faults are nobody's business: what can't be written (the disk is full, the reader is gone) is lost, and the
    program that logged goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            self._stream.write(text)
        except OSError:
            pass
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            pass


def configure(component: str, *, level: str = "info", stream: TextIO | None = None) -> None:
    """Set logs up for this process. ``component`` is a field of every line."""
    target: TextIO = sys.stderr if stream is None else stream
    person = target.isatty()
    out = cast(TextIO, _Forgiving(target))
    timestamper = structlog.processors.TimeStamper(fmt="%H:%M:%S" if person else "iso", utc=not person)
    renderer = structlog.dev.ConsoleRenderer(colors=True) if person else structlog.processors.JSONRenderer()
    exceptions = [] if person else [structlog.processors.format_exc_info]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        timestamper,
        _hide,
        *exceptions,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(component=component)
    # Libraries speak through the standard library: their warnings take the same way out.
    handler = logging.StreamHandler(out)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    web = logging.getLogger("aiohttp.server")
    web.filters = [_our_fault]


def get_logger(name: str) -> Any:
    """The logger of a room; ``name`` is the field ``room`` of its lines."""
    return structlog.get_logger(room=name)
