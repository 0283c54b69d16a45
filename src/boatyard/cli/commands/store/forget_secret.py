"""``boatyard store forget-secret``: the way out when a key is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from boatyard.app.layout import DataDirectory
from boatyard.cli.session import data_option, secrets_key_option


@click.command("forget-secret", short_help="Delete a secret that no key decrypts.")
@click.argument("secret", metavar="NAMESPACE/NAME")
@data_option
@secrets_key_option
def command(secret: str, data: DataDirectory, secrets_key_file: Path | None) -> None:
    """Delete a secret that no key decrypts, which the API can't. Others are left alone. The control plane must not run.

    \b
    Examples:
      boatyard store forget-secret team/lost
    """
    from boatyard.app.key_rotation import forget
    from boatyard.app.up import AlreadyRunning
    from boatyard.machinery.runtime.world import RealWorld
    from boatyard.machinery.store.keyring import KeyRingError

    namespace, _, name = secret.partition("/")
    if not data.store.exists():
        raise click.ClickException(f"no control plane here: {data.store} doesn't exist")
    try:
        asyncio.run(forget(data, RealWorld(), secrets_key_file, namespace, name))
    except (KeyRingError, AlreadyRunning, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"secret {secret} deleted")
