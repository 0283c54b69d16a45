"""What a standard build gives a repository that doesn't say it itself. One file per type in this folder, found by its name."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boatyard.ci.pipeline_fields import Artifact, JunitReports, Step

CONTAINER = "build"
"""Name of the container that a standard build makes."""


@dataclass(frozen=True, slots=True)
class Builder:
    """One type with its stack chosen."""

    image: str
    steps: tuple[Step, ...]
    """What runs when the repository has no pipeline; empty: it must have one."""
    tests: tuple[JunitReports, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    env: Mapping[str, str] | None = None


class UnknownBuilder(ValueError):
    """There is no such type, or no such stack of it; the message lists those there are."""


def builder(type: str, spec: Mapping[str, Any]) -> Builder:
    """The standard build of a type (``maven``) with its ``spec`` (``stack: java17``). Raises UnknownBuilder."""
    if type not in types():
        raise UnknownBuilder(f"no standard build {type!r}; there are {', '.join(types())}")
    return importlib.import_module(f"{__package__}.{type}").builder(spec)


def types() -> list[str]:
    """Every type there is."""
    package = importlib.import_module(__package__ or "")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name != "builder")


def stack(spec: Mapping[str, Any], stacks: Mapping[str, str], default: str) -> str:
    """The image for ``spec.stack``. Raises UnknownBuilder."""
    wanted = spec.get("stack", default)
    if not isinstance(wanted, str) or wanted not in stacks:
        told = re.sub(r"[^\w.-]", "?", str(wanted))[:40]
        raise UnknownBuilder(f"no stack {told!r}; there are {', '.join(stacks)}")
    return stacks[wanted]
