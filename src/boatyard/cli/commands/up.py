"""``boatyard up``: a control plane and a node agent on this machine."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from boatyard.app import addresses, processes
from boatyard.app.layout import DataDirectory, LayoutError
from boatyard.app.up import AlreadyRunning, Child, ChildFailed, Parent
from boatyard.cli.session import data_option, secrets_key_option
from boatyard.machinery.runtime.world import RealWorld
from boatyard.server.flow import limits


@click.command("up", short_help="Start a control plane and a node agent here.")
@data_option
@click.option("--api-port", type=click.IntRange(0, 65535), help="Port of the API server; 0 takes a free one.  [first time: 7443]")
@click.option(
    "--gateway-port", type=click.IntRange(0, 65535), help="Port of the front door; 0 takes a free one.  [first time: 8443]"
)
@click.option(
    "--gateway-http-port", type=click.IntRange(0, 65535), help="Also take plain HTTP on the loopback address.  [first time: off]"
)
@click.option(
    "--external-url",
    help="Where browsers and SCMs reach the front door, e.g. through a proxy: https://ci.example.org.  [first time: none]",
)
@click.option(
    "--sandbox",
    type=click.Choice(["auto", "bubblewrap", "process"]),
    default="auto",
    show_default=True,
    help="How pods are isolated.",
)
@click.option(
    "--limit", "asked", multiple=True, metavar="NAME=NUMBER",
    help="How much the API server takes on at once, e.g. watches-per-user=500; see docs/operating.md.  [first time: defaults]",
)  # fmt: skip
@click.option("--no-pod-network", is_flag=True, help="Pods share the machine's network (always so without root).")
@secrets_key_option
@click.option("--detach", is_flag=True, help="Return when it is ready; end it with `boatyard down`.")
def command(
    data: DataDirectory, api_port: int | None, gateway_port: int | None, gateway_http_port: int | None,
    external_url: str | None, sandbox: str, asked: tuple[str, ...], no_pod_network: bool, secrets_key_file: Path | None,
    detach: bool,
) -> None:  # fmt: skip
    """Start a control plane and a node agent on this machine, in the foreground.

    Ports and limits are chosen once and remembered. Ctrl-C ends both programs; pods go on and are taken over by the next `up`.
    Secrets are kept encrypted, with a key in the data directory or in the file of --secrets-key-file, which every `up` must name.

    \b
    Examples:
      boatyard up
      boatyard up --data /srv/boatyard --api-port 6443 --gateway-port 443
      boatyard up --detach && boatyard status
    """
    console = Console(stderr=True)
    if detach:
        _detach(data, console)
        return
    try:
        data.prepare()
        isolation = _sandbox(sandbox)
        parent = Parent(data, RealWorld(), lambda text: console.print(text, highlight=False))
        parent.lock()
        file = data.root / "control" / "addresses.json"
        networked = os.geteuid() == 0 and isolation == "bubblewrap" and not no_pod_network
        chosen = addresses.choose(
            addresses.load(file), api_port=api_port, gateway_port=gateway_port, gateway_http_port=gateway_http_port,
            internal_host=addresses.internal_host(data.node, pod_network=networked), external_url=external_url,
        )  # fmt: skip
        addresses.save(file, chosen)
        limits.save(data.limits, limits.changed(limits.load(data.limits), asked))
        with console.status("starting the control plane and the node agent …"):
            keys = ("--secrets-key-file", str(secrets_key_file.absolute())) if secrets_key_file else ()
            children = [
                Child("control", ("-m", "boatyard.app.control", str(data.root), *keys)),
                Child("node", ("-m", "boatyard.app.node", str(data.root), "--sandbox", isolation)),
            ]
            asyncio.run(parent.run(children, lambda: _welcome(console, data, chosen, isolation)))
    except (LayoutError, addresses.AddressError, limits.LimitError, AlreadyRunning, ChildFailed) as error:
        raise click.ClickException(str(error)) from error


def _sandbox(asked: str) -> str:
    """The sandbox to use; auto takes bubblewrap where it works."""
    from boatyard.app.doctor import bubblewrap_works

    if asked == "process":
        return asked
    works, why = bubblewrap_works()
    if not works and asked == "bubblewrap":
        raise click.ClickException(f"bubblewrap doesn't work here: {why}")
    return "bubblewrap" if works else "process"


def _welcome(console: Console, data: DataDirectory, chosen: addresses.Addresses, isolation: str) -> None:
    lines: list[tuple[str, Any]] = [
        ("API server", chosen.api),
        ("front door", chosen.public),
        ("pods", f"{isolation} sandbox, {'a network of their own' if chosen.pod_network else 'the network of this machine'}"),
        ("data", data.root),
        ("kubectl", f"KUBECONFIG={data.kubeconfig} kubectl get boatyard -A"),
    ]
    console.print("[bold green]Boatyard is up.[/] Ctrl-C ends it; pods go on.", highlight=False)
    for title, value in lines:
        console.print(f"  {title:<11}{value}", highlight=False, soft_wrap=True)
    if isolation == "process":
        console.print(
            "  [yellow]Without bubblewrap, builds are not isolated from each other: install it for anything but a trial.[/]"
        )


def _detach(data: DataDirectory, console: Console) -> None:
    """Run the same command again in a session of its own, and wait until it says that it is ready."""
    try:
        data.prepare()
    except LayoutError as error:
        raise click.ClickException(str(error)) from error
    log = data.run / "up.log"
    arguments = [argument for argument in sys.argv[1:] if argument != "--detach"]
    with open(log, "wb") as out, console.status("starting the control plane and the node agent …"):
        process = subprocess.Popen(
            [sys.executable, "-m", "boatyard.cli.main", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        while True:
            said = log.read_text(errors="replace")
            if "Boatyard is up." in said:
                break
            if process.poll() is not None:
                raise click.ClickException(said.strip().removeprefix("Error: ") or f"it ended; see {log}")
            time.sleep(0.05)
    identity = processes.running(data.run / "up.pid")
    console.print(
        said.replace("Ctrl-C ends it; pods go on.", f"(process {identity.pid if identity else '?'}, log {log})"),
        end="",
        highlight=False,
    )
