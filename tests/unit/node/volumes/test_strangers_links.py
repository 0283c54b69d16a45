"""Pods write below volumes and allowed directories: links that they put there lead the node nowhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from boatyard.node.containers import mounts
from boatyard.node.containers.errors import ConfigError
from boatyard.node.subordinate import SubordinateUsers
from boatyard.node.volumes.errors import VolumeError
from boatyard.node.volumes.host_path import HostPathPolicy, host_path

STRANGER = 54321


def link(path: Path, to: Path) -> None:
    path.symlink_to(to)
    if os.geteuid() == 0:
        os.lchown(path, STRANGER, STRANGER)


def test_a_host_path_through_a_link_of_a_pod_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret" / "below").mkdir(parents=True)
    (tmp_path / "cache").mkdir()
    link(tmp_path / "cache" / "sdk", tmp_path / "secret")
    for path in ("cache/sdk", "cache/sdk/below"):
        with pytest.raises(VolumeError, match="a link that a pod may have made"):
            host_path({"path": str(tmp_path / path)}, HostPathPolicy())
    with pytest.raises(VolumeError, match=r"must not contain"):
        host_path({"path": f"{tmp_path}/cache/sdk/../cache"}, HostPathPolicy())
    assert host_path({"path": str(tmp_path / "cache")}, HostPathPolicy()) == (str(tmp_path / "cache"), False)


def test_a_sub_path_is_made_inside_even_when_a_link_takes_a_directorys_place(tmp_path: Path, monkeypatch) -> None:
    outside, volume = tmp_path / "outside", tmp_path / "volume"
    outside.mkdir()
    volume.mkdir()
    assert mounts.sub_path(str(volume), "a/b", "v") == str(volume / "a" / "b")
    assert (volume / "a" / "b").is_dir()
    make = os.mkdir

    def raced(name, mode=0o777, *, dir_fd=None):
        make(name, mode, dir_fd=dir_fd)
        os.rmdir(name, dir_fd=dir_fd)
        os.symlink(outside, name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "mkdir", raced)
    with pytest.raises(ConfigError, match="failed to prepare subPath"):
        mounts.sub_path(str(volume), "x/y", "v")
    assert list(outside.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands files over")
def test_handing_over_a_volume_follows_no_link(tmp_path: Path, monkeypatch) -> None:
    outside, volume = tmp_path / "outside", tmp_path / "volume"
    for directory in (outside, volume / "d"):
        directory.mkdir(parents=True)
        (directory / "file").touch()
    hand_over, swapped = os.chown, []

    def raced(path, uid, gid, **how):
        if path == "file" and not swapped:
            swapped.append(path)
            (volume / "d").rename(volume / "moved")
            (volume / "d").symlink_to(outside)
        hand_over(path, uid, gid, **how)

    monkeypatch.setattr(os, "chown", raced)
    SubordinateUsers.own([str(volume)], STRANGER)
    assert swapped and (outside / "file").stat().st_uid == 0
    assert (volume / "moved" / "file").stat().st_uid == STRANGER
