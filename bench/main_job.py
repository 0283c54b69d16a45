"""The main job against Buildbot: how soon a person sees something, how many builds a minute."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from bench import buildbot
from bench.figure import Figure
from bench.installation import installation

ROUNDS, BUILDS, PARALLEL = 15, 200, 4
COMMAND = "echo built"


async def measure() -> list[Figure]:
    """Both run at the same time and are asked in turn, so that a drift of the machine hits both; the bursts one after the other."""
    directory = Path(tempfile.mkdtemp(prefix="boatyard-bench-"))
    try:
        _repository(directory / "repository")
        async with installation(parallel=PARALLEL, command=COMMAND) as ours:
            async with buildbot.buildbot(directory / "repository", parallel=PARALLEL, command=COMMAND) as theirs:
                await ours.first_line(), await theirs.first_line()
                pairs: list[tuple[float, float]] = []
                for _ in range(ROUNDS):
                    pairs.append((await ours.first_line(), await theirs.first_line()))
                bursts = await ours.burst(BUILDS), await theirs.burst(BUILDS)
        latency = statistics.median(a / b for a, b in pairs)
        soon, later = (statistics.median(column) for column in zip(*pairs, strict=True))
        rates = [BUILDS / seconds * 60 for seconds in bursts]
        return [
            Figure(
                "webhook -> first log line, idle machine", f"{soon * 1000:.0f} ms", f"{later * 1000:.0f} ms", f"{latency:.2f}",
                "<= 0.6 and < 500 ms", latency <= 0.6 and soon < 0.5, f"median of {ROUNDS}, generic webhook; {buildbot.version()}",
            ),
            Figure(
                f"{BUILDS} one-step builds, {PARALLEL} at once", f"{rates[0]:.0f}/min", f"{rates[1]:.0f}/min",
                f"{rates[0] / rates[1]:.2f}", ">= 2", rates[0] / rates[1] >= 2, "a fresh clone each; ours in pods of their own",
            ),
        ]  # fmt: skip
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _repository(path: Path) -> None:
    path.mkdir()
    (path / "file").write_text("content\n")
    for arguments in (("init", "--quiet", "--initial-branch=main"), ("add", "."), ("commit", "--quiet", "-m", "begin")):
        subprocess.run(
            ["git", "-C", path, "-c", "user.name=b", "-c", "user.email=b@example.org", "-c", "commit.gpgsign=false", *arguments],
            check=True,
        )


def run() -> list[Figure]:
    """The rows of this bench."""
    return asyncio.run(measure())
