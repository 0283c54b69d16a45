"""Templates to HTML: everything escaped, units for people. Jinja2 is loaded with the first page, not with the program."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from boatyard.machinery.meta.timestamps import parse_time, rfc3339

if TYPE_CHECKING:
    from jinja2 import Environment as Templates


@lru_cache(1)
def _templates() -> Templates:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("boatyard.ciserver"), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined,
        auto_reload=False,
    )  # fmt: skip
    made.globals.update(duration=duration, millis=millis)
    return made


def render(template: str, **values: Any) -> str:
    """One template's HTML."""
    return _templates().get_template(template).render(values)


def duration(started: str, finished: str) -> str:
    """How long something that is over took; empty while it runs."""
    try:
        return seconds(parse_time(finished) - parse_time(started)) if started and finished else ""
    except ValueError:
        return ""


def millis(value: Any) -> str:
    """Thousandths of a second for people."""
    return seconds(value / 1000) if isinstance(value, int | float) else ""


def seconds(value: float) -> str:
    """``340 ms``, ``4.2 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if value < 0:
        return ""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(int(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def moment(epoch: float) -> str:
    """A time as the API writes it."""
    return rfc3339(epoch)
