"""Finds the controllers: every ``<kind>_controller.py`` of the domain rooms, in order of room and file name."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path

import boatyard
from boatyard.machinery.runtime.controller import Controller
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

EMBEDDED_ONLY = frozenset({"cluster"})
"""Rooms that do what Kubernetes' own controller manager does: needed only where there is none."""


def controllers(manager: Manager, settings: Settings) -> Iterable[Controller]:
    """Every controller, made by its file's ``controller(manager, settings)``."""
    for module in module_names():
        if module.split(".")[1] in EMBEDDED_ONLY and not settings.embedded:
            continue
        yield importlib.import_module(module).controller(manager, settings)


def module_names() -> list[str]:
    """``boatyard.<room>.<kind>_controller`` of each room, sorted."""
    root = Path(boatyard.__file__).parent
    return [f"boatyard.{path.parent.name}.{path.stem}" for path in sorted(root.glob("*/*_controller.py"))]
