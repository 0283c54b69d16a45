"""Runs the whole house under many seeds, on all cores: a process per core, which does one seed after the other.

By hand, for one seed: ``PYTHONPATH=tests .venv/bin/python -m sim.seeds INSTANCES BUILDS SEED``.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

TESTS = Path(__file__).parents[1]

WRITES_PER_BUILD = 20
"""Into the API, about; before and after each the control plane may die."""

NICENESS = 10
"""Virtual time doesn't mind waiting; the tests that run beside it, of real software in real time, do. So a simulation takes what of
the processors they leave."""


class Job(NamedTuple):
    """One simulation."""

    instances: int
    builds: int
    """Of all instances together."""
    seed: int


def run(job: Job) -> bytes:
    """The job's history. Raises what went wrong."""
    from boatyard.machinery.runtime.simulation import simulate
    from sim.whole import whole

    # Who dies reads everything again: in a large house the control plane dies a hundred times, not at every fiftieth build.
    control_rate = (3 + job.builds / 250) / (WRITES_PER_BUILD * 2 * job.builds)
    rate = 0.01 if job.builds <= 10 * job.instances else 0.002
    return simulate(job.seed, whole(job.instances, job.builds, control_rate=control_rate, node_rate=rate, ciserver_rate=rate))


def run_all(jobs: Iterable[Job], *, hash_seed: int = 1, processes: int = 0) -> dict[Job, str]:
    """Digests of the histories of all jobs. Every process hashes strings differently, from ``hash_seed`` on. Raises AssertionError,
    with the traceback, for the first job that failed; the others are not begun any more."""
    waiting: SimpleQueue[Job] = SimpleQueue()
    for job in jobs:
        waiting.put(job)
    found: dict[Job, str] = {}
    failed: list[str] = []

    def work(number: int) -> None:
        paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": str(hash_seed + number)}
        command = [sys.executable, "-m", "sim.seeds"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
            assert process.stdin and process.stdout
            while not failed:
                try:
                    job = waiting.get_nowait()
                except Empty:
                    break
                print(json.dumps(job), file=process.stdin, flush=True)
                answer = json.loads(process.stdout.readline() or '{"error": "the process has died"}')
                if "error" in answer:
                    again = f"PYTHONPATH=tests python -m sim.seeds {job.instances} {job.builds} {job.seed}"
                    failed.append(f"{job}: {answer['error']}\nrepeat: {again}")
                else:
                    found[job] = answer["digest"]
            process.stdin.close()

    workers = processes or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as threads:
        for end in [threads.submit(work, number) for number in range(workers)]:
            end.result()
    assert not failed, failed[0]
    return found


def _serve() -> None:
    os.nice(NICENESS)
    for line in sys.stdin:
        try:
            answer = {"digest": hashlib.sha256(run(Job(*json.loads(line)))).hexdigest()}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


def _show(job: Job) -> None:
    begin = time.process_time()
    history = run(job)
    seconds = time.process_time() - begin
    print(history.decode())
    print(f"{job}: {seconds:.2f} s of CPU, {seconds / job.builds * 1000:.1f} ms per build", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        _show(Job(*map(int, sys.argv[1:])))
    else:
        _serve()
