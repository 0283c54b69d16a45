"""Every build reaches its right verdict, reported once, and nothing is left over, whatever dies between any two writes.

A seed is one installation: its teams, their pushes, and who dies when. Builds are counted over all instances.
"""

from __future__ import annotations

import pytest

from sim.seeds import Job, run_all

SMALL = [Job(10, 50, seed) for seed in range(100)]
LARGE = [Job(50, 500, seed) for seed in range(2)]
WHOLE = [Job(10, 10 * 50, seed) for seed in range(100)]
WHOLE_LARGE = [Job(50, 50 * 500, seed) for seed in range(2)]
"""As many builds for every instance."""


@pytest.fixture(scope="module")
def histories() -> dict[Job, str]:
    """What became of every seed. Larger houses, of which the long tier has many, come first: they take longest."""
    return run_all([*LARGE, WHOLE[0], *SMALL])


@pytest.mark.timeout(3600)
def test_every_build_has_its_verdict_under_every_seed(histories: dict[Job, str]) -> None:
    assert len(set(histories.values())) == len(histories) == len(SMALL) + 3, "different seeds give different histories"


@pytest.mark.timeout(3600)
def test_the_same_seed_gives_the_same_history_byte_for_byte(histories: dict[Job, str]) -> None:
    twins = SMALL[:4]
    assert run_all(twins, hash_seed=1001) == {twin: histories[twin] for twin in twins}


@pytest.mark.long
@pytest.mark.timeout(3 * 3600)
def test_every_build_has_its_verdict_with_as_many_builds_for_every_instance() -> None:
    run_all([*WHOLE_LARGE, *WHOLE])
