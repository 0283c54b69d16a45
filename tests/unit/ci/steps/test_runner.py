"""The step runner, under every shell that is here: turns, failures, time limits, signals, deaths."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from boatyard.ci.steps import layout

COMMANDS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
"""What /bin/sh is in images; bash is in POSIX mode under that name."""
SHELLS = {name: words for name, words in COMMANDS.items() if shutil.which(name)}


class PodOfSteps:
    """The containers of a pod as processes of this machine, over one shared directory."""

    def __init__(self, root: Path, shell: str) -> None:
        self.root, self.command = root, SHELLS[shell]
        self.shared, self.workspace = root / "boatyard", root / "workspace"
        for directory in (self.shared, self.workspace):
            directory.mkdir()
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def plan(self, *steps, seconds: float = 60, others=()) -> None:
        """Steps as (container, script) or (container, script, {when, limit, env, dir})."""
        listed = []
        for number, (container, run, *more) in enumerate(steps, 1):
            given = more[0] if more else {}
            listed.append(
                {
                    "number": number,
                    "container": container,
                    "run": run,
                    "name": f"step {number}",
                    "when": "on_success",
                    "limit": 0,
                    **given,
                }
            )
        containers = [*dict.fromkeys(step["container"] for step in listed), *others]
        layout.prepare(str(self.shared), {"steps": listed, "containers": containers})
        layout.set_deadline(str(self.shared), int(time.time() + seconds))

    def start(self, container: str) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ["PATH"], "BOATYARD_SHARED": str(self.shared), "BOATYARD_WORKSPACE": str(self.workspace),
            "BOATYARD_TERMINATION": str(self.root / f"{container}.message"), "BOATYARD_GRACE_SECONDS": "3", "HOME": "/nowhere",
        }  # fmt: skip
        with open(self.root / f"{container}.log", "wb") as log:
            process = subprocess.Popen(
                [*self.command, str(self.shared / "runner"), container],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running[container] = process
        return process

    def run(self, *containers: str) -> list[int]:
        for container in containers:
            self.start(container)
        return [self.running[container].wait(60) for container in containers]

    def log(self, container: str) -> str:
        return (self.root / f"{container}.log").read_text()

    def message(self, container: str) -> list[list[str]]:
        """[number, outcome, exit code] of each step in the last words."""
        head, *lines = (self.root / f"{container}.message").read_text().splitlines()
        assert head == "boatyard/1"
        return [line.split()[:3] for line in lines]

    def end(self) -> None:
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
            process.wait()
        # What a killed runner leaves behind is ended with its container; here we are the container.
        for number in (self.shared / "left").read_text().split() if (self.shared / "left").exists() else ():
            try:
                os.kill(int(number), signal.SIGKILL)
            except ProcessLookupError:
                pass


@pytest.fixture(params=list(SHELLS))
def pod(request, tmp_path):
    made = PodOfSteps(tmp_path, request.param)
    yield made
    made.end()


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.01)


def test_steps_run_in_order_in_one_workspace(pod):
    pod.plan(("a", "echo one > f; pwd"), ("a", "cat f; echo two"))
    assert pod.run("a") == [0]
    assert "one\ntwo" in pod.log("a") and str(pod.workspace) in pod.log("a")
    assert pod.message("a") == [["1", "ok", "0"], ["2", "ok", "0"]]


def test_containers_take_turns(pod):
    pod.plan(("a", "echo 1 >> f"), ("b", "echo 2 >> f"), ("a", "echo 3 >> f"), ("c", "echo 4 >> f"), ("b", "echo 5 >> f"))
    assert pod.run("c", "b", "a") == [0, 0, 0]
    assert (pod.workspace / "f").read_text() == "1\n2\n3\n4\n5\n"


def test_a_container_that_starts_late_is_waited_for(pod):
    pod.plan(("a", "true"), ("b", "touch done"))
    first = pod.start("b")
    time.sleep(0.2)
    assert first.poll() is None
    assert pod.run("a") == [0]
    assert first.wait(60) == 0 and (pod.workspace / "done").exists()


def test_after_a_failure_only_what_wants_to_runs(pod):
    pod.plan(
        ("a", "exit 3"), ("b", "echo no"), ("a", "echo cleaned", {"when": "on_failure"}), ("b", "echo anyway", {"when": "always"}),
        ("a", "echo neither"),
    )  # fmt: skip
    assert pod.run("a", "b") == [3, 0]
    assert pod.message("a") == [["1", "failed", "3"], ["3", "ok", "0"], ["5", "skipped", "0"]]
    assert pod.message("b") == [["2", "skipped", "0"], ["4", "ok", "0"]]


def test_what_is_for_failures_is_skipped_when_all_goes_well(pod):
    pod.plan(("a", "true"), ("a", "touch f", {"when": "on_failure"}))
    assert pod.run("a") == [0]
    assert pod.message("a") == [["1", "ok", "0"], ["2", "skipped", "0"]]


def test_the_first_failing_line_fails_a_step(pod):
    pod.plan(("a", "false\necho not reached"))
    assert pod.run("a") == [1]
    assert "not reached" not in pod.log("a").replace("echo not reached", "")


def test_a_script_may_name_its_interpreter(pod):
    pod.plan(("a", "#!/usr/bin/env python3\nprint(6 * 7)"))
    assert pod.run("a") == [0] and "42" in pod.log("a")


def test_variables_arrive_as_they_are(pod):
    value = 'it\'s $HOME `id` "q" \\ $(x)\nsecond line'
    pod.plan(("a", 'printf %s "$V" > v; printf %s "$BOATYARD_STEP" > s; test -w "$HOME"', {"env": {"V": value}, "dir": "sub"}))
    (pod.workspace / "sub").mkdir()
    assert pod.run("a") == [0]
    assert (pod.workspace / "sub/v").read_text() == value
    assert (pod.workspace / "sub/s").read_text() == "step 1"


def test_markers_part_the_log_by_step(pod):
    pod.plan(("a", "printf 'no newline at the end'"), ("a", "echo x"))
    pod.run("a")
    marks = [part.split()[:3] for part in pod.log("a").split("##[boatyard] ")[1:]]
    assert marks == [["step", "1", "begin"], ["step", "1", "end"], ["step", "2", "begin"], ["step", "2", "end"]]


def test_a_step_that_takes_too_long_is_ended_with_all_it_started(pod):
    pod.plan(("a", "sleep 300 & echo $! > child; sleep 300", {"limit": 3}), ("a", "touch after"))
    began = time.monotonic()
    assert pod.run("a") == [143]
    assert time.monotonic() - began < 60
    assert pod.message("a") == [["1", "timeout", "143"], ["2", "skipped", "0"]]
    assert not alive(int((pod.workspace / "child").read_text()))


def test_a_step_that_ignores_the_signal_is_killed(pod):
    pod.plan(("a", "trap '' TERM; while :; do sleep 1; done", {"limit": 3}))
    assert pod.run("a") == [137]
    assert pod.message("a") == [["1", "timeout", "137"]]


def test_when_the_builds_time_is_up_nothing_more_runs(pod):
    pod.plan(("a", "sleep 300"), ("b", "touch after", {"when": "always"}), seconds=5)
    assert pod.run("a", "b")[0] == 143
    assert pod.message("b")[0][1] in ("skipped", "timeout")
    assert not (pod.workspace / "after").exists()


def test_what_a_step_leaves_running_ends_with_it(pod):
    pod.plan(("a", "sleep 300 & echo $! > child"))
    assert pod.run("a") == [0]
    assert not alive(int((pod.workspace / "child").read_text()))


def test_sigterm_reaches_the_step_and_is_told(pod):
    pod.plan(
        ("a", "trap 'touch said; exit 0' TERM; touch begun; while :; do sleep 0.1; done"), ("a", "touch after", {"when": "always"})
    )
    process = pod.start("a")
    wait_for(pod.workspace / "begun")
    process.terminate()
    assert process.wait(60) == 143
    assert (pod.workspace / "said").exists() and not (pod.workspace / "after").exists()
    assert [line[1] for line in pod.message("a")] == ["cancelled", "skipped"]


def test_sigterm_ends_a_container_that_waits(pod):
    pod.plan(("a", "true"), ("b", "true"))
    process = pod.start("b")
    wait_for(pod.shared / "alive" / "b")
    time.sleep(0.1)
    process.terminate()
    assert process.wait(60) == 143


def test_a_container_that_dies_is_noticed_by_those_who_wait_for_it(pod):
    waits = f"echo $$ > {pod.shared}/left; touch begun; exec sleep 300"
    pod.plan(("a", waits), ("b", "touch no"), ("b", "touch yes", {"when": "always"}))
    dying, waiting = pod.start("a"), pod.start("b")
    wait_for(pod.workspace / "begun")
    dying.kill()
    assert waiting.wait(60) == 0
    assert not (pod.workspace / "no").exists() and (pod.workspace / "yes").exists()
    assert pod.message("b") == [["2", "skipped", "0"], ["3", "ok", "0"]]


def test_a_hundred_steps_fit_into_the_last_words(pod):
    pod.plan(*[("a", "true")] * 100)
    assert pod.run("a") == [0]
    assert (pod.root / "a.message").stat().st_size <= 4096
    assert len(pod.message("a")) == 100


def test_waiting_takes_no_time_of_the_processor(pod):
    pod.plan(("a", "true"), ("b", "true"))
    process = pod.start("b")
    wait_for(pod.shared / "alive" / "b")
    for _ in range(60):  # it may have something to do yet before it waits
        before = cpu_ticks(process.pid)
        time.sleep(0.5)
        if cpu_ticks(process.pid) - before <= 1:
            return
    raise AssertionError("it never rests")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
