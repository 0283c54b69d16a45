"""``boatyard keys show``: which keys sign, or have signed, service-account tokens that count."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from boatyard.app.layout import DataDirectory
from boatyard.cli.session import data_option


@click.command("show", short_help="Which keys tokens are known by, and until when.")
@data_option
def command(data: DataDirectory) -> None:
    """Show which key signs service-account tokens, and which older ones are believed until when. Nothing secret is shown.

    \b
    Example:
      boatyard keys show
    """
    from boatyard.server.auth.pki import SIGNING_KEYS
    from boatyard.server.auth.signing_keys import SigningKeyError, load

    file = data.pki / SIGNING_KEYS
    if not file.exists():
        raise click.ClickException(f"no control plane here: {file} doesn't exist")
    try:
        keys = load(file)
    except SigningKeyError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{keys.signer.kid}  signs")
    for key, until in keys.retired:
        click.echo(f"{key.kid}  is believed until {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M} UTC")
