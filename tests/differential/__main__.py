"""``python -m differential SEED FIRST COUNT [SHOW]``: run sequences to the end, and tell the differences that aren't known by sort.

The tests stop at the first; this one says how many there are, and what to look at first.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import defaultdict
from collections.abc import Sequence

import uvloop

from .calls import sequence
from .compare import prepare
from .known import Difference
from .servers import servers
from .trial import Trials

LONGEST = 600


def sort(found: Difference) -> tuple[str, str, str]:
    """The verb, where, and the two statuses where these differ: one fault mostly shows as one sort."""
    statuses = f"{found.our_answer.status}/{found.their_answer.status}" if found.where == "status" else ""
    return found.call.verb, re.sub(r"\d+", "N", found.where), statuses


def told(found: list[Difference], name: str) -> str:
    """The first few differences of one call, with the call."""
    call = found[0].call
    body = call.body if call.edit is None else call.edit
    lines = [f"  {name}: {call.method} {call.path} {dict(call.query) or ''} {call.type or ''}", f"    body   {str(body)[:LONGEST]}"]
    for one in found[:2]:
        lines += [f"    at     {one.where}", f"    ours   {str(one.ours)[:LONGEST]}", f"    theirs {str(one.theirs)[:LONGEST]}"]
    return "\n".join(lines)


async def explored(seed: str, numbers: Sequence[int], show: int) -> bool:
    """Print the sorts, the most frequent first. True when there are none."""
    sorts: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    async with servers() as (ours, judge):
        await asyncio.gather(prepare(ours), prepare(judge))
        trials = Trials(ours, judge, f"e{int(time.time()) % 100_000_000:x}-{seed}-{numbers[0]}")
        for number in numbers:
            found = await trials.run(sequence(f"{seed}-{number}"))
            if found:
                sorts[sort(found[0])].append(told(found, f"{seed}-{number}"))
    for name, examples in sorted(sorts.items(), key=lambda pair: -len(pair[1])):
        print(f"== {len(examples)} x {' '.join(name)}")
        print("\n".join(examples[:show]))
    print(f"seed {seed}: {sum(map(len, sorts.values()))} sequences differ. {trials.tally.told()}")
    return not sorts


if __name__ == "__main__":
    seed, first, count, *show = sys.argv[1:]
    numbers = range(int(first), int(first) + int(count))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(0 if runner.run(explored(seed, numbers, int(show[0]) if show else 3)) else 1)
