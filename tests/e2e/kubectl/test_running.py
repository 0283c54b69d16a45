"""A pod that really runs, under ``boatyard up``: from its start to its end, with every way in."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from e2e.installation import Installation
from parts import need

from .conftest import Kubectl, line
from .programs import OTHERS, USUAL, program

pytestmark = pytest.mark.real

ABLE_TO_ENTER = tuple(version for version in OTHERS if int(version.split(".")[1]) >= 30)
"""Older ones speak SPDY."""

SHELL = """
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  terminationGracePeriodSeconds: 300
  containers:
  - name: main
    image: boatyard.dev/host
    command: [sh, -c, "trap 'echo bye; exit 0' TERM; echo one; while :; do sleep 0.2; done"]
    workingDir: /work
    volumeMounts: [{name: work, mountPath: /work}]
    readinessProbe: {exec: {command: [test, -d, /work]}, periodSeconds: 1}
  volumes: [{name: work, emptyDir: {}}]
"""


@pytest.mark.parametrize("version", [USUAL, *(pytest.param(version, marks=pytest.mark.long) for version in ABLE_TO_ENTER)])
async def test_a_pod_is_started_entered_and_ended(running: Installation, tmp_path: Path, version: str) -> None:
    path = program(version)
    need(path is not None, f"kubectl {version} isn't here: put kubectl.{version} on the PATH")
    assert path is not None
    shutil.copy(running.data.kubeconfig, tmp_path / "config")
    kubectl = Kubectl(version, path, tmp_path)

    await kubectl("create", "-f", "-", stdin=SHELL)
    assert (await kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=60s")).out == "pod/p condition met\n"
    row = (await kubectl("get", "pod", "p", "--no-headers")).out.split()
    assert row[:4] == ["p", "1/1", "Running", "0"]
    assert (await kubectl("logs", "p", "--tail=1")).out == "one\n"

    assert (await kubectl("exec", "p", "--", "pwd")).out == "/work\n"
    assert (await kubectl("exec", "-i", "p", "--", "cat", stdin="typed")).out == "typed"
    failed = await kubectl("exec", "p", "--", "sh", "-c", "echo wrong >&2; exit 3", fails=True)
    assert (failed.code, failed.err) == (3, "wrong\ncommand terminated with exit code 3\n")
    missing = await kubectl("exec", "p", "--", "no-such-program", fails=True)
    assert missing.code != 0

    command = [path, "exec", "-it", "p", "--", "sh"]
    said = await asyncio.to_thread(in_a_terminal, command, ["tty\n", "stty size\n", "exit 4\n"], tmp_path)
    assert "/dev/pts/" in said and "33 101" in said and "exit code 4" in said, said

    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("carried\n")
    await kubectl("cp", str(tmp_path / "there"), "p:/work/there")
    assert (await kubectl("exec", "p", "--", "cat", "there/file")).out == "carried\n"
    await kubectl("exec", "p", "--", "sh", "-c", "seq 20000 > big")
    await kubectl("cp", "p:/work/big", str(tmp_path / "big"))
    assert (tmp_path / "big").read_text().split() == [str(n) for n in range(1, 20001)]

    refused = await kubectl("port-forward", "pod/p", "0:80", fails=True)
    assert "port-forward" in refused.err

    async with kubectl.started("logs", "-f", "p") as following:
        assert await line(following) == "one"
        assert "deleted" in (await kubectl("delete", "pod", "p")).out
        out, _ = await asyncio.wait_for(following.communicate(), 60)
    assert out.decode().split("\n")[-2] == "bye"
    assert "NotFound" in (await kubectl("get", "pod", "p", fails=True)).err


def in_a_terminal(command: list[str], lines: list[str], home: Path) -> str:
    """What a terminal of 33 rows and 101 columns shows when a user types ``lines`` at the program."""
    ours, theirs = pty.openpty()
    shown = ""
    try:
        os.set_blocking(ours, False)
        subprocess.run(["stty", "rows", "33", "cols", "101"], stdin=theirs, check=True)
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(home / "config"), "TERM": "xterm"}
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        with subprocess.Popen(command, **streams, env=environment, start_new_session=True) as process:
            deadline = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < deadline:
                if select.select([ours], [], [], 0.2)[0]:
                    shown += os.read(ours, 65536).decode(errors="replace")
                elif lines and shown.endswith(("# ", "$ ")):
                    os.write(ours, lines.pop(0).encode())
            process.kill()
        if select.select([ours], [], [], 0)[0]:
            shown += os.read(ours, 65536).decode(errors="replace")
    finally:
        os.close(ours)
        os.close(theirs)
    return shown
