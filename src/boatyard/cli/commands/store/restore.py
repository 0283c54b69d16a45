"""``boatyard store restore``: go back to a backup."""

from __future__ import annotations

from pathlib import Path

import click

from boatyard.app.layout import DataDirectory, LayoutError
from boatyard.app.up import AlreadyRunning, hold
from boatyard.cli.commands.store.check import checked
from boatyard.cli.session import data_option
from boatyard.machinery.store.backup import restore
from boatyard.machinery.store.faults import StoreFormatError, StoreInUse
from boatyard.machinery.store.store import Damaged


@click.command("restore", short_help="Put a backup in place of the database.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@data_option
def command(file: Path, data: DataDirectory) -> None:
    """Put the backup FILE in place of the database. The control plane must not run; pods may.

    The backup is checked first, and what was there is kept aside. Revisions go on far beyond all earlier ones, so clients that know
    newer ones list anew. Ended at any moment, repeat it.

    \b
    Examples:
      boatyard down && boatyard store restore boatyard.db && boatyard up
    """
    try:
        data.prepare()
        with hold(data):
            done = restore(data.store, file, lambda path: checked(path, quiet=False))
    except (LayoutError, AlreadyRunning, StoreInUse, Damaged, StoreFormatError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"restored as of revision {done.told}; it goes on at {done.revision}")
    if done.aside:
        click.echo(f"what was there before is kept in {done.aside}", err=True)
