"""The port to an engine: which CI server runs for a team, and what it takes. One file per engine, found by its name."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from typing import Protocol

from boatyard.ci import engines
from boatyard.ci.kinds import CiConfig
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.runtime.settings import Settings


class UnknownEngine(Exception):
    """No engine of this name is in this version."""


class Engine(Protocol):
    """Composes, from a CiConfig, the objects that only this engine knows. Pure."""

    def pod(self, config: CiConfig, port: int, settings: Settings) -> Object:
        """The CI server's pod, without owner references: named ``ci-NAME``, serving ``port`` as its port ``http``."""
        ...

    def rules(self, config: CiConfig) -> list[Object]:
        """What its service account may do: rules of a Role."""
        ...


@lru_cache
def load(name: str) -> Engine:
    """The engine of that name. Raises UnknownEngine, with those that there are."""
    known = sorted(module.name for module in pkgutil.iter_modules(engines.__path__) if module.name != "engine")
    if name not in known:
        raise UnknownEngine(f"the engine {name!r} isn't in this version; there are: {', '.join(known)}")
    return importlib.import_module(f"boatyard.ci.engines.{name}").ENGINE
