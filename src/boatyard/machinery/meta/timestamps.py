"""Times and durations as the API writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_KEPT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))")
_DURATION = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def rfc3339(epoch: float) -> str:
    """``2026-01-01T00:00:00Z``: whole seconds, cut off, UTC (``metav1.Time``)."""
    return _whole_second(int(epoch // 1))


@lru_cache(maxsize=64)
def _whole_second(epoch: int) -> str:
    return (_EPOCH + timedelta(seconds=epoch)).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(epoch: float) -> str:
    """``2026-01-01T00:00:00.000000Z`` (``metav1.MicroTime``: leases, events)."""
    return (_EPOCH + timedelta(microseconds=int(epoch * 1_000_000 // 1))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@lru_cache(maxsize=512)
def parse_time(text: str) -> float:
    """Seconds since the epoch. Raises ValueError when it isn't RFC 3339 with an offset."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2026-01-01T00:00:00Z")
    date, clock, fraction, offset = match.groups()
    moment = datetime.fromisoformat(f"{date}T{clock}{'+00:00' if offset in 'Zz' else offset}")
    return (moment - _EPOCH).total_seconds() + float(fraction or 0)


@lru_cache(maxsize=2048)
def canonical_time(text: str) -> str:
    """The form in which Kubernetes keeps a ``metav1.Time``: UTC, whole seconds, cut off. Raises ValueError when it is none."""
    return _utc(text).isoformat(timespec="seconds") + "Z"


@lru_cache(maxsize=2048)
def canonical_micro_time(text: str) -> str:
    """The form in which Kubernetes keeps a ``metav1.MicroTime``: UTC. Raises ValueError when it is none:
    six digits are its own."""
    match = _KEPT.fullmatch(text)
    if match is not None and len(match.group(2) or "") != len(".000000"):
        raise ValueError(f"{text!r} is not an RFC 3339 time with microseconds such as 2026-01-01T00:00:00.000000Z")
    return _utc(text).isoformat(timespec="seconds") + text[19:26] + "Z"


def _utc(text: str) -> datetime:
    """The whole second."""
    match = _KEPT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2026-01-01T00:00:00Z")
    clock, _, sign, hours, minutes = match.groups()
    moment = datetime.fromisoformat(clock)
    if sign is None:
        return moment
    if int(hours) > 24 or int(minutes) > 60:
        raise ValueError(f"{text!r} is in a zone that isn't one")
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    try:
        return moment - ahead if sign == "+" else moment + ahead
    except OverflowError:
        raise ValueError(f"{text!r} is in no year that has four digits") from None


@lru_cache(maxsize=128)
def duration_seconds(text: str) -> float:
    """Seconds of a Go duration: ``1h30m``, ``2.5s``, ``-10ms``, ``0``. Raises ValueError."""
    sign, rest = (-1.0, text[1:]) if text[:1] == "-" else (1.0, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    total, at = 0.0, 0
    for match in _DURATION.finditer(rest):
        if match.start() != at:
            break
        total += float(match.group(1)) * _UNIT_SECONDS[match.group(2)]
        at = match.end()
    if not rest or at != len(rest):
        raise ValueError(f"{text!r} is not a duration such as 1h30m")
    return sign * total


def format_duration(seconds: float) -> str:
    """The shortest Go form to the millisecond: ``1h30m``, ``2.5s``, ``0s``."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    told = (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "")
    if milliseconds or not told:
        told += f"{milliseconds / 1000:g}s"
    return told
