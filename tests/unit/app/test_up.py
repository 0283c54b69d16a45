"""The parent keeps its children running, and ends them in order."""

import asyncio
import errno
import os
import signal
import sys
from pathlib import Path

import pytest

from boatyard.app import processes, up
from boatyard.app.layout import DataDirectory
from boatyard.app.up import AlreadyRunning, Child, ChildFailed, Parent
from boatyard.machinery.runtime.world import RealWorld

CHILD = """
import os, sys, time
fd = int(sys.argv[sys.argv.index("--ready-fd") + 1])
os.write(fd, b"ready")
time.sleep(600)
"""


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    directory = DataDirectory(tmp_path / "data")
    directory.prepare()
    return directory


def child(name: str, code: str) -> Child:
    return Child(name, ("-c", code))


async def pid_of(file: Path, other_than: int = 0) -> int:
    async with asyncio.timeout(60):
        while True:
            found = processes.running(file)
            if found and found.pid != other_than:
                return found.pid
            await asyncio.sleep(0.01)


async def test_a_child_that_is_killed_is_started_again_and_all_end_on_sigterm(data: DataDirectory):
    told: list[str] = []
    ready = asyncio.Event()
    parent = Parent(data, RealWorld(), told.append)
    running = asyncio.create_task(parent.run([child("control", CHILD), child("node", CHILD)], ready.set))
    await asyncio.wait_for(ready.wait(), 60)
    first = await pid_of(data.run / "node.pid")
    os.kill(first, signal.SIGKILL)
    second = await pid_of(data.run / "node.pid", other_than=first)
    assert "node ended (signal SIGKILL)" in told[0]
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 60)
    assert processes.identify(second) is None
    assert processes.running(data.run / "control.pid") is None


async def test_a_child_that_cannot_start_is_told_with_the_end_of_its_log(data: DataDirectory):
    parent = Parent(data, RealWorld(), lambda text: None)
    with pytest.raises(ChildFailed, match=r"(?s)control did not start \(exit code 3\).*no such port"):
        await parent.run([child("control", "import sys; print('no such port'); sys.exit(3)"), child("node", CHILD)], lambda: None)
    assert not (data.run / "node.pid").exists()


async def test_a_child_that_is_never_ready_is_told_so(data: DataDirectory, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(up, "READY_SECONDS", 0.5)
    parent = Parent(data, RealWorld(), lambda text: None)
    with pytest.raises(ChildFailed, match=r"control did not start \(it was not ready within 0.5 s\):\n  it said nothing, see "):
        await parent.run([child("control", "import time; time.sleep(60)"), child("node", CHILD)], lambda: None)


def test_one_data_directory_has_one_parent(data: DataDirectory):
    first = Parent(data, RealWorld(), lambda text: None)
    first.lock()
    with pytest.raises(AlreadyRunning):
        Parent(data, RealWorld(), lambda text: None).lock()


def test_a_pid_that_was_used_again_is_nobody_we_know(tmp_path: Path):
    file = tmp_path / "x.pid"
    processes.write(file, os.getpid())
    assert processes.running(file) is not None
    file.write_text(file.read_text().replace('"start_ticks": ', '"start_ticks": 1'))
    assert processes.running(file) is None
    file.write_text("not json")
    assert processes.running(file) is None


def test_a_process_that_does_not_listen_is_killed(tmp_path: Path):
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True); time.sleep(600)"
    import subprocess

    stubborn = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert stubborn.stdout and stubborn.stdout.readline()
    identity = processes.identify(stubborn.pid)
    assert identity is not None
    assert processes.end(identity, patience_seconds=0.2) is False
    assert stubborn.wait() == -9


async def test_a_full_disk_doesn_t_end_what_runs(data: DataDirectory, monkeypatch: pytest.MonkeyPatch):
    def full(*ignored: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    ready = asyncio.Event()
    parent = Parent(data, RealWorld(), full)
    running = asyncio.create_task(parent.run([child("node", CHILD)], ready.set))
    await asyncio.wait_for(ready.wait(), 60)
    first = await pid_of(data.run / "node.pid")
    written = processes.write
    monkeypatch.setattr(processes, "write", full)
    os.kill(first, signal.SIGKILL)
    await asyncio.sleep(0.5)
    assert not running.done()
    monkeypatch.setattr(processes, "write", written)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 60)
