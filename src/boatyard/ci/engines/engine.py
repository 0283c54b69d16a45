"""The port to a CI engine: which program a team's CI server is. One file per engine in this folder, found by its name.

Such a file has ``def container(ciconfig, place) -> Object``: the container of the pod ``ci-NAME``.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from types import ModuleType

from boatyard.machinery.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """Where a CI server is to live."""

    port: int
    """What it listens on."""
    url: str
    """Its pages as the outside sees them; no slash at the end."""
    base_path: str
    secret: str
    """Name of the Secret with its keys: ``gateway-token``, ``webhook``, ``uploads``."""
    data: str
    """Where its claim is mounted."""
    objects: str
    """URL of its part of the object store."""
    settings: Settings


class UnknownEngine(Exception):
    """This version has no such engine; the message says which it has."""


def load(engine: str) -> ModuleType:
    """The engine's file. Raises UnknownEngine."""
    if re.fullmatch(r"[a-z]+", engine) and engine != "engine":
        try:
            return importlib.import_module(f"boatyard.ci.engines.{engine}")
        except ModuleNotFoundError:
            pass
    raise UnknownEngine(f"This version doesn't run the engine {engine!r}; it runs boatyard.")
