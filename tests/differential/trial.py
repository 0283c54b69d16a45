"""One sequence on both servers: where they first differ, and the shortest sequence that still does."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from .call import Call
from .compare import begin, differences
from .known import DIVERGING, covered_by
from .known import Difference as Difference
from .sequence import Answer, Run
from .wire import SILENT, Wire

SHRINKING_TRIALS = 60


@dataclass
class Tally:
    """What was asked, and what came of it."""

    sequences: int = 0
    cut: int = 0
    """Sequences that ended early, since a known difference left the servers in different states."""
    silent: int = 0
    """Sequences that ended early, since the judge didn't answer: for a Service without a name it tries every address it has, and
    nobody else gets one meanwhile."""
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Verb and first digit of the judge's status -> calls that were compared."""
    known: Counter[str] = field(default_factory=Counter)

    def told(self) -> str:
        """A table for people."""
        calls = sum(self.answers.values())
        verbs = sorted({verb for verb, _ in self.answers})
        lines = [
            f"{self.sequences} sequences, {calls} calls compared, {self.cut} sequences cut short by a known difference, "
            f"{self.silent} because the judge was silent"
        ]
        for verb in ["all", *verbs]:
            part = {digit: sum(n for (v, d), n in self.answers.items() if d == digit and verb in ("all", v)) for digit in (2, 4, 5)}
            share = round(100 * part[2] / max(1, sum(part.values())))
            lines.append(f"{verb:>17}: {part[2]} 2xx ({share} %), {part[4]} 4xx, {part[5]} 5xx")
        lines += [f"{number:>7} x {name}" for name, number in self.known.most_common()]
        return "\n".join(lines)


@dataclass
class Trials:
    """Sequences one after the other, each in a namespace of its own. ``name`` tells these from others on the same judge."""

    ours: Wire
    judge: Wire
    name: str
    tally: Tally = field(default_factory=Tally)
    _numbers: Iterator[int] = field(default_factory=count)

    async def run(self, calls: Sequence[Call]) -> list[Difference]:
        """The differences of the first call that has any that isn't known."""
        name = f"{self.name}-{next(self._numbers)}"
        ours, judge = Run(self.ours, name), Run(self.judge, name)
        await asyncio.gather(begin(ours), begin(judge))
        said, wanted = await asyncio.gather(ours.all(calls), judge.all(calls))
        self.tally.sequences += 1
        for number, (call, left, right) in enumerate(zip(calls, said, wanted, strict=True)):
            if right.status == SILENT:
                self.tally.silent += 1
                break
            self.tally.answers[call.verb, right.status // 100] += 1
            found, diverged = self._unknown(call, left, right, calls[:number])
            if found:
                return found
            if diverged:
                self.tally.cut += 1
                break
        return []

    def _unknown(self, call: Call, left: Answer, right: Answer, earlier: Sequence[Call]) -> tuple[list[Difference], bool]:
        found: list[Difference] = []
        # Who refuses stores nothing: where both do, however differently, the servers still hold the same.
        diverged = _accepted(left) != _accepted(right)
        for where, ours, theirs in differences(call, left, right):
            difference = Difference(call, where, ours, theirs, left, right, earlier)
            name = covered_by(difference)
            if not name:
                found.append(difference)
                continue
            self.tally.known[name] += 1
            diverged = diverged or name in DIVERGING
        return found, diverged

    async def shortest(self, calls: Sequence[Call], where: str) -> list[Call]:
        """A sequence that still ends in a difference there, with as many calls left out as can be."""
        kept, left = list(calls), SHRINKING_TRIALS
        size = max(1, len(kept) // 2)
        while size and left:
            for start in range(0, len(kept), size):
                without = kept[:start] + kept[start + size :]
                left -= 1
                if without and any(found.where == where for found in await self.run(without)):
                    kept = without
                    break
                if not left:
                    break
            else:
                size //= 2
        return kept

    async def script(self, calls: Sequence[Call]) -> str:
        """The calls as lines that a person can run, with the judge's own revisions and uids in them."""
        run = Run(self.judge, f"{self.name}-{next(self._numbers)}")
        await begin(run)
        lines = [run.begun_by()]
        for call in calls:
            lines.append(call.script(run.memory))
            await run.one(call)
        return "\n".join(lines)


def _accepted(answer: Answer) -> bool:
    return 200 <= answer.status < 300
