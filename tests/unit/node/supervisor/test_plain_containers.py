"""Without namespaces, paths are translated and processes are recognised by a cookie."""

import os
import subprocess
import sys

from boatyard.node.supervisor import plain

MOUNTS = [("/data/ws", "/workspace", False), ("/data/by", "/boatyard", False), ("/data/ws2", "/workspace/cache", False)]


def test_paths_at_and_below_targets_are_replaced() -> None:
    argv, env, cwd = plain.translate(
        ["/boatyard/run", "--dir=/workspace", "cd /workspace/a && x", "/workspace/cache/b"],
        {"A": "/bin:/workspace/bin"},
        "/workspace",
        MOUNTS,
    )
    assert argv == ["/data/by/run", "--dir=/data/ws", "cd /data/ws/a && x", "/data/ws2/b"]
    assert env["A"] == "/bin:/data/ws/bin"
    assert cwd == "/data/ws"


def test_what_only_looks_alike_stays() -> None:
    words = ["/workspaces", "/home/workspace", "x/workspace", "https://host/boatyard"]
    assert plain.translate(words, {}, "/", MOUNTS)[0] == words


def test_a_program_can_look_its_mounts_up() -> None:
    variables = plain.translate([], {}, "/", MOUNTS)[1]["BOATYARD_MOUNTS"].splitlines()
    assert variables == ["/boatyard=/data/by", "/workspace=/data/ws", "/workspace/cache=/data/ws2"]


UID = f"uid-{os.getpid()}"  # of this process alone: others run the same tests beside us


def test_processes_are_found_and_ended_by_their_cookie() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={plain.COOKIE: f"{UID}/c-0"})
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={plain.COOKIE: f"{UID}/c-01"})
    try:
        assert plain.processes(f"{UID}/c-0") == [child.pid]
        assert plain.processes(f"{UID}/") == sorted([child.pid, other.pid])
        plain.kill(f"{UID}/c-0")
        assert child.wait(60) == -9
        assert other.poll() is None
        plain.kill(f"{UID}/")
        assert other.wait(60) == -9
    finally:
        for process in (child, other):
            process.kill()
            process.wait()
