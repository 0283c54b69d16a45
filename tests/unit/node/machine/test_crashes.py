"""Agent and supervisor may be killed at any moment: pods live on and are found again, nothing is doubled, nothing left over."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from boatyard.node.machine import MachineRuntime
from boatyard.node.supervisor.launch import Launcher

from .conftest import OTHER_UID, UID, Yard, find

pytestmark = pytest.mark.real


def supervisor(yard: Yard, uid: str = UID) -> int:
    return json.loads((yard.directory / "node/pods" / uid / "machine/supervisor.json").read_text())["pid"]


async def test_a_restarted_agent_finds_pods_running_and_ended(yard: Yard) -> None:
    volume = yard.volume("ws")
    script = "echo one; until test -e /ws/go; do sleep 0.02; done; echo two; exit 4"
    async with yard.runtime() as first:
        await first.start_pod(yard.pod())
        await first.start_container(UID, yard.container("exit 3", name="ended"))
        await yard.ended(first, name="ended")
        await first.start_container(UID, yard.container(script, mounts=(yard.mount("ws", "/ws"),)))
    async with yard.runtime() as second:
        (pod,) = await second.pods()
        assert (pod.alive, pod.config.name) == (True, "pod")
        assert find(pod, "ended").exit_code == 3  # type: ignore[union-attr]
        assert find(pod, "main").state == "running"  # type: ignore[union-attr]
        await second.start_container(UID, yard.container("echo doubled"))
        (volume / "go").touch()
        assert (await yard.ended(second)).exit_code == 4
        assert yard.text() == "one\ntwo\n"


async def test_an_end_while_no_agent_is_there_is_told_to_the_next_one(yard: Yard) -> None:
    async with yard.runtime() as first:
        await first.start_pod(yard.pod())
        await first.start_container(UID, yard.container("sleep 0.2; exit 9"))
    await asyncio.sleep(0.5)
    async with yard.runtime() as second:
        assert (await yard.ended(second)).exit_code == 9


async def test_a_supervisor_that_dies_takes_its_containers_along(yard: Yard, runtime: MachineRuntime) -> None:
    await runtime.start_pod(yard.pod())
    await runtime.start_container(UID, yard.container("exit 3", name="ended"))
    await yard.ended(runtime, name="ended")
    await runtime.start_container(UID, yard.container("setsid sleep 1000 & sleep 1000"))
    os.kill(supervisor(yard), signal.SIGKILL)
    lost = await yard.ended(runtime)
    assert (lost.exit_code, lost.reason) == (137, "SupervisorLost")
    state = await runtime.state(UID)
    assert state is not None and not state.alive
    assert find(state, "ended").exit_code == 3  # type: ignore[union-attr]
    await yard.until(lambda: not yard.processes())
    assert not (await runtime.start_pod(yard.pod())).alive, "an attempt that is lost stays lost"
    await runtime.remove_pod(UID)
    assert (await runtime.start_pod(yard.pod())).alive


async def test_supervisor_and_agent_killed_together(yard: Yard) -> None:
    async with yard.runtime() as first:
        await first.start_pod(yard.pod())
        await first.start_container(UID, yard.container("setsid sleep 1000 & sleep 1000"))
        first._tasks.cancel()
        os.kill(supervisor(yard), signal.SIGKILL)
    async with yard.runtime() as second:
        (pod,) = await second.pods()
        assert not pod.alive
        await yard.until(lambda: not yard.processes())
        await second.remove_pod(UID)
        assert yard.leftovers() == []


async def test_removal_ends_everything_and_may_be_repeated(yard: Yard, runtime: MachineRuntime) -> None:
    await runtime.start_pod(yard.pod())
    await runtime.start_container(UID, yard.container("trap '' TERM INT; setsid sleep 1000 & sleep 1000"))
    await runtime.remove_pod(UID)
    assert yard.leftovers() == []
    assert await runtime.pods() == []
    await runtime.remove_pod(UID)


async def test_a_supervisor_that_hangs_is_removed_too(yard: Yard, runtime: MachineRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boatyard.node.machine.STOP_SECONDS", 0.3)
    await runtime.start_pod(yard.pod())
    await runtime.start_container(UID, yard.container("sleep 1000"))
    os.kill(supervisor(yard), signal.SIGSTOP)
    await runtime.remove_pod(UID)
    await yard.until(lambda: not yard.leftovers())


async def test_a_machine_that_was_restarted_knows_its_pods_are_dead(yard: Yard) -> None:
    async with yard.runtime() as first:
        await first.start_pod(yard.pod())
        await first.start_container(UID, yard.container("sleep 1000"))
        pid = supervisor(yard)
    os.kill(pid, signal.SIGKILL)
    record = yard.directory / f"node/pods/{UID}/machine/supervisor.json"
    # The same pid runs, but it is another boot's.
    record.write_text(json.dumps({**json.loads(record.read_text()), "pid": os.getpid(), "boot_id": "another"}))
    async with yard.runtime() as second:
        (pod,) = await second.pods()
        assert not pod.alive
        assert find(pod, "main").state == "exited"  # type: ignore[union-attr]


async def test_two_agents_that_start_a_pod_at_once_get_one_supervisor(yard: Yard) -> None:
    async with yard.runtime() as runtime:
        await runtime.start_pod(yard.pod(OTHER_UID))
        pod = runtime._pods[OTHER_UID]
        launcher = Launcher()
        await asyncio.gather(*[launcher.launch(pod.directory) for _ in range(3)])
        launcher.close()
        await yard.until(lambda: len([line for line in yard.processes() if "supervisor" in line]) == 1)


@pytest.mark.parametrize("round_", range(3))
async def test_an_agent_killed_at_any_moment_leaves_nothing_doubled_and_nothing_lost(yard: Yard, round_: int) -> None:
    delay = 0.35 + round_ * 0.17
    agent = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("agent_process.py")),
        str(yard.directory),
        yard.sandbox,
        stdout=asyncio.subprocess.PIPE,
    )
    await asyncio.sleep(delay)
    agent.kill()
    said = (await agent.communicate())[0].decode().splitlines()
    async with yard.runtime() as runtime:
        pods = {pod.config.uid: pod for pod in await runtime.pods()}
        assert all(pod.alive for uid, pod in pods.items() if f"remove {uid}" not in said)
        for line in said:
            match line.split():
                case ["pod", uid] if uid in pods:
                    await runtime.start_pod(pods[uid].config)
                case ["container", uid, name] if uid in pods and f"remove {uid}" not in said:
                    await runtime.start_container(
                        uid,
                        yard.container(
                            "echo started; sleep 300", name=name, log_path=str(yard.directory / "logs" / f"{uid}-{name}.log")
                        ),
                    )
        for log in yard.directory.glob("logs/*.log"):
            await yard.until(lambda log=log: log.read_text().count("started"))
            assert log.read_text().count("started") == 1
        for uid in pods:
            await runtime.remove_pod(uid)
        assert yard.leftovers() == []


async def test_the_process_that_forks_supervisors_may_die(yard: Yard, runtime: MachineRuntime) -> None:
    process = runtime._launcher._process
    assert process is not None
    process.kill()
    process.wait()
    assert (await runtime.start_pod(yard.pod())).alive
    await runtime.start_container(UID, yard.container("exit 2"))
    assert (await yard.ended(runtime)).exit_code == 2
