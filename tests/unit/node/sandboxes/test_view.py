"""What a container sees is composed purely, parents before children, and never the host's secrets."""

import os
from pathlib import Path

import pytest

from boatyard.node.sandboxes import bubblewrap, view
from boatyard.node.sandboxes.sandbox import Cell, SandboxError, find, names
from boatyard.node.sandboxes.view import HostFiles, Step

HOST = HostFiles(("/usr",), (("/bin", "usr/bin"),), ("/etc/ssl/certs", "/etc/localtime"))


def targets(steps: list[Step]) -> list[str]:
    return [step.target for step in steps]


def test_the_system_is_read_only_and_the_rest_empty() -> None:
    steps = view.compose(HOST, "/pod/etc", [])
    assert Step("ro", "/usr", "/usr") in steps
    assert Step("symlink", "/bin", "usr/bin") in steps
    assert Step("ro", "/etc/passwd", "/pod/etc/passwd") in steps
    assert Step("tmpfs", "/tmp", mode=0o1777) in steps
    assert steps[-1] == Step("seal", "/")
    assert not [step for step in steps if step.kind == "rw"]


def test_a_read_only_root_has_no_scratch_space() -> None:
    assert not [step for step in view.compose(HOST, "/pod/etc", [], read_only_root=True) if step.kind == "tmpfs"]


def test_parents_come_first_and_outer_mounts_before_inner_ones() -> None:
    mounts = [("/s/c", "/workspace/a/cache", False), ("/s/w", "/workspace", False), ("/s/t", "/var/run/secrets/x", True)]
    steps = view.compose(HOST, "/pod/etc", mounts)
    order = targets(steps)
    assert order.index("/workspace") < order.index("/workspace/a/cache")
    assert order.index("/var") < order.index("/var/run") < order.index("/var/run/secrets") < order.index("/var/run/secrets/x")
    assert order.index("/etc/ssl") < order.index("/etc/ssl/certs")
    assert "/workspace/a" not in order, "below a mount it is the mount's own business"
    assert Step("ro", "/var/run/secrets/x", "/s/t", volume=True) in steps


def test_keys_homes_and_sockets_are_in_no_list() -> None:
    for name in ("shadow", "gshadow", "ssl", "ssl/private", "pki", "pki/tls", "ssh", "gitconfig", "kubernetes", "boatyard"):
        assert name not in view.ETC
    assert not {"root", "home", "run", "var", "srv", "opt", "mnt", "sys"} & set(view.SYSTEM)


def test_the_host_is_looked_at_once(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/shells").touch()
    (tmp_path / "etc/shadow").touch()
    host = view.host_files(str(tmp_path))
    assert (host.directories, host.symlinks, host.etc) == (("/usr",), (("/bin", "usr/bin"),), ("/etc/shells",))


@pytest.mark.parametrize("target", ["/", "/usr", "/proc", "/etc/", "relative", "/a/../etc", "/dev"])
def test_targets_that_would_hide_the_system_are_refused(target: str, tmp_path: Path) -> None:
    assert len(view.problems([(str(tmp_path), target, False)])) == 1


def test_every_problem_is_told(tmp_path: Path) -> None:
    found = view.problems([(str(tmp_path), "/ok", False), (str(tmp_path), "x", False), (str(tmp_path / "gone"), "/y", False)])
    assert found == ["mount target 'x' is not an absolute path", "the source of /y is missing on this node"]


def test_bubblewrap_as_root_keeps_the_pods_shared_namespaces() -> None:
    words = bubblewrap.arguments(Cell((Step("ro", "/usr", "/usr"), Step("tmpfs", "/tmp", mode=0o1777)), "host", 200001), 9)
    assert words[:4] == ["--die-with-parent", "--unshare-pid", "--json-status-fd", "9"]
    assert "--unshare-user" not in words and "--unshare-uts" not in words
    assert words[words.index("--cap-drop") + 1] == "ALL"
    assert words[-8:] == ["--ro-bind", "/usr", "/usr", "--perms", "1777", "--tmpfs", "/tmp", "--", "cat"][-8:]


def test_bubblewrap_as_a_user_makes_a_user_namespace() -> None:
    words = bubblewrap.arguments(Cell((Step("seal", "/"),), "host", None), 9)
    assert words[words.index("--hostname") + 1] == "host"
    assert {"--unshare-user", "--unshare-ipc", "--unshare-uts"} <= set(words)
    assert words[-4:] == ["--remount-ro", "/", "--", "cat"]


def test_the_environment_never_reaches_bubblewrap() -> None:
    assert "--setenv" not in bubblewrap.arguments(Cell((), "", None), 9)


def test_sandboxes_are_found_by_file() -> None:
    assert {"bubblewrap", "process"} <= set(names())
    for name in names():
        assert callable(find(name).hold) and callable(find(name).unavailable)
    with pytest.raises(SandboxError, match="there is no sandbox 'vm'; there are bubblewrap, process"):
        find("vm")


def test_no_sandbox_imports_what_a_supervisor_has_not() -> None:
    import subprocess
    import sys

    code = (
        f"import sys; sys.path.insert(0, {os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(view.__file__))))!r})\n"
    )
    code += "import boatyard.node.supervisor.start, boatyard.node.supervisor.probe, boatyard.node.network.pod_link\n"
    code += "slow = {'typing', 'dataclasses', 'asyncio', 'inspect', 'subprocess'} & set(sys.modules); assert not slow, slow"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_directories_between_memory_and_a_mount_are_open_to_the_pods_user():
    steps = view.compose(HostFiles((), (), ()), "/etc-of-pod", [("/source", "/run/boatyard/credentials", True)])
    made = steps.index(Step("dir", "/run/boatyard"))
    mount = Step("ro", "/run/boatyard/credentials", "/source", volume=True)
    assert steps.index(Step("tmpfs", "/run", mode=0o1777)) < made < steps.index(mount)
