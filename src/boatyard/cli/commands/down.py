"""``boatyard down``: end the control plane on this machine."""

from __future__ import annotations

import asyncio

import click

from boatyard.app import processes
from boatyard.app.layout import DataDirectory
from boatyard.cli.session import data_option


@click.command("down")
@data_option
@click.option("--pods", is_flag=True, help="End the pods too. Without it they go on and are taken over by the next `up`.")
def command(data: DataDirectory, pods: bool) -> None:
    """End the control plane and the node agent. Pods go on, unless --pods.

    \b
    Examples:
      boatyard down
      boatyard down --pods --data /srv/boatyard
    """
    if not data.root.exists():
        raise click.ClickException(f"no control plane here: {data.root} doesn't exist")
    ended = False
    for name in ("up", "node", "control"):
        process = processes.running(data.run / f"{name}.pid")
        if process is not None:
            ended = True
            processes.end(process, patience_seconds=30)
    click.echo("control plane and node agent ended" if ended else "nothing was running")
    if pods:
        from boatyard.app.node import end_pods

        click.echo(f"{asyncio.run(end_pods(data))} pods ended")
