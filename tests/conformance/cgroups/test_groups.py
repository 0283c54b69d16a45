"""What control groups must do, in the kernel that runs this: whichever version it has. ``tools/guest`` runs it over version 2."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from boatyard.node.cgroups.detect import detect, restore
from boatyard.node.cgroups.port import Cgroups
from parts import need, root

pytestmark = [pytest.mark.root, pytest.mark.real]

MIB = 1 << 20
HOLD = """
import sys, time
held = bytearray(int(sys.argv[1]))
held[::4096] = b"x" * len(held[::4096])
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def groups() -> Iterator[Cgroups]:
    """Groups of the test's own, of which nothing is left."""
    root()
    found, why = detect(f"boatyard-test-{os.getpid()}")
    need(found.version > 0, why)
    yield found
    for group in found.groups():
        found.kill(group)
        found.remove(group)
    assert found.groups() == []


def start(groups: Cgroups, group: str, *words: str) -> subprocess.Popen[str]:
    """A program that is in the group before it begins."""
    return subprocess.Popen(words, preexec_fn=lambda: groups.join(group), stdout=subprocess.PIPE, text=True)


def python(groups: Cgroups, group: str, script: str, *arguments: object) -> subprocess.Popen[str]:
    return start(groups, group, sys.executable, "-I", "-S", "-c", script, *map(str, arguments))


def limited(groups: Cgroups, controller: str) -> None:
    need(controller in groups.enforced, f"this kernel's control groups don't limit {controller}")


def until_gone(pids: list[int]) -> None:
    """Ended, or ended and not waited for by whoever has to."""
    for _ in range(3000):
        if all(not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text() for pid in pids):
            return
        time.sleep(0.02)
    raise TimeoutError(f"of {pids} some run")


def test_who_asks_for_more_memory_than_there_is_for_it_is_killed_and_counted(groups: Cgroups) -> None:
    limited(groups, "memory")
    groups.create("pod/small", {"memory_bytes": 48 * MIB})
    groups.create("pod/large", {"memory_bytes": 256 * MIB})
    greedy, modest = (python(groups, f"pod/{name}", HOLD, 96 * MIB) for name in ("small", "large"))
    assert greedy.wait(60) == -signal.SIGKILL
    assert modest.stdout is not None and modest.stdout.readline() == "held\n"
    assert (groups.out_of_memory_kills("pod/small"), groups.out_of_memory_kills("pod/large")) == (1, 0)
    assert groups.out_of_memory_kills("pod") == 1
    groups.kill("pod/large")
    assert modest.wait(60) == -signal.SIGKILL
    assert groups.out_of_memory_kills("pod/large") == 0, "who was ended by us didn't run out of memory"


def test_the_limit_of_a_pod_holds_for_all_its_containers(groups: Cgroups) -> None:
    limited(groups, "memory")
    groups.create("pod", {"memory_bytes": 64 * MIB})
    for name in ("a", "b"):
        groups.create(f"pod/{name}", {})
    both = [python(groups, f"pod/{name}", HOLD, 40 * MIB) for name in ("a", "b")]
    for _ in range(3000):
        ended = [one for one in both if one.poll() is not None]
        if ended:
            break
        time.sleep(0.02)
    assert [one.returncode for one in ended] == [-signal.SIGKILL]
    assert groups.out_of_memory_kills("pod") == 1
    groups.kill("pod")
    for one in both:
        one.wait(60)


def test_the_processor_is_had_for_the_share_that_was_asked(groups: Cgroups) -> None:
    limited(groups, "cpu")
    groups.create("pod/slow", {"cpu_millis": 200})
    script = """
import time
begun, end = time.process_time(), time.monotonic() + 2
while time.monotonic() < end:
    pass
print(time.process_time() - begun)
"""
    told = python(groups, "pod/slow", script).communicate(timeout=60)[0]
    # A fifth of two seconds; the quota of a period that had begun comes on top.
    assert float(told) < 0.75


def test_more_processes_than_allowed_are_refused(groups: Cgroups) -> None:
    limited(groups, "pids")
    groups.create("pod/few", {"pids": 8})
    script = """
import os, time
born = 0
try:
    for _ in range(50):
        if os.fork() == 0:
            time.sleep(60)
        born += 1
except BlockingIOError:
    print(born, flush=True)
    time.sleep(60)
"""
    parent = python(groups, "pod/few", script)
    assert parent.stdout is not None and parent.stdout.readline() == "7\n"
    assert len(groups.processes("pod")) == 8
    groups.kill("pod/few")
    parent.wait(60)


@pytest.mark.parametrize("stopped", [False, True])
def test_killing_takes_everything_however_fast_it_multiplies(groups: Cgroups, stopped: bool) -> None:
    groups.create("pod/c", {"pids": 64})
    script = """
import os, time
print('on', flush=True)
while True:
    try:
        if os.fork() == 0:
            os.setsid()
    except BlockingIOError:
        pass
    time.sleep(0.001)
"""
    first = python(groups, "pod/c", script)
    assert first.stdout is not None and first.stdout.readline() == "on\n"
    while len(groups.processes("pod/c")) < 20:
        time.sleep(0.01)
    if stopped:
        os.kill(first.pid, signal.SIGSTOP)
    pids = groups.processes("pod/c")
    groups.kill("pod/c")
    assert first.wait(60) == -signal.SIGKILL
    until_gone(pids)
    assert groups.processes("pod") == []


def test_whoever_comes_later_finds_the_groups_and_ends_what_is_in_them(groups: Cgroups) -> None:
    """An agent that was killed left a record; the next one has nothing else."""
    groups.create("pod/c", {"pids": 10})
    child = start(groups, "pod/c", "sleep", "60")
    later = restore(groups.record())
    assert later.groups() == ["pod"] and later.processes("pod") == [child.pid]
    later.create("pod/c", {"pids": 10})
    later.remove("pod")
    assert later.groups() == ["pod"], "nothing is removed that has processes"
    later.kill("pod")
    assert child.wait(60) == -signal.SIGKILL
    later.remove("pod")
    later.remove("pod")
    assert later.groups() == []
