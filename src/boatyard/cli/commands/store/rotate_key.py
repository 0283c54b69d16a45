"""``boatyard store rotate-key``: a new key for secrets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from boatyard.app.layout import DataDirectory
from boatyard.cli.session import data_option, secrets_key_option


@click.command("rotate-key", short_help="Encrypt all secrets with a new key.")
@data_option
@secrets_key_option
def command(data: DataDirectory, secrets_key_file: Path | None) -> None:
    """Encrypt all secrets with a new key, then forget the old one.

    Works while the control plane runs, and while it doesn't. May be ended at any moment: repeat it, and it goes on. Backups made
    before need the old key: keep a copy of the key file with them.

    \b
    Examples:
      boatyard store rotate-key
      boatyard store rotate-key --secrets-key-file /etc/boatyard/secrets-key
    """
    from boatyard.app.key_rotation import rotate
    from boatyard.app.up import AlreadyRunning
    from boatyard.machinery.runtime.world import RealWorld
    from boatyard.machinery.store.keyring import KeyRingError

    if not data.store.exists():
        raise click.ClickException(f"no control plane here: {data.store} doesn't exist")
    try:
        ring = asyncio.run(rotate(data, RealWorld(), secrets_key_file, lambda text: click.echo(text, err=True)))
    except (KeyRingError, AlreadyRunning) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"secrets are encrypted with the new key {ring.first.id}")
