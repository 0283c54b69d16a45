"""Groups of commands that import a command's file when it is used."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import click


class LazyGroup(click.Group):
    """Finds a command in the file of its name in ``package``, as ``command``; ``rotate-key`` in ``rotate_key.py``."""

    def __init__(self, *args: Any, package: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        modules = pkgutil.iter_modules(importlib.import_module(self._package).__path__)
        return sorted(module.name.replace("_", "-") for module in modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        return importlib.import_module(f"{self._package}.{cmd_name.replace('-', '_')}").command
