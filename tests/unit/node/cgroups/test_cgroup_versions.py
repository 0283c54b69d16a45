"""Both versions of control groups, on trees of plain files: what is written where."""

from pathlib import Path

import pytest

from boatyard.node.cgroups import cgroup
from boatyard.node.cgroups.detect import detect, restore
from boatyard.node.cgroups.v1 import CgroupsV1
from boatyard.node.cgroups.v2 import CgroupsV2

LIMITS = {"memory_bytes": 64 << 20, "cpu_millis": 1500, "cpu_request_millis": 250, "pids": 100}


def first(tmp_path: Path) -> CgroupsV1:
    mounts = {name: str(tmp_path / name) for name in ("memory", "cpu", "pids", "freezer")}
    return CgroupsV1(mounts, "base")


def second(tmp_path: Path) -> CgroupsV2:
    for path in ("", "base", "base/pod", "base/pod/c"):
        (tmp_path / path).mkdir(exist_ok=True)
        (tmp_path / path / "cgroup.subtree_control").write_text("memory pids\n" if not path else "\n")
    return CgroupsV2(str(tmp_path), "base", ("memory", "cpu", "pids"))


def test_version_1_writes_each_limit_to_its_controller(tmp_path: Path) -> None:
    groups = first(tmp_path)
    groups.create("pod/c", LIMITS)
    base = {name: tmp_path / name / "base/pod/c" for name in ("memory", "cpu", "pids", "freezer")}
    assert (base["memory"] / "memory.limit_in_bytes").read_text() == str(64 << 20)
    assert (base["cpu"] / "cpu.cfs_quota_us").read_text() == "150000"
    assert (base["cpu"] / "cpu.cfs_period_us").read_text() == "100000"
    assert (base["cpu"] / "cpu.shares").read_text() == "256"
    assert (base["pids"] / "pids.max").read_text() == "100"
    assert base["freezer"].is_dir()
    groups.create("pod/c", LIMITS)


def test_version_2_hands_controllers_down_and_writes_all_limits_to_one_place(tmp_path: Path) -> None:
    groups = second(tmp_path)
    groups.create("pod/c", LIMITS)
    leaf = tmp_path / "base/pod/c"
    assert (leaf / "memory.max").read_text() == str(64 << 20)
    assert (leaf / "cpu.max").read_text() == "150000 100000"
    assert (leaf / "cpu.weight").read_text() == str(1 + (256 - 2) * 9999 // 262142)
    assert (leaf / "pids.max").read_text() == "100"
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu", "only what is missing is asked for"
    assert (tmp_path / "base/pod/cgroup.subtree_control").read_text() == "+pids"
    assert (leaf / "cgroup.subtree_control").read_text() == "\n", "processes live in leaves"


@pytest.mark.parametrize("make", [first, second])
def test_no_limit_writes_nothing(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path).create("pod/c", {"memory_bytes": None, "cpu_millis": None, "pids": None})
    assert not [path for path in tmp_path.rglob("*") if path.name in ("memory.max", "memory.limit_in_bytes", "cpu.max", "pids.max")]


def test_out_of_memory_kills_are_counted_in_both(tmp_path: Path) -> None:
    groups = first(tmp_path)
    groups.create("pod/c", {})
    (tmp_path / "memory/base/pod/c/memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    assert groups.out_of_memory_kills("pod/c") == 2
    other = second(tmp_path)
    (tmp_path / "base/pod/c/memory.events.local").write_text("low 0\nhigh 0\nmax 5\noom 1\noom_kill 3\noom_group_kill 0\n")
    assert other.out_of_memory_kills("pod/c") == 3
    assert other.out_of_memory_kills("pod/none") == 0


def test_processes_are_found_below_a_group(tmp_path: Path) -> None:
    groups = second(tmp_path)
    (tmp_path / "base/pod/cgroup.procs").write_text("")
    (tmp_path / "base/pod/c/cgroup.procs").write_text("12\n7\n")
    assert groups.processes("pod") == [7, 12]
    assert groups.groups() == ["pod"]


def test_joining_moves_the_caller(tmp_path: Path) -> None:
    groups = first(tmp_path)
    groups.create("pod/c", {})
    groups.join("pod/c")
    assert (tmp_path / "memory/base/pod/c/cgroup.procs").read_text() == "0"


def test_removing_what_is_gone_is_no_error(tmp_path: Path) -> None:
    groups = first(tmp_path)
    groups.create("pod/c", {})
    groups.create("other", {})
    groups.remove("pod")
    assert groups.groups() == ["other"]
    groups.remove("pod")
    groups.remove("other")
    assert not (tmp_path / "memory/base").exists(), "the base goes with the last one"


@pytest.mark.parametrize("make", [first, second])
def test_a_record_makes_the_same_groups_again(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    groups = make(tmp_path)
    assert restore(groups.record()).record() == groups.record()
    assert restore(None).version == 0


def detection(tmp_path: Path, mounts: str, membership: str = "0::/user.slice/app.scope\n"):  # type: ignore[no-untyped-def]
    (tmp_path / "mounts").write_text(mounts)
    (tmp_path / "membership").write_text(membership)
    return detect("base", mounts=str(tmp_path / "mounts"), membership=str(tmp_path / "membership"))


def test_version_1_is_seen_by_its_memory_controller(tmp_path: Path) -> None:
    for name in ("memory", "cpu", "pids", "freezer"):
        (tmp_path / name).mkdir()
    lines = [f"cgroup {tmp_path}/{name} cgroup rw,relatime,{name} 0 0" for name in ("memory", "cpu", "freezer")]
    groups, advice = detection(tmp_path, "\n".join([*lines, f"cgroup2 {tmp_path}/unified cgroup2 rw 0 0"]) + "\n")
    assert (groups.version, groups.enforced) == (1, ("memory", "cpu"))
    assert advice == "limits of pids are not enforced: no such controller"
    assert not (tmp_path / "memory/base").exists(), "looking leaves nothing behind"


def test_version_2_uses_the_highest_group_it_may_write(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    (root / "user.slice").mkdir(parents=True)
    (root / "cgroup.subtree_control").write_text("memory pids")
    (root / "cgroup.controllers").write_text("cpu memory pids")
    groups, advice = detection(tmp_path, f"cgroup2 {root} cgroup2 rw 0 0\n")
    assert (groups.version, groups.enforced, advice) == (2, ("memory", "cpu", "pids"), "")
    assert groups.record()["parent"] == str(root)


def test_without_any_right_limits_are_not_enforced_and_it_is_said(tmp_path: Path) -> None:
    groups, advice = detection(tmp_path, f"cgroup2 {tmp_path}/nowhere cgroup2 rw 0 0\n")
    assert groups.enforced == () and "limits are not enforced" in advice
    groups, advice = detection(tmp_path, "")
    assert groups.version == 0 and advice == "no control groups are mounted"


@pytest.mark.parametrize(("millis", "shares"), [(0, 2), (1, 2), (1000, 1024), (10**9, 262144), (None, None)])
def test_weights_are_the_kubelets(millis: int | None, shares: int | None) -> None:
    assert cgroup.weight({"cpu_request_millis": millis}) == shares


@pytest.mark.parametrize(("millis", "quota"), [(1, 1000), (100, 10000), (2500, 250000), (None, None)])
def test_quotas_are_per_tenth_of_a_second(millis: int | None, quota: int | None) -> None:
    assert cgroup.quota({"cpu_millis": millis}) == quota
