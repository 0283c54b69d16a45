"""The parts of scenarios, for tests that ask for ``sim``."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from sim.plant import ControlPlane, Process, SimNode, SimStreams


class Sim(NamedTuple):
    """The parts, for scenarios."""

    control_plane: type[ControlPlane] = ControlPlane
    node: type[SimNode] = SimNode
    process: type[Process] = Process
    streams: type[SimStreams] = SimStreams


@pytest.fixture
def sim() -> Sim:
    return Sim()
