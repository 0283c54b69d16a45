"""One row of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """What was measured, ours and the peer's, and the bound it is held to."""

    what: str
    ours: str
    peer: str
    ratio: str
    bound: str
    holds: bool | None
    """None where there is no bound, or the peer could not be run (``peer`` says why)."""
    note: str = ""


def show(figures: Sequence[Figure]) -> None:
    """Print the table; wide enough for a log file."""
    table = Table(title="Boatyard's figures", title_justify="left", header_style="bold")
    for column in ("figure", "ours", "peer", "ratio", "bound", "", "note"):
        table.add_column(column)
    for figure in figures:
        mark = "" if figure.holds is None else "[green]holds[/]" if figure.holds else "[red]falls short[/]"
        table.add_row(figure.what, figure.ours, figure.peer, figure.ratio, figure.bound, mark, figure.note)
    Console(width=180).print(table)
