"""``boatyard doctor``: what this machine can do."""

from __future__ import annotations

import json

import click
from rich.console import Console

from boatyard.app.doctor import Finding, examine
from boatyard.app.layout import DataDirectory
from boatyard.cli.session import data_option

MARKS = {"ok": "[green]✓[/]", "limited": "[yellow]![/]", "missing": "[red]✗[/]"}


@click.command("doctor", short_help="Find out what this machine can do.")
@data_option
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(data: DataDirectory, output: str) -> None:
    """Try what Boatyard needs on this machine, and say what follows where something lacks. Exit code 1 when it can't work.

    \b
    Examples:
      boatyard doctor
      boatyard doctor -o json
    """
    console = Console()
    findings: list[Finding] = []
    for finding in examine(data.root):
        findings.append(finding)
        if output == "table":
            console.print(f"{MARKS[finding.verdict]} {finding.what:<12}", end="")
            console.print(finding.told, highlight=False, markup=False, soft_wrap=True)
    if output == "json":
        click.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
    if any(finding.verdict == "missing" for finding in findings):
        raise SystemExit(1)
