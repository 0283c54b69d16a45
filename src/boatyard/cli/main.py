"""The command line: one file per command in ``commands/``, imported when it is used."""

from __future__ import annotations

import click

from boatyard import __version__
from boatyard.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup, package="boatyard.cli.commands",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)  # fmt: skip
@click.version_option(__version__, prog_name="boatyard")
def main() -> None:
    """One control plane for the whole path from a bare machine to a green build.

    \b
    Start one on this machine:      boatyard up
    Declare a team's CI:            boatyard ci create web --git https://git.example.org/web.git
    Watch its builds:               boatyard build list
    Look further with kubectl:      eval "$(boatyard kubeconfig --export)"; kubectl get boatyard -A
    """


if __name__ == "__main__":
    main()
