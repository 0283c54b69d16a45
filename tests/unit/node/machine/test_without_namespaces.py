"""Where the kernel gives no namespaces, the process sandbox is a process tree: paths are translated, everything is still ended."""

import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from boatyard.node.machine import MachineRuntime
from boatyard.node.runtime import Capabilities

from .conftest import UID, Yard

pytestmark = pytest.mark.real


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[tuple[Yard, MachineRuntime]]:
    yard = Yard(tmp_path, "process")
    async with yard.runtime() as runtime:
        runtime._capabilities = Capabilities(("process",), "none", (), False, ("the kernel refuses namespaces",))
        yield yard, runtime
        for pod in await runtime.pods():
            await runtime.remove_pod(pod.config.uid)
    assert yard.leftovers() == []


async def test_a_build_finds_its_directories_where_the_environment_says(plain: tuple[Yard, MachineRuntime]) -> None:
    yard, runtime = plain
    volume = yard.volume("ws")
    await runtime.start_pod(yard.pod(volumes=(str(volume),)))
    script = 'cd "$BOATYARD_WORKSPACE" && pwd && echo x > /workspace/file && "$BOATYARD_PYTHON" -c "import boatyard" && '
    script += 'echo bye > "$END" && echo $HOME $TMPDIR'
    env = {"BOATYARD_WORKSPACE": "/workspace", "END": "/dev/termination-log"}
    container = yard.container(script, env=env, cwd="/workspace", mounts=(yard.mount("ws", "/workspace"),))
    await runtime.start_container(UID, container)
    state = await yard.ended(runtime)
    assert (state.exit_code, state.message) == (0, "bye\n"), yard.text()
    home, tmp = yard.text().split()[1:]
    assert yard.text().splitlines()[0] == str(volume)
    assert (volume / "file").read_text() == "x\n"
    assert Path(home).is_relative_to(yard.directory) and Path(tmp).is_relative_to(yard.directory)


async def test_whatever_a_container_started_ends_with_it(plain: tuple[Yard, MachineRuntime]) -> None:
    yard, runtime = plain
    await runtime.start_pod(yard.pod())
    await runtime.start_container(UID, yard.container("setsid sleep 432 & (setsid sleep 432 &) ; echo done; exit 6"))
    assert (await yard.ended(runtime)).exit_code == 6
    await yard.until(lambda: "sleep 432" not in os.popen("ps ax -o args").read().replace("-c ps", ""))


async def test_killing_ends_everything(plain: tuple[Yard, MachineRuntime]) -> None:
    yard, runtime = plain
    await runtime.start_pod(yard.pod())
    await runtime.start_container(UID, yard.container("trap '' TERM; setsid sleep 1000 & echo up; sleep 1000"))
    await yard.until(yard.text)
    await runtime.signal(UID, "main", signal.SIGKILL)
    assert (await yard.ended(runtime)).exit_code == 137


async def test_a_lost_supervisor_leaves_nothing_running(plain: tuple[Yard, MachineRuntime]) -> None:
    yard, runtime = plain
    await runtime.start_pod(yard.pod())
    await runtime.start_container(UID, yard.container("setsid sleep 1000 & echo up; sleep 1000"))
    await yard.until(yard.text)
    record = json.loads((yard.directory / f"node/pods/{UID}/machine/supervisor.json").read_text())
    os.kill(record["pid"], signal.SIGKILL)
    assert (await yard.ended(runtime)).reason == "SupervisorLost"
    await runtime.remove_pod(UID)
    assert yard.leftovers() == []


async def test_commands_run_beside_it(plain: tuple[Yard, MachineRuntime]) -> None:
    yard, runtime = plain
    yard.volume("ws")
    await runtime.start_pod(yard.pod())
    await runtime.start_container(UID, yard.container("echo up; sleep 1000", mounts=(yard.mount("ws", "/workspace"),)))
    await yard.until(yard.text)
    stream = await runtime.exec(UID, "main", ("sh", "-c", "cd /workspace && pwd"), tty=False, stdin=False)
    assert b"".join([data async for _, data in stream.output()]).decode().strip() == str(yard.directory / "volumes/ws")
    assert await stream.wait() == 0


async def test_a_program_that_is_missing_says_so(plain: tuple[Yard, MachineRuntime]) -> None:
    yard, runtime = plain
    await runtime.start_pod(yard.pod())
    await runtime.start_container(UID, yard.container("", argv=("/no/such",)))
    state = await yard.ended(runtime)
    assert (state.reason, state.message) == ("ContainerCannotRun", "cannot execute /no/such: No such file or directory")
