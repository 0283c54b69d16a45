"""The command line: one file per command in ``commands/``, imported when it is used."""

from __future__ import annotations

import importlib
import pkgutil

import click

from boatyard import __version__
from boatyard.cli import commands


class LazyGroup(click.Group):
    """Finds a command in the file of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        return importlib.import_module(f"boatyard.cli.commands.{cmd_name}").command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
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
