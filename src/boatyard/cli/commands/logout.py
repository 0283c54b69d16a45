"""``boatyard logout``: the way out for every browser."""

from __future__ import annotations

import click

from boatyard.app.layout import DataDirectory
from boatyard.cli.session import data_option
from boatyard.gateway.sessions import Sessions
from boatyard.machinery.runtime.world import RealWorld


@click.command("logout", short_help="End the sessions of all browsers.")
@data_option
def command(data: DataDirectory) -> None:
    """End the sessions of all browsers, and every login link that wasn't used.

    \b
    Examples:
      boatyard logout
    """
    key = data.pki / "sessions.secret"
    if not key.exists():
        raise click.ClickException(f"no control plane here: {data.root}. Start one with `boatyard up`.")
    Sessions(key.read_bytes(), data.keys / "used-links", RealWorld()).revoke()
    click.echo("All browsers are logged out. `boatyard login` prints a new link.")
