"""``boatyard store compact``: the smallest file."""

from __future__ import annotations

import asyncio

import click

from boatyard.app.layout import DataDirectory
from boatyard.app.up import AlreadyRunning, hold
from boatyard.cli.session import data_option
from boatyard.machinery.store.faults import StoreFormatError, StoreInUse
from boatyard.machinery.store.scrub import scrub
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Damaged


@click.command("compact", short_help="Forget all history and write the database anew.")
@data_option
def command(data: DataDirectory) -> None:
    """Forget all history and write the database anew, as small as it can be. The control plane must not run.

    Seldom needed: a running control plane forgets what is older than five minutes, and uses the space again.

    \b
    Examples:
      boatyard down && boatyard store compact && boatyard up
    """
    try:
        if not data.store.exists():
            raise FileNotFoundError(f"there is no database at {data.store}")
        with hold(data):
            before = data.store.stat().st_size
            asyncio.run(_compact(data))
            scrub(data.store)
    except (AlreadyRunning, StoreInUse, Damaged, StoreFormatError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{data.store}: {before:,} bytes before, {data.store.stat().st_size:,} now")


async def _compact(data: DataDirectory) -> None:
    store = await SqliteStore.open(data.store, expected=True)
    try:
        await store.compact(store.revision)
    finally:
        await store.close()
