"""``boatyard store``: the control plane's database. One file per command."""

from __future__ import annotations

import click

from boatyard.cli.lazy import LazyGroup


@click.group("store", cls=LazyGroup, package=__name__, short_help="Check, back up and restore the control plane's database.")
def command() -> None:
    """Look after the control plane's database, in which all resources lie.

    \b
    Examples:
      boatyard store check
      boatyard store backup /srv/backups --keep 14
      boatyard store restore /srv/backups/boatyard-20261121T090000000000Z.db
      boatyard store rotate-key
    """
