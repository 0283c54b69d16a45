"""What all tests share: one Gitea for a process, the order of tests, and who runs beside whom (``pytest -n auto``)."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

from parts import gitea

# Tests run beside each other, and beside whatever else the machine does: how long an example takes says nothing.
hypothesis.settings.register_profile("beside", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("beside")

LONGEST_FIRST = (
    "sim/test_whole", "e2e/test_gitea", "unit/ciserver/test_real_gitea", "conformance/scm", "e2e", "unit/node/machine",
    "conformance", "sim",
)  # fmt: skip
"""Below ``tests``. What takes long begins early, so that no worker is left alone with it at the end."""

SIMULATION = "simulation"
TOGETHER = {
    "sim/test_whole": SIMULATION,
    "e2e/test_gitea": "gitea",
    "unit/ciserver/test_real_gitea": "gitea",
    "conformance/scm": "gitea",
    "conformance/api": "api {parameter}",
    "conformance/access": "access",
}
"""What one process does, one after the other: they share something that is made once (a Gitea, a subject of the API suite), or that
there is only one of (names in the judge). ``parameter`` is the test's first."""


@pytest.fixture(scope="session")
def one_gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A real Gitea that tests share, see :func:`parts.gitea`: each has a repository of its own. Who stops it starts it again."""
    with gitea(tmp_path_factory.mktemp("gitea")) as access:
        yield access


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A worker that dies ends the run, as a failure; no other takes its place, which would wait for ever (xdist hands it a single
    test, and a worker begins a test when it knows the next)."""
    if getattr(config.option, "maxworkerrestart", "") is None:
        config.option.maxworkerrestart = "0"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first."""

    def rank(item: pytest.Item) -> int:
        below = item.nodeid.removeprefix("tests/")
        return next((at for at, start in enumerate(LONGEST_FIRST) if below.startswith(start)), len(LONGEST_FIRST))

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end: what clears memory of something else needn't look at them each time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: tests of real software wait more than they compute, and one worker does nothing but wait for
    the simulations, which have processes of their own on all cores and take what the others leave."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each test goes to whoever is free, in order, but those of :data:`TOGETHER`. (xdist's own groups need a node id that can be
    changed.)"""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            below = nodeid.removeprefix("tests/")
            group = next((group for start, group in TOGETHER.items() if below.startswith(start)), nodeid)
            return group.replace("{parameter}", below.partition("[")[2].partition("]")[0].partition("-")[0])

        def _reschedule(self, node: Any) -> None:
            """Nothing waits behind the simulations: they may well be the last to end."""
            simulating = self.assigned_work[node].get(SIMULATION, {})
            if list(simulating.values()).count(False) < 2:
                super()._reschedule(node)

    config.option.loadscopereorder = False
    return Scheduling(config, log)
