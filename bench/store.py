"""Durable puts per second: our store in the process, history and current rows and all, against etcd over loopback gRPC."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import uvloop

from bench import etcd
from bench.figure import Figure
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Put

VALUE = b"x" * 2048
SECONDS = 2.0
ROUNDS = 3


async def rate(put: Callable[[int, int], Awaitable[object]], writers: int) -> float:
    """Puts per second of so many writers, each waiting for its put before the next."""
    done = 0
    begun = time.perf_counter()

    async def write(number: int) -> None:
        nonlocal done
        count = 0
        while time.perf_counter() - begun < SECONDS:
            await put(number, count % 1000)
            count += 1
            done += 1

    await asyncio.gather(*(write(number) for number in range(writers)))
    return done / (time.perf_counter() - begun)


async def measure() -> list[Figure]:
    """Rounds in turn, ours then theirs, so that a drift of the machine hits both."""
    figures: list[Figure] = []
    with TemporaryDirectory(prefix="boatyard-bench-") as directory, etcd.etcd() as address:
        store = await SqliteStore.open(Path(directory) / "store.db")
        async with grpc.aio.insecure_channel(address) as channel:
            call = etcd.putter(channel)
            for writers in (1, 20):
                ours: list[float] = []
                theirs: list[float] = []
                for _ in range(ROUNDS):
                    ours.append(await rate(lambda w, n: store.commit([Put(f"/bench/{w}/{n}", VALUE)]), writers))
                    theirs.append(await rate(lambda w, n: call(etcd.put_request(f"/bench/{w}/{n}".encode(), VALUE)), writers))
                ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
                figures.append(
                    Figure(
                        f"durable puts of 2 KB, {writers} writer{'s' if writers > 1 else ''}", f"{statistics.median(ours):,.0f}/s",
                        f"{statistics.median(theirs):,.0f}/s", f"{ratio:.2f}", ">= 2", ratio >= 2,
                        f"in process, against {etcd.version()} over loopback gRPC",
                    )
                )  # fmt: skip
        await store.close()
    return figures


def run() -> list[Figure]:
    """The rows of this bench."""
    return uvloop.run(measure())
