"""``boatyard store check``: whether the database is what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from boatyard.app.layout import DataDirectory
from boatyard.cli.session import data_option
from boatyard.machinery.registry.stored import wrong
from boatyard.machinery.store.check import Report, check
from boatyard.machinery.store.faults import WAY_BACK, StoreFormatError
from boatyard.machinery.store.statements import FORMAT


class Unchecked(click.ClickException):
    """There is nothing that could be checked."""

    exit_code = 2


@click.command("check", short_help="Look at every page and every record of the database.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@data_option
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(file: Path | None, data: DataDirectory, output: str) -> None:
    """Look at every page, record and change of the database, or of a backup FILE, and tell what isn't as it was written.

    Works while the control plane runs, on one state of the database. Exit codes: 0 sound, 1 damaged, 2 it can't be checked.

    \b
    Examples:
      boatyard store check
      boatyard store check backup.db -o json
    """
    path = file or data.store
    try:
        report = checked(path, quiet=output == "json")
    except (StoreFormatError, OSError) as error:
        raise Unchecked(str(error)) from error
    if output == "json":
        click.echo(json.dumps(document(report), indent=2))
    else:
        tell(report)
    if not report.sound:
        raise SystemExit(1)


def checked(path: Path, *, quiet: bool) -> Report:
    """The check with its progress on standard error, where that is a terminal. Raises StoreFormatError, OSError."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bars:
        task = bars.add_task("pages", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bars.update(task, description=what, completed=done, total=total or None)

        return check(path, wrong=wrong, progress=progress)


def document(report: Report) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "path": str(report.path), "sound": report.sound, "format": report.format, "revision": report.revision,
        "compacted": report.compacted, "records": report.records, "history": report.history,
        "findings": [finding._asdict() for finding in report.findings], "furtherFindings": report.left_out,
    }  # fmt: skip


def tell(report: Report) -> None:
    """The report for people."""
    if report.sound and report.format < FORMAT:
        click.echo(f"{report.path}: its pages are whole. Its format is {report.format}; the next start brings it up to {FORMAT}.")
        return
    if report.sound:
        told = f"{report.records} records, {report.history} changes after revision {report.compacted}, up to {report.revision}"
        click.echo(f"{report.path} is sound: {told}")
        return
    click.secho(f"{report.path} is damaged:", fg="red")
    for where, what in report.findings:
        click.echo(f"  {where}: {what}")
    if report.left_out:
        click.echo(f"  and {report.left_out} more")
    click.echo(f"The way back: {WAY_BACK.partition('; ')[2]}.", err=True)
