"""Fixtures of this folder."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from boatyard.machinery.runtime.simulation import SimWorld, simulate
from unit.ci.yard import Yard


@pytest.fixture
def yard():
    def run(body: Callable[[Yard], Coroutine[Any, Any, None]], **spec: Any) -> None:
        async def scenario(world: SimWorld) -> None:
            made = Yard(world)
            await made.start()
            await made.declare(**spec)
            await body(made)

        simulate(1, scenario)

    return run
