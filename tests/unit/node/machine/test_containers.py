"""A container runs once, is logged, ends with its code and its message, and sees only what it may."""

import os
import signal
from pathlib import Path

import pytest

from boatyard.node.machine import MachineRuntime
from boatyard.node.runtime import Limits, MachineError

from .conftest import UID, Yard, find

pytestmark = pytest.mark.real


async def run(yard: Yard, runtime: MachineRuntime, script: str, **changes: object):  # type: ignore[no-untyped-def]
    await runtime.start_pod(yard.pod())
    await runtime.start_container(UID, yard.container(script, **changes))
    return await yard.ended(runtime)


async def test_its_output_and_its_exit_code_are_kept(yard: Yard, runtime: MachineRuntime) -> None:
    state = await run(yard, runtime, "echo out; echo err >&2; exit 7")
    assert (state.exit_code, state.reason) == (7, "Error")
    assert sorted(yard.text().splitlines()) == ["err", "out"]
    assert 0 < state.started <= state.finished


async def test_success_is_completed(yard: Yard, runtime: MachineRuntime) -> None:
    state = await run(yard, runtime, "true")
    assert (state.exit_code, state.reason, state.pid) == (0, "Completed", 0)


async def test_a_signal_counts_from_128(yard: Yard, runtime: MachineRuntime) -> None:
    assert (await run(yard, runtime, "kill -SEGV $$")).exit_code == 128 + signal.SIGSEGV


async def test_the_last_bytes_of_the_termination_message_are_kept(yard: Yard, runtime: MachineRuntime) -> None:
    state = await run(yard, runtime, "head -c 5000 /dev/zero | tr '\\0' a > /dev/termination-log; echo end >> /dev/termination-log")
    assert state.message == "a" * 4092 + "end\n"


async def test_environment_directory_and_mounts_are_its_own(yard: Yard, runtime: MachineRuntime) -> None:
    volume = yard.volume("ws")
    await runtime.start_pod(yard.pod(volumes=(str(volume),)))
    container = yard.container(
        "pwd; echo $A; echo data > file; cat /run/x/y", env={"A": "b c"}, cwd="/workspace/.",
        mounts=(yard.mount("ws", "/workspace"), yard.mount("cfg", "/run/x", read_only=True)),
    )  # fmt: skip
    (yard.volume("cfg") / "y").write_text("config\n")
    await runtime.start_container(UID, container)
    assert (await yard.ended(runtime)).exit_code == 0
    assert yard.text() == "/workspace\nb c\nconfig\n"
    assert (volume / "file").read_text() == "data\n"


async def test_a_read_only_mount_stays_as_it_is(yard: Yard, runtime: MachineRuntime) -> None:
    yard.volume("cfg").chmod(0o777)
    state = await run(yard, runtime, "touch /cfg/x", mounts=(yard.mount("cfg", "/cfg", read_only=True),))
    assert state.exit_code != 0
    assert "Read-only file system" in yard.text()


async def test_nothing_of_the_host_that_is_secret_is_seen(yard: Yard, runtime: MachineRuntime) -> None:
    await run(
        yard,
        runtime,
        f"ls -A /root /home /srv /var /mnt /sys 2>/dev/null; ls {yard.directory} /etc/shadow /etc/ssh; cat /proc/1/environ; true",
    )
    seen = yard.text()
    assert seen.count("No such file or directory") >= 2, seen
    assert not {".ssh", ".bashrc", "node", "logs", "shadow"} & set(seen.split())


async def test_it_sees_its_own_processes_only_and_orphans_are_reaped(yard: Yard, runtime: MachineRuntime) -> None:
    await run(yard, runtime, "(sleep 0.05 &) ; sleep 0.2; ls /proc | grep -c '^[0-9]'; grep -l defunct /proc/[0-9]*/stat | wc -l")
    processes, zombies = yard.text().split()
    assert int(processes) < 10 and zombies == "0"


async def test_it_has_no_privileges(yard: Yard, runtime: MachineRuntime) -> None:
    await run(yard, runtime, "grep -E 'Cap(Eff|Prm|Bnd|Inh|Amb)|NoNewPrivs|^Uid|Groups' /proc/self/status")
    status = dict(line.split(":", 1) for line in yard.text().splitlines())
    assert {int(status[name].strip(), 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")} == {0}
    assert status["NoNewPrivs"].strip() == "1"
    uids = set(map(int, status["Uid"].split()))
    assert uids == {os.getuid()} if os.getuid() else min(uids) >= 200_000


async def test_every_descriptor_but_the_standard_three_is_closed(yard: Yard, runtime: MachineRuntime) -> None:
    await run(yard, runtime, "ls /proc/self/fd")
    assert set(yard.text().split()) <= {"0", "1", "2", "3"}  # 3 is the directory ls reads


async def test_the_interpreter_of_boatyard_is_there(yard: Yard, runtime: MachineRuntime) -> None:
    state = await run(yard, runtime, '"$BOATYARD_PYTHON" -c "import boatyard, msgspec; print(boatyard.__file__)"')
    assert state.exit_code == 0, yard.text()
    assert yard.text() in ("/opt/boatyard/src/boatyard/__init__.py\n", "/opt/boatyard/site0/boatyard/__init__.py\n")


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (("/no/such",), "cannot execute /no/such: No such file or directory"),
        (("no-such-tool",), "cannot execute no-such-tool: No such file or directory"),
        (("/etc/passwd",), "cannot execute /etc/passwd: Permission denied"),
    ],
)
async def test_what_cannot_run_says_why(yard: Yard, runtime: MachineRuntime, argv: tuple[str, ...], reason: str) -> None:
    state = await run(yard, runtime, "", argv=argv)
    assert (state.reason, state.exit_code, state.message) == ("ContainerCannotRun", 128, reason)


async def test_a_missing_working_directory_says_so(yard: Yard, runtime: MachineRuntime) -> None:
    state = await run(yard, runtime, "true", cwd="/nowhere")
    assert state.message == "cannot change to directory /nowhere: No such file or directory"


async def test_another_user_is_refused(yard: Yard, runtime: MachineRuntime) -> None:
    state = await run(yard, runtime, "true", run_as_user=12345)
    assert state.message.startswith("runAsUser 12345 is refused")


async def test_a_mount_without_a_source_is_refused(yard: Yard, runtime: MachineRuntime) -> None:
    state = await run(yard, runtime, "true", mounts=(yard.mount("none", "/x"),))
    assert "the source of /x is missing" in state.message


async def test_an_unknown_image_is_an_error_with_advice(yard: Yard, runtime: MachineRuntime) -> None:
    await runtime.start_pod(yard.pod())
    with pytest.raises(MachineError, match="image 'maven:3' needs a container runtime"):
        await runtime.start_container(UID, yard.container("true", image="maven:3"))


async def test_the_same_start_is_made_once(yard: Yard, runtime: MachineRuntime) -> None:
    await runtime.start_pod(yard.pod())
    for _ in range(3):
        await runtime.start_container(UID, yard.container("echo once"))
    await yard.ended(runtime)
    await runtime.start_container(UID, yard.container("echo once"))
    assert yard.text() == "once\n"
    await runtime.start_container(UID, yard.container("echo again", attempt=1))
    await yard.ended(runtime, attempt=1)
    assert [container.attempt for container in (await runtime.state(UID)).containers] == [0, 1]  # type: ignore[union-attr]


async def test_a_terminal_is_one_when_asked_for(yard: Yard, runtime: MachineRuntime) -> None:
    await run(yard, runtime, "test -t 0 && test -t 1 && tty; echo err >&2", tty=True)
    assert yard.text().split() == ["/dev/pts/0", "err"] or "err" in yard.text()
    assert "not a tty" not in yard.text()


async def test_signals_reach_the_program_and_nine_ends_everything(yard: Yard, runtime: MachineRuntime) -> None:
    await runtime.start_pod(yard.pod())
    await runtime.start_container(UID, yard.container("trap 'echo term; exit 3' TERM; echo up; while :; do sleep 0.02; done"))
    await yard.until(lambda: "up" in yard.text())
    await runtime.signal(UID, "main", signal.SIGTERM)
    assert (await yard.ended(runtime)).exit_code == 3
    assert yard.text() == "up\nterm\n"
    await runtime.start_container(UID, yard.container("trap '' TERM; setsid sleep 100 & echo up; sleep 100", attempt=1))
    await yard.until(lambda: "up" in yard.text(attempt=1))
    await runtime.signal(UID, "main", signal.SIGTERM)
    await runtime.signal(UID, "main", signal.SIGKILL)
    assert (await yard.ended(runtime, attempt=1)).exit_code == 137
    await runtime.signal(UID, "main", signal.SIGKILL)  # no error


async def test_what_a_container_leaves_running_ends_with_it(yard: Yard, runtime: MachineRuntime) -> None:
    await run(yard, runtime, "setsid sleep 321 & setsid sh -c 'sleep 321; true' & echo done")
    await yard.until(lambda: not [line for line in os.popen("ps ax -o args").read().splitlines() if line.strip() == "sleep 321"])


async def test_containers_of_a_pod_share_hostname_and_user(yard: Yard, runtime: MachineRuntime) -> None:
    await runtime.start_pod(yard.pod())
    for name in ("one", "two"):
        await runtime.start_container(UID, yard.container("hostname; id -u; whoami", name=name))
        await yard.ended(runtime, name=name)
    assert yard.text("one") == yard.text("two")
    assert yard.text("one").splitlines()[0] == "podhost"
    assert yard.text("one").splitlines()[2] in ("boatyard", "root")


@pytest.mark.root
@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
async def test_memory_beyond_the_limit_is_told_apart(yard: Yard, runtime: MachineRuntime) -> None:
    if "memory" not in runtime.capabilities.limits:
        pytest.skip("no memory controller")
    script = "python3 -c 'a = bytearray(200 << 20)'; exit $?"
    state = await run(yard, runtime, script, limits=Limits(memory_bytes=64 << 20))
    assert (state.reason, state.exit_code) == ("OOMKilled", 137)
    assert "the memory limit was reached (67108864 bytes)" in yard.text()


@pytest.mark.root
@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
async def test_a_fork_bomb_stays_in_its_limits(yard: Yard, runtime: MachineRuntime) -> None:
    if "pids" not in runtime.capabilities.limits:
        pytest.skip("no pids controller")
    state = await run(yard, runtime, "for i in $(seq 50); do sleep 5 & done; wait", limits=Limits(pids=10))
    assert state.exit_code != 0
    assert "fork" in yard.text().lower()


async def test_the_log_of_a_container_that_talks_without_end_is_cut(yard: Yard) -> None:
    async with yard.runtime(log_limit_bytes=100_000) as runtime:
        state = await run(yard, runtime, "head -c 3000000 /dev/zero; echo")
        assert state.exit_code == 0
        assert state.log_lost_bytes > 2_000_000
        assert yard.log().stat().st_size < 101_000
        assert "reached its limit" in yard.text()


async def test_state_is_none_for_what_is_not_here(yard: Yard, runtime: MachineRuntime) -> None:
    assert await runtime.state("nobody") is None
    await runtime.remove_pod("nobody")
    await runtime.signal("nobody", "main", 15)
    with pytest.raises(MachineError, match="isn't on this machine"):
        await runtime.start_container("nobody", yard.container("true"))
    with pytest.raises(MachineError, match="no pod's uid"):
        await runtime.start_pod(yard.pod("../x"))


async def test_volumes_are_handed_to_the_pods_user(yard: Yard, runtime: MachineRuntime) -> None:
    volume = yard.volume("claim")
    (volume / "deep").mkdir()
    (volume / "deep" / "file").write_text("x")
    Path(volume / "link").symlink_to("/etc/passwd")
    await runtime.start_pod(yard.pod(volumes=(str(volume),)))
    script = "echo y > /claim/deep/file && rm /claim/link"
    await runtime.start_container(UID, yard.container(script, mounts=(yard.mount("claim", "/claim"),)))
    assert (await yard.ended(runtime)).exit_code == 0, yard.text()
    assert Path("/etc/passwd").stat().st_uid == 0
    assert find(await runtime.state(UID), "main") is not None
