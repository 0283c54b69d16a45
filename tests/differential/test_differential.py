"""Random calls end the same way on the embedded server and on a kube-apiserver, but for the differences that are known."""

from __future__ import annotations

import asyncio
import os
import time

import pytest
import uvloop

from .calls import sequence
from .compare import prepare
from .known import KNOWN
from .servers import servers
from .trial import Trials

pytestmark = pytest.mark.real

SEED = os.environ.get("DIFFERENTIAL_SEED", "1")
SEQUENCES = int(os.environ.get("DIFFERENTIAL_SEQUENCES", "0"))
"""Another number than the tier's."""
RUN = f"d{int(time.time()) % 100_000_000:x}"
"""Names that no earlier run left on the judge."""


def run(coroutine) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(coroutine)


async def compared(seed: str, sequences: int) -> None:
    async with servers() as (ours, judge):
        await asyncio.gather(prepare(ours), prepare(judge))
        trials = Trials(ours, judge, f"{RUN}-{seed}")
        for number in range(sequences):
            calls = sequence(f"{seed}-{number}")
            found = await trials.run(calls)
            if found:
                shortest = await trials.shortest(calls, found[0].where)
                told = "\n".join(f"{one.where}\n  ours   {one.ours}\n  theirs {one.theirs}" for one in found)
                pytest.fail(f"sequence {seed}-{number}:\n{await trials.script(shortest)}\n{told}", pytrace=False)
        print(f"\nseed {seed}: {trials.tally.told()}")


def test_a_hundred_sequences_end_the_same_way() -> None:
    run(compared(SEED, SEQUENCES or 100))


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_five_thousand_sequences_end_the_same_way(seed: str) -> None:
    run(compared(seed, SEQUENCES or 5000))


def test_every_known_difference_still_shows() -> None:
    async def body() -> None:
        async with servers() as (ours, judge):
            await asyncio.gather(prepare(ours), prepare(judge))
            for number, (name, known) in enumerate(KNOWN.items()):
                trials = Trials(ours, judge, f"{RUN}-known-{number}")
                found = await trials.run(known.shown_by)
                assert not found, f"{name}: its calls show something else too: {found[0][1:4]}"
                assert trials.tally.known[name], f"{name} no longer shows: take it off the list"

    run(body())
