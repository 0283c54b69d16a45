"""Mounts inside mounts, and what a pod can't do with links."""

from pathlib import Path

import pytest

from boatyard.node.machine import MachineRuntime

from .conftest import UID, Yard

pytestmark = pytest.mark.real


async def run(yard: Yard, runtime: MachineRuntime, script: str, *mounts: object) -> str:
    """The exit code, what it said, and why it could not start if it couldn't."""
    await runtime.start_pod(yard.pod(volumes=(str(yard.volume("outer")), str(yard.volume("inner")))))
    await runtime.start_container(UID, yard.container(script, mounts=mounts))
    state = await yard.ended(runtime)
    return f"{state.exit_code}: {yard.text()}{state.message}"


async def test_a_mount_inside_a_mount_is_seen_there_and_keeps_what_is_written(yard: Yard, runtime: MachineRuntime) -> None:
    outer, inner = yard.volume("outer"), yard.volume("inner")
    said = await run(
        yard, runtime, "echo a > /ws/deep/in/file; echo b > /ws/other; ls /ws/deep/in /ws",
        yard.mount("inner", "/ws/deep/in"), yard.mount("outer", "/ws"),
    )  # fmt: skip
    assert said == "0: /ws:\ndeep\nother\n\n/ws/deep/in:\nfile\n"
    assert (inner / "file").read_text() == "a\n" and (outer / "other").read_text() == "b\n"
    assert list((outer / "deep/in").iterdir()) == []


@pytest.mark.parametrize(("read_only", "refused"), [("outer", "/ws/x"), ("inner", "/ws/in/x")])
async def test_only_the_one_that_is_read_only_is(yard: Yard, runtime: MachineRuntime, read_only: str, refused: str) -> None:
    (yard.volume("outer") / "in").mkdir()
    said = await run(
        yard, runtime, "for f in /ws/x /ws/in/x; do touch $f || echo refused $f; done",
        yard.mount("outer", "/ws", read_only=read_only == "outer"), yard.mount("inner", "/ws/in", read_only=read_only == "inner"),
    )  # fmt: skip
    assert "Read-only file system" in said
    assert [line for line in said.splitlines() if "refused" in line] in ([f"0: refused {refused}"], [f"refused {refused}"])


@pytest.mark.parametrize("link", ["{machine}", "/oldroot{machine}", "/old{machine}", "../../../../../../../{machine}"])
@pytest.mark.parametrize("target", ["/ws/link/made", "/ws/link"])
async def test_a_link_in_a_volume_leads_no_mount_out_of_it(
    yard: Yard, runtime: MachineRuntime, tmp_path: Path, link: str, target: str
) -> None:
    machine = tmp_path / "machine"
    machine.mkdir()
    (yard.volume("outer") / "link").symlink_to(link.format(machine=machine))
    said = await run(yard, runtime, "true", yard.mount("outer", "/ws"), yard.mount("inner", target))
    assert "through the link 'link'" in said
    assert list(machine.iterdir()) == [], "nothing was made on the machine"


async def test_a_source_that_became_a_link_is_not_followed(yard: Yard, runtime: MachineRuntime) -> None:
    """As a sub-path can, between the moment it was looked at and the mount."""
    (yard.volume("outer") / "sub").symlink_to("/etc")
    said = await run(yard, runtime, "ls /ws", yard.mount("outer/sub", "/ws"))
    assert "through the link 'sub'" in said
