"""What a build costs after a hundred and after five thousand finished ones: writes to the store, CPU of our three programs."""

from __future__ import annotations

import asyncio

from bench.figure import Figure
from bench.idle import ciserver_pid, cpu_seconds
from bench.installation import Installation, installation
from boatyard.machinery.meta.core import NAMESPACES

FEW, MANY, MEASURED, AT_ONCE = 100, 5000, 40, 20


async def measure() -> list[Figure]:
    """The history is of builds that end at once, because their boatyard.yaml is broken: they are Builds as any others."""
    async with installation(parallel=4, command="echo built") as ours:
        await ours.burst(4)
        few = await _cost(ours, FEW)
        many = await _cost(ours, MANY - FEW - MEASURED)
    writes, cpu = (many[index] / few[index] for index in (0, 1))
    note = f"{MEASURED} builds after {FEW} and after {MANY:,} finished ones, all still in the API"
    return [
        Figure(
            "writes per build", f"{few[0]:.1f} -> {many[0]:.1f}", "", f"{writes:.2f}", "the same: <= 1.05", writes <= 1.05, note
        ),
        Figure(
            "CPU per build",
            f"{few[1] * 1000:.0f} -> {many[1] * 1000:.0f} ms",
            "",
            f"{cpu:.2f}",
            "the same: <= 1.15",
            cpu <= 1.15,
            note,
        ),
    ]


async def _cost(ours: Installation, history: int) -> tuple[float, float]:
    """Writes and CPU seconds per build, after so many more finished builds."""
    await _broken_builds(ours, history)
    pids = (ours.process("control"), ours.process("node"), ciserver_pid())
    await asyncio.sleep(5)
    before = await _revision(ours), sum(cpu_seconds(pid) for pid in pids)
    await ours.burst(MEASURED)
    await asyncio.sleep(3)
    after = await _revision(ours), sum(cpu_seconds(pid) for pid in pids)
    return (after[0] - before[0]) / MEASURED, (after[1] - before[1]) / MEASURED


async def _broken_builds(ours: Installation, count: int) -> None:
    sha = ours.commit("spec: [broken\n")
    ours.commit()
    sent = 0

    async def send() -> None:
        nonlocal sent
        while sent < count:
            sent += 1
            last = await ours.push(sha, delivery=f"{sha}-{sent}")
            if sent >= count:
                await ours.end(last)

    await asyncio.gather(*(send() for _ in range(AT_ONCE)))


async def _revision(ours: Installation) -> int:
    return int((await ours.client.list(NAMESPACES)).resource_version)


def run() -> list[Figure]:
    """The rows of this bench."""
    return asyncio.run(measure())
