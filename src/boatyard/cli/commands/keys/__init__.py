"""``boatyard keys``: the keys that sign service-account tokens. One file per command."""

from __future__ import annotations

import click

from boatyard.cli.lazy import LazyGroup


@click.group("keys", cls=LazyGroup, package=__name__, short_help="Show and change the keys that sign service-account tokens.")
def command() -> None:
    """Look after the keys that sign service-account tokens. (The key of Secrets: `boatyard store rotate-key`.)

    \b
    Examples:
      boatyard keys show
      boatyard keys rotate
    """
