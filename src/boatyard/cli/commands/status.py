"""``boatyard status``: what runs here and how it is."""

from __future__ import annotations

import json
from typing import Any

import click

from boatyard.app import addresses, processes
from boatyard.app.layout import DataDirectory
from boatyard.cli.session import asynchronous, connection, data_option
from boatyard.machinery.meta import yaml
from boatyard.machinery.meta.conditions import is_true
from boatyard.machinery.meta.core import NODES, PODS
from boatyard.machinery.meta.errors import ApiError


@click.command("status", short_help="Tell what runs here, where it listens, how it is.")
@data_option
@click.option("-o", "--output", type=click.Choice(["table", "json", "yaml"]), default="table", show_default=True)
@asynchronous
async def command(data: DataDirectory, output: str) -> None:
    """Tell whether the control plane and its node run, where they listen, and what they carry. Exit code 1 when something is wrong.

    \b
    Examples:
      boatyard status
      boatyard status -o json | jq .pods
    """
    found = await _find_out(data)
    if output == "json":
        click.echo(json.dumps(found, indent=2))
    elif output == "yaml":
        click.echo(yaml.dump(found), nl=False)
    else:
        for title, value in found.items():
            text = ", ".join(f"{count} {phase}" for phase, count in value.items()) or "none" if isinstance(value, dict) else value
            click.echo(f"{title.replace('_', ' '):<14}{click.style(str(text), fg='red') if _wrong(title, value) else text}")
    if any(_wrong(title, value) for title, value in found.items()):
        raise SystemExit(1)


def _wrong(title: str, value: Any) -> bool:
    return title in ("control_plane", "node_agent", "api", "node") and not str(value).startswith(("running", "https://", "ready"))


async def _find_out(data: DataDirectory) -> dict[str, Any]:
    found: dict[str, Any] = {"data": str(data.root)}
    for title, file in (("control_plane", "control.pid"), ("node_agent", "node.pid")):
        process = processes.running(data.run / file)
        found[title] = f"running (process {process.pid})" if process else "not running"
    chosen = addresses.load(data.root / "control" / "addresses.json")
    if chosen is None or not data.kubeconfig.exists():
        return found
    found |= {"api": chosen.api, "front_door": chosen.public}
    async with connection(data.kubeconfig) as client:
        try:
            nodes = (await client.list(NODES)).items
            pods = (await client.list(PODS)).items
        except ApiError as error:
            return found | {"api": f"not answering at {chosen.api}: {error.message}"}
    ready = [node["metadata"]["name"] for node in nodes if is_true(node, "Ready")]
    found["node"] = f"ready ({', '.join(ready)})" if ready else "not ready"
    phases: dict[str, int] = {}
    for pod in pods:
        phase = (pod.get("status") or {}).get("phase", "Unknown")
        phases[phase] = phases.get(phase, 0) + 1
    return found | {"pods": dict(sorted(phases.items()))}
