"""What the agent relies on, whatever runs the containers."""

from __future__ import annotations

import signal

import pytest

from boatyard.node.runtime import MachineError


async def test_nothing_is_known_of_a_pod_that_never_was(subject):
    assert await subject.runtime.state("nobody") is None
    assert await subject.runtime.pods() == []
    await subject.runtime.remove_pod("nobody")


async def test_starting_a_pod_again_returns_the_one_that_runs(subject):
    first = await subject.runtime.start_pod(subject.pod())
    second = await subject.runtime.start_pod(subject.pod())
    assert first.alive and second.alive
    assert first.ip == second.ip
    assert [state.config.uid for state in await subject.runtime.pods()] == [subject.uid]


async def test_a_container_is_known_as_soon_as_its_start_returns(subject):
    state = await subject.started("runs")
    assert [(c.name, c.attempt) for c in state.containers] == [("runs", 0)]
    running = await subject.until("runs", "running")
    assert running.started > 0


async def test_a_container_that_succeeds_leaves_its_message_and_its_log(subject):
    await subject.started("succeeds")
    ended = await subject.until("succeeds", "exited")
    assert (ended.exit_code, ended.reason, ended.message) == (0, "Completed", "fine")
    assert ended.started <= ended.finished
    record = (subject.directory / "pods" / subject.uid / "logs/succeeds/0.log").read_text()
    stamp, stream, tag, text = record.rstrip("\n").split(" ", 3)
    assert (stream, tag, text) == ("stdout", "F", "hello")
    assert stamp.endswith("Z") and "T" in stamp


async def test_a_container_that_fails_tells_its_exit_code(subject):
    await subject.started("fails")
    ended = await subject.until("fails", "exited")
    assert (ended.exit_code, ended.reason) == (3, "Error")


async def test_the_same_start_is_made_once(subject):
    await subject.started("fails")
    ended = await subject.until("fails", "exited")
    await subject.runtime.start_container(subject.uid, subject.container("fails"))
    again = await subject.find("fails")
    assert again == ended


async def test_the_next_start_is_another_and_the_last_stays_known(subject):
    await subject.started("fails")
    await subject.until("fails", "exited")
    await subject.runtime.start_container(subject.uid, subject.container("fails", 1))
    await subject.until("fails", "exited", attempt=1)
    assert (await subject.find("fails", 0)).state == "exited"


async def test_sigterm_can_be_answered(subject):
    await subject.started("runs")
    await subject.until("runs", "running")
    await subject.runtime.signal(subject.uid, "runs", signal.SIGTERM)
    assert (await subject.until("runs", "exited")).exit_code in (5, 143)  # 143: it came before the trap was set


async def test_sigkill_can_not(subject):
    await subject.started("ignores")
    await subject.until("ignores", "running")
    await subject.runtime.signal(subject.uid, "ignores", signal.SIGKILL)
    assert (await subject.until("ignores", "exited")).exit_code == 137


async def test_a_signal_to_what_doesn_t_run_is_no_error(subject):
    await subject.started("fails")
    await subject.until("fails", "exited")
    await subject.runtime.signal(subject.uid, "fails", signal.SIGTERM)
    await subject.runtime.signal(subject.uid, "never", signal.SIGTERM)
    await subject.runtime.signal("nobody", "never", signal.SIGKILL)


async def test_a_container_of_a_pod_that_isn_t_there_is_an_error(subject):
    with pytest.raises(MachineError):
        await subject.runtime.start_container("nobody", subject.container("runs"))


async def test_exec_runs_in_a_running_container(subject):
    await subject.started("runs")
    await subject.until("runs", "running")
    stream = await subject.runtime.exec(subject.uid, "runs", ("/bin/echo", "said"), tty=False, stdin=False)
    assert [piece async for piece in stream.output()] == [(1, b"said\n")]
    assert await stream.wait() == 0


async def test_exec_in_a_container_that_ended_is_an_error(subject):
    await subject.started("fails")
    await subject.until("fails", "exited")
    with pytest.raises(MachineError):
        stream = await subject.runtime.exec(subject.uid, "fails", ("/bin/true",), tty=False, stdin=False)
        await stream.wait()


async def test_removing_a_pod_ends_everything_and_may_be_repeated(subject):
    await subject.started("ignores", "runs")
    await subject.runtime.remove_pod(subject.uid)
    assert await subject.runtime.state(subject.uid) is None
    await subject.runtime.remove_pod(subject.uid)
    assert await subject.runtime.pods() == []
    await subject.runtime.set_services([])
