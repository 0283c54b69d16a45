"""``boatyard store backup``: a copy of the database, also while it is in use."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import click

from boatyard.app.layout import DataDirectory
from boatyard.cli.commands.store.check import checked
from boatyard.cli.session import data_option
from boatyard.machinery.store.backup import backup
from boatyard.machinery.store.faults import StoreFormatError
from boatyard.machinery.store.store import Damaged

_NAME = re.compile(r"boatyard-\d{8}T\d{12}Z\.db")


@click.command("backup", short_help="Copy the database, also while it is in use.")
@click.argument("target", type=click.Path(path_type=Path))
@data_option
@click.option("--keep", type=click.IntRange(1), help="With a directory: delete all but so many of its newest backups.")
def command(target: Path, data: DataDirectory, keep: int | None) -> None:
    """Copy one state of the database to the file TARGET, or into the directory TARGET under a name made of the time (UTC).

    Works while the control plane runs. The copy is checked, synced, and readable by its owner only; it appears whole or not at all.
    It holds Secrets encrypted and no keys: keep a copy of `control/keys` and `control/pki` too, elsewhere.

    \b
    Examples:
      boatyard store backup boatyard.db
      boatyard store backup /srv/backups --keep 14
    """
    if keep is not None and not target.is_dir():
        raise click.UsageError("--keep needs a directory")
    file = target / f"boatyard-{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z.db" if target.is_dir() else target
    try:
        report = backup(data.store, file, lambda part: checked(part, quiet=False))
        click.echo(f"{file}: {report.records} records at revision {report.revision}, {file.stat().st_size:,} bytes")
        if keep is not None:
            for old in sorted(path for path in target.iterdir() if _NAME.fullmatch(path.name))[:-keep]:
                old.unlink()
                click.echo(f"{old} deleted", err=True)
    except (Damaged, StoreFormatError, OSError) as error:
        raise click.ClickException(str(error)) from error
