"""``boatyard keys rotate``: another key signs service-account tokens."""

from __future__ import annotations

import click

from boatyard.app.layout import DataDirectory
from boatyard.cli.session import data_option


@click.command("rotate", short_help="Sign service-account tokens with a new key.")
@data_option
@click.option("--revoke", is_flag=True, help="Refuse at once whatever older keys signed: when one has leaked.")
def command(data: DataDirectory, revoke: bool) -> None:
    """Sign service-account tokens with a new key from now on.

    Tokens that older keys signed count until they expire, a year at most.

    Works while the control plane runs, which sees it within a second, and while it doesn't. Nothing has to be started again, except
    with --revoke: then pods have no good token until theirs is renewed (an hour at most), or the node agent starts again.

    \b
    Examples:
      boatyard keys rotate
      boatyard keys rotate --revoke && boatyard down && boatyard up --detach
    """
    from boatyard.machinery.runtime.world import RealWorld
    from boatyard.server.auth.pki import SIGNING_KEYS
    from boatyard.server.auth.signing_keys import SigningKeyError, rotate

    file = data.pki / SIGNING_KEYS
    if not file.exists():
        raise click.ClickException(f"no control plane here: {file} doesn't exist")
    try:
        keys = rotate(file, RealWorld(), revoke=revoke)
    except SigningKeyError as error:
        raise click.ClickException(str(error)) from error
    older = f"older keys that are still believed: {len(keys.retired)}" if keys.retired else "no older key is believed"
    click.echo(f"tokens are signed with the new key {keys.signer.kid}; {older}")
