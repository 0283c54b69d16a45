"""Tests in virtual time: how busy the machine is makes no difference to what comes first."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any

from boatyard.machinery.runtime.simulation import simulate


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test whose sleeps and timers are a simulation's. If it asks for ``world``, it gets the simulation's, too. What it uses must
    need neither threads nor I/O."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        simulate(1, lambda world: test(**fixtures | ({"world": world} if "world" in fixtures else {})))

    return run
