"""A command beside the container's program has its view, its groups and its user."""

import asyncio

import pytest

from boatyard.node.machine import MachineRuntime
from boatyard.node.runtime import ExecStream, MachineError

from .conftest import UID, Yard

pytestmark = pytest.mark.real


@pytest.fixture
async def running(yard: Yard, runtime: MachineRuntime) -> MachineRuntime:
    await runtime.start_pod(yard.pod())
    await runtime.start_container(UID, yard.container("echo up; exec sleep 1000", env={"A": "b"}, cwd="/tmp"))
    await yard.until(lambda: yard.text())
    return runtime


async def result(stream: ExecStream) -> tuple[int, str, str]:
    parts = {1: b"", 2: b""}
    async for kind, data in stream.output():
        parts[kind] += data
    return await stream.wait(), parts[1].decode(), parts[2].decode()


async def test_it_shares_everything_with_the_container(running: MachineRuntime) -> None:
    script = "echo $A; pwd; hostname; id -u; cat /proc/self/cgroup; readlink /proc/self/ns/mnt /proc/self/ns/pid"
    inside = await result(await running.exec(UID, "main", ("sh", "-c", script), tty=False, stdin=False))
    again = await result(await running.exec(UID, "main", ("sh", "-c", script), tty=False, stdin=False))
    assert inside == again
    assert inside[0] == 0
    assert inside[1].splitlines()[:3] == ["b", "/tmp", "podhost"]


async def test_streams_and_exit_code_are_its_own(running: MachineRuntime) -> None:
    stream = await running.exec(UID, "main", ("sh", "-c", "cat; echo err >&2; exit 5"), tty=False, stdin=True)
    await stream.write(b"one ")
    await stream.write(b"two")
    await stream.close_stdin()
    assert await result(stream) == (5, "one two", "err\n")


async def test_much_goes_through_both_ways(running: MachineRuntime) -> None:
    stream = await running.exec(UID, "main", ("cat",), tty=False, stdin=True)
    data = bytes(range(256)) * 40_000

    async def feed() -> None:
        await stream.write(data)
        await stream.close_stdin()

    feeding = asyncio.create_task(feed())
    received = b"".join([piece async for _, piece in stream.output()])
    await feeding
    assert received == data
    assert await stream.wait() == 0


async def test_a_slow_reader_holds_the_command_back(running: MachineRuntime) -> None:
    stream = await running.exec(UID, "main", ("sh", "-c", "head -c 20000000 /dev/zero"), tty=False, stdin=False)
    await asyncio.sleep(0.3)
    total = 0
    async for _, piece in stream.output():
        total += len(piece)
    assert (total, await stream.wait()) == (20_000_000, 0)


async def test_a_terminal_has_a_name_and_a_size(running: MachineRuntime) -> None:
    stream = await running.exec(UID, "main", ("sh", "-c", "read x; stty size; tty; echo $TERM"), tty=True, stdin=True)
    await stream.resize(123, 45)
    await stream.write(b"go\n")
    code, out, _ = await result(stream)
    assert code == 0
    assert "45 123" in out
    assert "/dev/pts/" in out
    assert "xterm" in out


async def test_it_can_be_killed(running: MachineRuntime) -> None:
    stream = await running.exec(UID, "main", ("sleep", "1000"), tty=False, stdin=False)
    await stream.kill()
    assert await stream.wait() == 137


async def test_it_ends_with_the_container(yard: Yard, running: MachineRuntime) -> None:
    stream = await running.exec(UID, "main", ("sleep", "1000"), tty=False, stdin=False)
    await running.signal(UID, "main", 9)
    assert await stream.wait() == 137
    assert (await yard.ended(running)).exit_code == 137


async def test_what_is_not_there_says_so(yard: Yard, running: MachineRuntime) -> None:
    with pytest.raises(MachineError, match="cannot execute nope: No such file"):
        await running.exec(UID, "main", ("nope",), tty=False, stdin=False)
    with pytest.raises(MachineError, match="container other is not running"):
        await running.exec(UID, "other", ("true",), tty=False, stdin=False)
    with pytest.raises(MachineError, match="isn't on this machine"):
        await running.exec("nobody", "main", ("true",), tty=False, stdin=False)
