"""How objects are shown: as a table with the kind's own columns, as JSON or as YAML."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from boatyard.machinery.meta import yaml
from boatyard.machinery.meta.objects import Object, name, namespace
from boatyard.machinery.meta.timestamps import parse_time

COLOURS = {
    "Succeeded": "green", "Running": "cyan", "Starting": "cyan", "Queued": "yellow", "Pending": "yellow", "Failed": "red",
    "Error": "red", "Cancelled": "magenta", "Awake": "green", "Provisioning": "yellow", "Ready": "green", "NotReady": "red",
}  # fmt: skip


def show(
    objects: Object | Sequence[Object], output: str, columns: Sequence[tuple[str, str]], *, now: float, none: str = ""
) -> None:
    """Print one object or several. ``columns`` are titles and paths; a path ending in ``Timestamp`` shows an age. ``none`` is told,
    on stderr, in place of a table without rows."""
    one = isinstance(objects, dict)
    if output == "table" and not objects and none:
        sys.stderr.write(none + "\n")
        return
    if output == "table":
        _console().print(table([objects] if one else list(objects), columns, now=now))
        return
    document: Any = objects if one else {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n" if output == "json" else yaml.dump(document))


def table(objects: Sequence[Object], columns: Sequence[tuple[str, str]], *, now: float) -> Table:
    """A plain table: namespace, name, then the columns."""
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for title in ("NAMESPACE", "NAME", *(title.upper() for title, _ in columns)):
        grid.add_column(title, no_wrap=title in ("NAME", "NAMESPACE"))
    for obj in objects:
        cells = [Text(namespace(obj)), Text(name(obj), style="bold")]
        for _, path in columns:
            value = at(obj, path)
            if path.endswith("Timestamp"):
                cells.append(Text(age(now - parse_time(value)) if value else ""))
            else:
                told = "" if value is None else str(value)
                cells.append(Text(told, style=COLOURS.get(told, "")))
        grid.add_row(*cells)
    return grid


def at(obj: Any, path: str) -> Any:
    """The value at a dotted path, None where it isn't."""
    for step in path.strip(".").split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return obj


def age(seconds: float) -> str:
    """As kubectl tells ages: ``45s``, ``12m``, ``3h``, ``2d``."""
    seconds = max(0, int(seconds))
    for size, unit in ((86400 * 2, "d"), (7200, "h"), (120, "m")):
        if seconds >= size:
            return f"{seconds // {'d': 86400, 'h': 3600, 'm': 60}[unit]}{unit}"
    return f"{seconds}s"


def _console() -> Console:
    # A table that is piped on is as wide as it needs to be.
    return Console() if sys.stdout.isatty() else Console(width=1000)
