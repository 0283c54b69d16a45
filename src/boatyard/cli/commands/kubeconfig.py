"""``boatyard kubeconfig``: the way in for kubectl."""

from __future__ import annotations

import click

from boatyard.app.layout import DataDirectory
from boatyard.cli.session import data_option


@click.command("kubeconfig")
@data_option
@click.option("--export", is_flag=True, help="Print a shell line that sets KUBECONFIG instead.")
def command(data: DataDirectory, export: bool) -> None:
    """Print the administrator's kubeconfig.

    \b
    Examples:
      boatyard kubeconfig > ~/.kube/boatyard
      eval "$(boatyard kubeconfig --export)" && kubectl get pods -A
    """
    if not data.kubeconfig.exists():
        raise click.ClickException(f"no control plane here: {data.kubeconfig} doesn't exist. Start one with `boatyard up`.")
    click.echo(f"export KUBECONFIG='{data.kubeconfig}'" if export else data.kubeconfig.read_text(), nl=export)
