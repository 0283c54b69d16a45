"""``boatyard login``: the way in for a browser."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import click

from boatyard.app import addresses
from boatyard.app.layout import DataDirectory
from boatyard.cli.session import data_option
from boatyard.gateway.sessions import Sessions
from boatyard.machinery.runtime.world import RealWorld


@click.command("login", short_help="Print a login link for a browser.")
@data_option
@click.option("--next", "page", default="/", help="Page to open, e.g. a CI's address.")
def command(data: DataDirectory, page: str) -> None:
    """Print a link that logs a browser in, once, within ten minutes.

    \b
    Examples:
      boatyard login
      boatyard login --next "$(boatyard ci show web -o json | jq -r .status.url)"
    """
    chosen = addresses.load(data.root / "control" / "addresses.json")
    key = data.pki / "sessions.secret"
    if chosen is None or not key.exists():
        raise click.ClickException(f"no control plane here: {data.root}. Start one with `boatyard up`.")
    token = Sessions(key.read_bytes(), data.keys / "used-links", RealWorld()).login_token()
    click.echo(f"{chosen.public}/-/login?token={token}&to={quote(urlsplit(page).path or '/')}")
