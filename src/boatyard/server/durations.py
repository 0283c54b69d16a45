"""Ages as kubectl shows them, from ``apimachinery/pkg/util/duration``."""

from __future__ import annotations

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import parse_time


def human(seconds: float) -> str:
    """``95s``, ``5m30s``, ``47h``, ``3d4h``, ``400d``, ``3y10d``: at most two units, rounded down."""
    total = int(seconds)
    if total < -1:
        return "<invalid>"
    if total < 0:
        return "0s"
    if total < 120:
        return f"{total}s"
    minutes = total // 60
    if minutes < 10:
        return _two(minutes, "m", total % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 365 * 2:
        return f"{days}d"
    if days < 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def since(timestamp: str | None, now: float) -> str:
    """How long ago, ``<unknown>`` without a readable time."""
    if not timestamp:
        return "<unknown>"
    try:
        return human(now - parse_time(timestamp))
    except ValueError:
        return "<unknown>"


def age(obj: Object, now: float) -> str:
    """How old an object is."""
    return since(obj["metadata"].get("creationTimestamp"), now)


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
