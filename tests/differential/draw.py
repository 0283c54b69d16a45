"""Drawing at random what every call may have."""

from __future__ import annotations

from typing import Any

from .documents import Draw

Query = list[tuple[str, str]]
BAD_OPTIONS = (
    ("dryRun", "Nope"), ("fieldValidation", "nope"), ("fieldManager", "x" * 200), ("pretty", "true"), ("dryRun", ""),
)  # fmt: skip


def seen(what: str, path: str) -> str:
    """A place for what a server said of what is at ``path``: its ``rv``, ``was``, ``uid``, ``list`` or ``continue``."""
    return f"@{{{what}:{path}}}"


def chance(draw: Draw, percent: int) -> bool:
    return draw.randrange(100) >= 100 - percent


def of(draw: Draw, values: Any) -> Any:
    return draw.choice(values)


def writing(draw: Draw) -> Query:
    """Options of a write."""
    query: Query = []
    which = draw.randint(0, 19)
    if which in (14, 15):
        query.append(("dryRun", "All"))
    if which in (16, 17, 18):
        query.append(("fieldValidation", of(draw, ("Strict", "Warn", "Ignore"))))
    if which == 19:
        query.append(of(draw, BAD_OPTIONS))
    return query
